// The benchmarks' data sets, for script/bench:
//   bench_data csv NAME ROWS     the records on stdout
//   bench_data sql NAME WHAT     WHAT is columns, primary-key or indexes (one a line)

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "bench/data_sets.hpp"

namespace {

using sluice::bench::DataSet;

void print_csv(const DataSet& set, std::uint64_t rows) {
  static constexpr std::size_t block_bytes = 1 << 20;
  std::string block = set.header + "\n";
  sluice::bench::Random random;
  for (std::uint64_t row = 0; row < rows; ++row) {
    set.write(block, row, random);
    if (block.size() < block_bytes) continue;
    std::cout << block;
    block.clear();
  }
  std::cout << block << std::flush;
}

void print_sql(const DataSet& set, const std::string& what) {
  if (what == "columns") std::cout << set.columns << "\n";
  if (what == "primary-key") std::cout << set.primary_key << "\n";
  if (what != "indexes") return;
  for (const std::string& index : set.indexes) std::cout << index << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4)
      throw std::invalid_argument("bench_data csv NAME ROWS | bench_data sql NAME WHAT");
    const DataSet& set = sluice::bench::data_set(argv[2]);
    if (std::string(argv[1]) == "csv") {
      print_csv(set, std::strtoull(argv[3], nullptr, 10));
    } else {
      print_sql(set, argv[3]);
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
  return std::cout.good() ? 0 : 1;
}
