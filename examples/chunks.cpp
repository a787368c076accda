// A long list in pieces of a fixed size.

#include <cstdio>
#include <numeric>
#include <vector>

#include "pgsluice/async.hpp"

int main() {
  std::vector<int> numbers(10);
  std::iota(numbers.begin(), numbers.end(), 1);
  for (const auto chunk : sluice::chunks_of(numbers, 4))
    std::printf("%zu numbers, sum %d\n", chunk.size(),
                std::accumulate(chunk.begin(), chunk.end(), 0));
  return 0;
}
