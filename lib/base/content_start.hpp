#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice {

/// A start that short contents of some lengths have (source/starts.hpp), as the ledger keeps it.
struct ContentStart {
  std::array<char, 32> digits{};  ///< source::head_digest() of it
  std::uint64_t shortest = 0;     ///< in bytes, as is `behind`, which is more than the longest one
  std::uint64_t behind = 0;

  std::string_view digest() const { return {digits.data(), digits.size()}; }
};

}  // namespace sluice
