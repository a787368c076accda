#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "chunk/preamble.hpp"
#include "csv/parser.hpp"

namespace sluice::chunk {

/// What a record looks like, whatever its values mean.
struct RecordShape {
  std::size_t fields = 0;
  bool ends_blank = false;  ///< the last one is empty and not quoted
};

/// The sound records that were read with the preamble, without one that may go on behind that.
void look_at_records(const Preamble& preamble, const std::function<void(const csv::Record&)>& take);

/// Of the sound records that were read with the preamble, without one that may go on behind that,
/// and without the last ones where the source ends there and has a footer of so many lines.
std::vector<RecordShape> shapes_of(const Preamble& preamble, std::uint64_t footer_lines);

}  // namespace sluice::chunk
