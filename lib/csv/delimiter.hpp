#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::csv {

/// What stands between two values: one to eight bytes, which are found as they are.
class Delimiter {
 public:
  static constexpr std::size_t bytes_max = 8;

  constexpr Delimiter(char c) : bytes_{c}, size_(1) {}  // NOLINT(google-explicit-constructor)

  /// Nothing where `text` is empty or too long.
  static constexpr std::optional<Delimiter> of(std::string_view text) {
    if (text.empty() || text.size() > bytes_max) return std::nullopt;
    Delimiter delimiter(text.front());
    std::ranges::copy(text, delimiter.bytes_.begin());
    delimiter.size_ = text.size();
    return delimiter;
  }

  constexpr std::string_view text() const { return {bytes_.data(), size_}; }
  constexpr std::size_t size() const { return size_; }
  constexpr char last() const { return bytes_[size_ - 1]; }
  constexpr bool contains(char c) const { return text().find(c) != std::string_view::npos; }

  bool operator==(const Delimiter&) const = default;

 private:
  std::array<char, bytes_max> bytes_{};
  std::size_t size_;
};

}  // namespace sluice::csv
