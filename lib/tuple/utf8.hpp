#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::tuple {

/// Where the first byte sequence begins that PostgreSQL does not take as UTF-8 text: a malformed
/// one (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) or a NUL byte. Nothing
/// where all is well.
std::optional<std::size_t> find_invalid_utf8(std::string_view bytes);

/// The server's words for what stands at the beginning of `bytes` (report_invalid_encoding of its
/// mbutils.c).
std::string message_of_invalid_utf8(std::string_view bytes);

}  // namespace sluice::tuple
