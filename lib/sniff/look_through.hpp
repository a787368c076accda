#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chunk/chunker.hpp"
#include "chunk/preamble.hpp"
#include "sniff/column.hpp"
#include "sniff/effort.hpp"
#include "source/source.hpp"
#include "tuple/encoder.hpp"

namespace sluice::sniff {

/// How a load reads records.
struct Manner {
  chunk::ChunkerOptions chunks;
  tuple::RecordPolicy policy;
  tuple::ValueWishes values;
  std::function<bool()> is_stopped;  ///< asked now and then, on any thread
};

/// What a load would find in a source's columns.
struct Seen {
  std::vector<Column> columns;
  std::uint64_t records = 0;  ///< that have their number of values
  /// Where text begins that is no UTF-8: behind the source's first byte.
  std::optional<std::uint64_t> not_utf8;
};

/// Reads a source to its end, from behind its preamble, as a load with these options would. The
/// columns are those of `names`, by which the values' rules name them. Records that the load would
/// refuse are left out. Blocking, until it is stopped. Throws Failure.
Seen look_through(source::Source& source, const chunk::Preamble& preamble, const Manner& manner,
                  const std::vector<std::string>& names, const Effort& effort = {});

}  // namespace sluice::sniff
