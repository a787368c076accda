#pragma once

#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// A short name for a source's content: XXH3 (128 bits, hexadecimal) of its length where it is
/// known, its first 64 KiB and its last 64 KiB. It finds the loads that may be of the same content;
/// that they are is decided by the digests of their chunks, so a change in the middle of a file is
/// not missed.
std::string fingerprint(const Source& source, std::string_view beginning);

/// The same of the first 64 KiB alone, or of all where there is less: whatever comes behind them.
std::string head_digest(std::string_view beginning);

/// The two of a content as it is with a byte-order mark in front of it. Former versions took the
/// mark for content.
struct MarkedDigests {
  std::string fingerprint;
  std::string head;
};
MarkedDigests marked_digests(const Source& source, std::string_view beginning);

/// The first `bytes` of a content behind a mark.
std::string marked_beginning(std::string_view beginning,
                             std::size_t bytes = limits::fingerprint_bytes);

/// What of a stamp names the file, whatever its paths and its content are: "host device:inode".
/// Empty where there is no stamp.
std::string_view file_of_stamp(std::string_view stamp);

/// Whether the later stamp of a file differs from the earlier one in the time of change (ctime)
/// alone: its name or mode was changed, or its content and then its time of modification.
bool is_only_touched(std::string_view before, std::string_view now);

}  // namespace sluice::source
