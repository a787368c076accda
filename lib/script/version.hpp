#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::script {

/// The version of a migration: a number, or several with dots between, as Flyway has them. 1.10
/// comes behind 1.9, 1.0 is 1.
class Version {
 public:
  Version(std::uint64_t number = 0) : number_(number) {}
  /// Of its first number, and of what rest() said of the others. Nothing: it is none.
  static std::optional<Version> of(std::uint64_t number, std::string_view rest);
  /// "1.2"; the error is a sentence.
  static std::expected<Version, std::string> parse(std::string_view text);

  std::uint64_t number() const { return number_; }
  bool is_whole() const { return rest_.empty(); }
  std::string rest() const;  ///< ".2" of 1.2; empty: it is a number
  std::string text() const { return std::to_string(number_) + rest(); }

  auto operator<=>(const Version&) const = default;

 private:
  std::uint64_t number_;
  std::vector<std::uint64_t> rest_;  ///< does not end with 0
};

}  // namespace sluice::script
