#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::sniff {

/// The smallest and the largest value of a column: of numbers by what they are, where there are
/// any; else of all values by their bytes.
class Extremes {
 public:
  void add_number(std::string_view text, double number);
  void add_text(std::string_view text);
  /// With what came behind it: of equal numbers the first one is kept.
  void merge(const Extremes& other);

  /// As they were written; empty where there was nothing.
  const std::string& smallest() const { return smallest_; }
  const std::string& largest() const { return largest_; }

 private:
  std::optional<double> smallest_number_;
  std::optional<double> largest_number_;
  std::string smallest_;
  std::string largest_;
};

/// So much of a value as a person is shown.
inline std::string_view shown_part_of(std::string_view text) {
  static constexpr std::size_t shown_max = 60;
  return text.substr(0, shown_max);
}

}  // namespace sluice::sniff
