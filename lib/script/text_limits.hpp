#pragma once

#include <cstddef>

#include "base/limits.hpp"

/// What the texts of migrations may take of the memory.
namespace sluice::limits {

/// A file's text is kept where it is not longer, as long as those of its folder are not more.
inline constexpr std::size_t script_kept_bytes_max = 1 * MiB;
inline constexpr std::size_t scripts_kept_bytes_max = 16 * MiB;
/// The text of others is read in parts of so much: a part is sent at once, so that a file of many
/// small statements does not cost a round trip for each.
inline constexpr std::size_t script_part_bytes = 128 * KiB;
/// A part grows to hold one statement. The client's libraries copy it twice.
inline constexpr std::size_t script_statement_bytes_max = 64 * MiB;

}  // namespace sluice::limits
