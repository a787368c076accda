#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/content_start.hpp"
#include "source/source.hpp"

/// What a content was before it grew is a beginning of it. Of a content shorter than what its head
/// is a digest of, the head says nothing once it has grown; its start does: the digest of its first
/// bytes, as many as are a number of four binary digits and zeros. So a content has about a hundred
/// starts, which are looked up at once, and one of them has nine tenths of whatever short content
/// it begins with.
namespace sluice::source {

/// The start of a content by its beginning (its first 64 KiB, or all). Empty for one that has a
/// head of full length, and for no content.
std::string start_of(std::string_view beginning);

/// The starts of all short contents that this one may have been.
std::vector<ContentStart> starts_of(std::string_view beginning);

/// The fingerprint() of a file that is the first `length` bytes of this source behind a mark, where
/// these can be read; the source stands somewhere else then. Blocking.
std::optional<std::string> fingerprint_of_first(Source& source, std::string_view beginning,
                                                std::uint64_t length, std::string_view mark);

}  // namespace sluice::source
