#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/hidden.hpp"

/// The one place where text leaves the program. Names and texts of others (files, columns, servers,
/// children) are in what is printed: control characters in them are written out, and no newline in
/// them begins a line that looks like one of ours.
namespace sluice::app {

/// From here on nothing of this is printed, whoever says it.
void hide_in_output(std::vector<Hidden> hidden);

/// Results, on stdout: whole lines of ours. What stands in a line of a table is a `cell`.
void print_result(std::string_view lines);
/// ... as they are, for programs.
void print_bytes(std::string_view bytes);

/// A name or a text of somebody else, as a part of one line.
std::string cell(std::string_view text);

/// "pgsluice: MESSAGE" on stderr. Its further lines are indented.
void print_error(std::string_view message);
/// "note: NOTE", as well.
void print_note(std::string_view note);
/// Whole lines of ours on stderr, at once: a log's, or what follows an error.
void print_log(std::string_view lines);
/// On stderr, as it is: for the bar, which moves the cursor. REQUIRES: no text of others.
void print_raw(std::string_view text);

/// As text; `indent` as in nlohmann's dump(): -1 for one line. Bytes that are no UTF-8 are written
/// out (\xff).
std::string text_of(const nlohmann::ordered_json& json, int indent);
void print_json(const nlohmann::ordered_json& json);
/// The one object of a command that failed as a whole; `path` is "pgsluice migrate up".
nlohmann::ordered_json json_of_failure(const std::string& path, int exit_code,
                                       const std::string& message);
/// Nothing of what was printed is kept back.
void flush_output();
/// A part of such a text.
void print_json_text(std::string_view text);

}  // namespace sluice::app
