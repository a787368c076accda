#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Where a record begins in its source, as an editor and `dd` would find it.
struct Position {
  /// From 0. Of a reject: in the source as it is, unpacked, a byte-order mark included; else in the
  /// content, which is in UTF-8 and has none.
  std::uint64_t byte_offset = 0;
  std::uint64_t line = 1;    ///< from 1, physical: newlines inside quotes count
  std::uint64_t record = 1;  ///< from 1, the first record after the header
};

/// "trips.csv:81", the form that editors and compilers share.
std::string at(std::string_view source_name, std::uint64_t line);

/// One load, in the ledger, across restarts.
struct LoadId {
  std::int64_t value = 0;
  bool operator==(const LoadId&) const = default;
};

/// One chunk of one load: the identity on which retry, resume and lost commits hang.
struct ChunkId {
  LoadId load;
  std::int64_t number = 0;  ///< from 0, in file order
  bool operator==(const ChunkId&) const = default;
};

}  // namespace sluice
