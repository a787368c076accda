#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "app/defaults.hpp"
#include "app/hidden.hpp"
#include "base/names.hpp"

/// The one place where text leaves the program. Names and texts of others (files, columns, servers,
/// children) are in what is printed: control characters in them are written out, and no newline in
/// them begins a line that looks like one of ours.
namespace sluice::app {

/// Whether errors and notes begin in colour.
enum class Color { automatic, always, never };
constexpr auto names_of(Color) {
  return std::array{Named{Color::automatic, "auto"}, Named{Color::always, "always"},
                    Named{Color::never, "never"}};
}
void use_color(Color when);

/// How stderr is written: for people, or each message and each event as one JSON object of a line.
enum class LogFormat { text, json };
constexpr auto names_of(LogFormat) {
  return std::array{Named{LogFormat::text, "text"}, Named{LogFormat::json, "json"}};
}
void use_log(LogFormat format);
LogFormat log_format();

/// What such an object begins with: the time of this machine's clock, and the event.
nlohmann::ordered_json log_entry(std::string_view event);
void print_log_entry(const nlohmann::ordered_json& entry);

/// Of a text of ours that is shown on stdout, where that is shown in colours.
enum class Hue { good, doubtful, bad };
std::string colored(std::string_view text, Hue hue);

/// Flags that stand on no command line: an error that names one says where it comes from.
void tell_origins(std::vector<Origin> origins);
std::string with_origins(std::string message);

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
/// Whole lines of ours on stderr, at once: a log's, or what follows an error. As JSON they are one
/// event, "told".
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
/// What a program ends with that would end with this: an error of its own, and said, where
/// something that it printed on stdout could not be written (a full disk).
int exit_code_with_output(int exit_code);

/// Nothing of what was printed is kept back.
void flush_output();
/// A part of such a text.
void print_json_text(std::string_view text);

}  // namespace sluice::app
