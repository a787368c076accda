#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

/// Random numbers that are the same everywhere (Steele, Lea and Flood, "Fast Splittable
/// Pseudorandom Number Generators", SplitMix64).
class Random {
 public:
  std::uint64_t next();
  /// From `least` to `most`, both included.
  std::int64_t between(std::int64_t least, std::int64_t most);

 private:
  std::uint64_t state_ = 1;
};

/// A table and CSV for it, made from nothing but a number of rows: the same bytes on every machine.
struct DataSet {
  std::string name;
  std::string columns;               ///< as in CREATE TABLE
  std::string primary_key;           ///< its columns
  std::vector<std::string> indexes;  ///< columns of two secondary indexes
  std::string header;
  /// Appends a record and its line end.
  void (*write)(std::string& out, std::uint64_t row, Random& random);
};

/// narrow (a time series), lineitem (as TPC-H's), quoted (text with newlines and quotes), taxi (19
/// columns).
const std::vector<DataSet>& data_sets();
/// Throws std::invalid_argument for a name that is none.
const DataSet& data_set(const std::string& name);

/// Header and records.
std::string csv_of(const DataSet& set, std::uint64_t rows);

}  // namespace sluice::bench
