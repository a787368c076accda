#pragma once

#include <string>
#include <string_view>
#include <vector>

/// COPY's text format, as the encoder's slow lane has it.
/// https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"
namespace sluice::tuple::copy_text {

/// What stands for NULL.
inline constexpr std::string_view null = "\\N";

/// Takes the first line off `lines` and gives its fields, still escaped. REQUIRES: there is one.
void split_line(std::string_view& lines, std::vector<std::string_view>& fields);

/// Appends the text that a field stands for.
void unescape(std::string_view field, std::string& out);

}  // namespace sluice::tuple::copy_text
