#include "serve/query.hpp"

#include <charconv>

#include "serve/message.hpp"

namespace sluice::serve {

std::int64_t number_of(const std::string& name, const std::string& value, std::int64_t most) {
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc() && at == end && number > 0 && number <= most) return number;
  throw Refused{
      400, name + " is a number from 1 to " + std::to_string(most) + ", and not \"" + value + "\""};
}

}  // namespace sluice::serve
