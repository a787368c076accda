#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Whether all of a text is UTF-8.
bool is_utf8(std::string_view text);

/// A text for a terminal or a log. What would move the cursor, change the order or hide a part of
/// what is read there is written out: control characters (\x1b; C1 ones \u009b), bidirectional and
/// invisible format characters (\u202e), bytes that are no UTF-8 (\xff). Newlines and tabs stay.
std::string printable(std::string_view text);

/// The same for a name or a value, which stands in one line: newlines are written out too.
std::string printable_line(std::string_view text);

/// The same in ASCII, which every encoding of a database holds: all else is written out.
std::string printable_ascii(std::string_view text);

/// The same for a text that is JSON already, as JSON wants it (\u009b).
std::string printable_json(std::string_view json);

}  // namespace sluice
