#include "base/quantity.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/ascii.hpp"

namespace sluice {
namespace {

struct Unit {
  std::string_view name;  ///< lower case
  double factor;
};

/// A number, blanks, one of the units. Negative, empty and overflowing texts are refused.
template <std::size_t N>
std::expected<double, bool> parse_with_unit(std::string_view text,
                                            const std::array<Unit, N>& units) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0 || !std::isfinite(number)) return std::unexpected(false);
  std::string_view rest(end, text.data() + text.size() - end);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const std::string name = in_small_letters(rest);
  for (const Unit& unit : units) {
    if (unit.name == name) return number * unit.factor;
  }
  return std::unexpected(false);
}

std::string scaled(double value, const char* const* units, double step) {
  std::size_t index = 0;
  while (value >= step && units[index + 1] != nullptr) {
    value /= step;
    ++index;
  }
  std::array<char, 48> text{};
  const bool whole = value == std::floor(value) || value >= 100;
  std::snprintf(text.data(), text.size(), whole ? "%.0f %s" : "%.1f %s", value, units[index]);
  return text.data();
}

}  // namespace

std::expected<std::uint64_t, std::string> parse_bytes(std::string_view text) {
  static constexpr double k = 1024;
  static constexpr std::array<Unit, 14> units{{{"", 1},
                                               {"b", 1},
                                               {"k", k},
                                               {"m", k * k},
                                               {"g", k * k * k},
                                               {"t", k * k * k * k},
                                               {"kib", k},
                                               {"mib", k * k},
                                               {"gib", k * k * k},
                                               {"tib", k * k * k * k},
                                               {"kb", 1e3},
                                               {"mb", 1e6},
                                               {"gb", 1e9},
                                               {"tb", 1e12}}};
  const auto bytes = parse_with_unit(text, units);
  if (!bytes || *bytes >= 9.2e18) {
    return std::unexpected("\"" + std::string(text) +
                           "\" is not a size; write for example 8MiB, 512K or 50MB");
  }
  return static_cast<std::uint64_t>(*bytes);
}

std::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 8> units{{{"", 1e3},
                                              {"ms", 1},
                                              {"s", 1e3},
                                              {"m", 60e3},
                                              {"min", 60e3},
                                              {"h", 3600e3},
                                              {"d", 86400e3},
                                              {"us", 1e-3}}};
  const auto ms = parse_with_unit(text, units);
  if (!ms || *ms > 3.2e13) {
    return std::unexpected("\"" + std::string(text) +
                           "\" is not a duration; write for example 500ms, 30s or 5m");
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(*ms));
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", nullptr};
  return scaled(static_cast<double>(bytes), units, 1024);
}

std::string format_decimal_bytes(std::uint64_t bytes) {
  static constexpr const char* units[] = {"bytes", "kB", "MB", "GB", "TB", nullptr};
  return scaled(static_cast<double>(bytes), units, 1000);
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(static_cast<std::size_t>(place), ",");
  }
  return digits;
}

std::string format_duration(std::chrono::duration<double> duration) {
  const double seconds = duration.count();
  std::array<char, 48> text{};
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (seconds < 1) {
    std::snprintf(text.data(), text.size(), "%.2f s", seconds);
  } else if (seconds < 60) {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  } else if (whole < 3600) {
    std::snprintf(text.data(), text.size(), "%lld:%02lld min", whole / 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld h", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return text.data();
}

std::string format_rate(double rows_per_second) {
  std::array<char, 48> text{};
  if (rows_per_second >= 1e6) {
    std::snprintf(text.data(), text.size(), "%.2fM rows/s", rows_per_second / 1e6);
  } else if (rows_per_second >= 1e4) {
    std::snprintf(text.data(), text.size(), "%.0fk rows/s", rows_per_second / 1e3);
  } else {
    std::snprintf(text.data(), text.size(), "%.0f rows/s", rows_per_second);
  }
  return text.data();
}

}  // namespace sluice
