#include "app/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "schedule/time_zone.hpp"

namespace sluice::app {
namespace {

std::vector<Hidden>& all_hidden() {
  static std::vector<Hidden> all;
  return all;
}

/// Why something could not be printed on stdout; 0: nothing was lost.
int& lost_output() {
  static int error = 0;
  return error;
}

/// A reader that has gone has had what it wanted.
void note_lost(int error) {
  if (error != EPIPE && lost_output() == 0) lost_output() = error;
}

/// A closed or full stream is no reason to stop.
void put(std::FILE* stream, std::string_view text) {
  std::string shown;
  if (!all_hidden().empty()) {
    shown = without_hidden(std::string(text), all_hidden());
    text = shown;
  }
  const bool is_written = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  if ((std::fflush(stream) != 0 || !is_written) && stream == stdout) note_lost(errno);
}

std::vector<Origin>& origins() {
  static std::vector<Origin> all;
  return all;
}

Color& color() {
  static Color when = Color::automatic;
  return when;
}

LogFormat& log() {
  static LogFormat format = LogFormat::text;
  return format;
}

bool has_colors(int fd) {
  if (color() != Color::automatic) return color() == Color::always;
  // https://no-color.org
  const char* const no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* const terminal = std::getenv("TERM");
  return ::isatty(fd) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string painted(std::string_view text, Hue hue) {
  const char* const begin = hue == Hue::good       ? "\x1b[32m"
                            : hue == Hue::doubtful ? "\x1b[33m"
                                                   : "\x1b[31m";
  return begin + std::string(text) + "\x1b[0m";
}

/// Further lines stand behind two spaces.
std::string indented(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string lines;
  for (std::size_t at = 0; at < text.size(); ++at) {
    lines += text[at];
    if (text[at] == '\n' && !text.substr(at + 1).starts_with("  ")) lines += "  ";
  }
  return lines;
}

/// JSON has no other bytes than those of UTF-8.
void write_out(nlohmann::ordered_json& json) {
  if (json.is_structured()) {
    for (nlohmann::ordered_json& part : json) write_out(part);
  } else if (json.is_string()) {
    std::string& text = json.get_ref<std::string&>();
    if (!all_hidden().empty()) text = without_hidden(std::move(text), all_hidden());
    if (!is_utf8(text)) text = printable(text);
  }
}

void print_event(std::string_view event, std::string_view message) {
  while (message.ends_with('\n')) message.remove_suffix(1);
  nlohmann::ordered_json entry = log_entry(event);
  entry["message"] = message;
  print_log_entry(entry);
}

void print_message(std::string_view kind, Hue hue, std::string_view message) {
  const std::string begin = std::string(kind) + ":";
  put(stderr, (has_colors(STDERR_FILENO) ? painted(begin, hue) : begin) + " " +
                  indented(printable(message)) + "\n");
}

}  // namespace

void tell_origins(std::vector<Origin> told) { origins() = std::move(told); }

std::string with_origins(std::string message) {
  std::string more;
  for (const Origin& origin : origins()) {
    const std::size_t end = message.find(origin.flag);
    if (end == std::string::npos) continue;
    const char next = (message + "\n")[end + origin.flag.size()];
    const bool is_whole = next != '-' && (next < 'a' || next > 'z');
    if (is_whole) more += "\n  " + origin.flag + " is from " + origin.place;
  }
  return message + more;
}

void use_color(Color when) { color() = when; }

std::string colored(std::string_view text, Hue hue) {
  return has_colors(STDOUT_FILENO) ? painted(text, hue) : std::string(text);
}

void hide_in_output(std::vector<Hidden> all) { all_hidden() = std::move(all); }

void print_result(std::string_view lines) { put(stdout, printable(lines)); }

void print_bytes(std::string_view bytes) { put(stdout, bytes); }

std::string cell(std::string_view text) { return printable_line(text); }

void use_log(LogFormat format) { log() = format; }

LogFormat log_format() { return log(); }

nlohmann::ordered_json log_entry(std::string_view event) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return {{"time", schedule::format_utc(now)}, {"event", event}};
}

void print_log_entry(const nlohmann::ordered_json& entry) {
  put(stderr, text_of(entry, -1) + "\n");
}

void print_error(std::string_view message) {
  if (log() == LogFormat::json) return print_event("error", with_origins(std::string(message)));
  print_message("pgsluice", Hue::bad, with_origins(std::string(message)));
}

void print_note(std::string_view note) {
  if (log() == LogFormat::json) return print_event("note", note);
  print_message("note", Hue::doubtful, note);
}

void print_log(std::string_view lines) {
  if (lines.empty()) return;
  if (log() == LogFormat::json) return print_event("told", lines);
  put(stderr, printable(lines));
}

void print_raw(std::string_view text) { put(stderr, text); }

std::string text_of(const nlohmann::ordered_json& json, int indent) {
  nlohmann::ordered_json copy = json;
  write_out(copy);
  return printable_json(copy.dump(indent));
}

void print_json(const nlohmann::ordered_json& json) { put(stdout, text_of(json, 2) + "\n"); }

nlohmann::ordered_json json_of_failure(const std::string& path, int exit_code,
                                       const std::string& message) {
  const std::size_t behind = path.find(' ');
  return {{"command", behind == std::string::npos ? "" : path.substr(behind + 1)},
          {"exit_code", exit_code},
          {"error", {{"message", with_origins(message)}}}};
}

int exit_code_with_output(int exit_code) {
  std::cout.flush();
  if (!std::cout) note_lost(errno);
  if (lost_output() == 0) return exit_code;
  print_error("stdout: " + errno_message(lost_output()) + ": what was printed is not whole");
  return exit_code == exit_ok ? exit_failed : exit_code;
}

void flush_output() {
  std::cout.flush();
  std::cout.clear();
  for (std::FILE* stream : {stdout, stderr}) {
    std::fflush(stream);
    std::clearerr(stream);
  }
}

void print_json_text(std::string_view text) { put(stdout, text); }

}  // namespace sluice::app
