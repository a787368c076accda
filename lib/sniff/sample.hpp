#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "csv/parser.hpp"

namespace sluice::sniff {

/// A source's first bytes, in UTF-8, without a byte-order mark.
class Sample {
 public:
  /// `is_whole`: nothing follows them.
  Sample(std::string bytes, bool is_whole) : bytes_(std::move(bytes)), is_whole_(is_whole) {}

  std::string_view bytes() const { return bytes_; }
  bool is_whole() const { return is_whole_; }
  /// What is behind its first lines, whatever ends them.
  Sample behind_lines(std::size_t lines) const;

  /// How a dialect reads it: its whole records in order, until `take` returns false. Returns how
  /// many quotes open within a value, as an odd one does.
  std::size_t read(const csv::Dialect& dialect, csv::LineEnd line_end,
                   const std::function<bool(const csv::Record&)>& take) const;

 private:
  std::string bytes_;
  bool is_whole_;
};

}  // namespace sluice::sniff
