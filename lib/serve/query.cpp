#include "serve/query.hpp"

#include <charconv>

#include "serve/message.hpp"

namespace sluice::serve {

std::optional<std::int64_t> digits_of(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number > INT64_MAX) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::int64_t number_of(const std::string& name, const std::string& value, std::int64_t most) {
  const std::optional<std::int64_t> number = digits_of(value);
  if (number && *number > 0 && *number <= most) return *number;
  throw Refused{
      400, name + " is a number from 1 to " + std::to_string(most) + ", and not \"" + value + "\""};
}

}  // namespace sluice::serve
