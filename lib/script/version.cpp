#include "script/version.hpp"

#include <charconv>

namespace sluice::script {
namespace {

/// Behind it in `text` comes what is not a digit.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

std::optional<Version> Version::of(std::uint64_t number, std::string_view rest) {
  Version version(number);
  while (!rest.empty()) {
    if (!rest.starts_with('.')) return std::nullopt;
    rest.remove_prefix(1);
    const auto part = take_number(rest);
    if (!part) return std::nullopt;
    version.rest_.push_back(*part);
  }
  while (!version.rest_.empty() && version.rest_.back() == 0) version.rest_.pop_back();
  return version;
}

std::expected<Version, std::string> Version::parse(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  const auto version = number ? of(*number, rest) : std::nullopt;
  if (version) return *version;
  return std::unexpected("\"" + std::string(text) + "\" is no version: write 7, or 1.2");
}

std::string Version::rest() const {
  std::string text;
  for (const std::uint64_t part : rest_) text += "." + std::to_string(part);
  return text;
}

}  // namespace sluice::script
