#include "sniff/effort.hpp"

#include <algorithm>
#include <thread>

namespace sluice::sniff {

std::size_t Effort::threads_for(std::size_t columns) const {
  // A column in detail takes about 8 KiB.
  static constexpr std::size_t columns_at_once = 8 * table_columns_max;
  const std::size_t most = columns_at_once / std::max<std::size_t>(columns, 1);
  return std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(most, 1));
}

Effort effort_of_machine() {
  static constexpr std::size_t threads_max = 16;
  return {.threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, threads_max)};
}

std::vector<Column> columns_for(std::size_t count) {
  return std::vector<Column>(count,
                             Column(count <= table_columns_max ? Detail::all : Detail::none));
}

}  // namespace sluice::sniff
