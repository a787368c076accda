#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/dialect.hpp"
#include "sniff/sample.hpp"

namespace sluice::sniff {

/// One way to read a sample, and how well it does.
struct Reading {
  csv::Dialect dialect;
  csv::LineEnd line_end = csv::LineEnd::lf;
  csv::Format format = csv::Format::csv;
  std::uint64_t skip_lines = 0;      ///< physical lines in front of the first record
  std::uint64_t skip_footer = 0;     ///< behind the last one, where the sample is whole
  std::size_t columns = 0;           ///< of the records that are usual
  bool ends_with_delimiter = false;  ///< each record does: it is no column, and not counted as one
  std::uint64_t records = 0;
  double fits = 0;   ///< share of the records with so many columns
  double typed = 0;  ///< of their cells, how much they look like values: 0 to 1
  double score = 0;  ///< what readings are compared by: 0 to 1
};

/// Readings that differ in what they read, the best one first, and whether it is beyond doubt.
struct Readings {
  std::vector<Reading> all;
  std::string doubt;  ///< why the first is not taken for certain; empty: it is

  bool are_sure() const { return doubt.empty(); }
};

/// What is known beforehand.
struct Known {
  std::vector<std::string> names = {};  ///< of the table's columns: a header that has them decides
  std::optional<csv::Delimiter> delimiter = {};
  std::optional<char> quote = {};
  std::string comment = {};  ///< lines that begin with it are left out; empty: it is looked for
};

/// How a sample is read: delimiter, quote, escape, line ends, comments, lines in front and behind.
/// Two dialects that read the same are one reading, named as COPY's default has it.
Readings find_dialect(const Sample& sample, const Known& known = {});

}  // namespace sluice::sniff
