#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sniff/value_kind.hpp"

namespace sluice::sniff {

/// The different values of a column and how often each was there, while they are few and short. A
/// value that is known has been looked at.
class FewValues {
 public:
  static constexpr std::size_t values_max = 12;
  static constexpr std::size_t bytes_max = 32;

  struct Value {
    std::string text;
    bool quoted = false;
    Kind kind = Kind::text;
    bool has_blanks = false;  ///< around it
    std::optional<double> number = std::nullopt;
    std::uint64_t times = 0;
  };

  /// The value, if it was there before.
  Value* find(std::string_view text, bool quoted);
  /// One that was not.
  void add(const Value& value);
  void merge(const FewValues& other);
  void give_up();

  bool are_few() const { return !are_many_; }
  /// In the order in which they came. REQUIRES: are_few().
  const std::vector<Value>& all() const { return values_; }

 private:
  bool are_many_ = false;  ///< or one of them is long
  std::vector<Value> values_;
};

inline FewValues::Value* FewValues::find(std::string_view text, bool quoted) {
  for (Value& value : values_)
    if (value.text == text && value.quoted == quoted) return &value;
  return nullptr;
}

}  // namespace sluice::sniff
