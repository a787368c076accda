#include "app/output.hpp"

#include <cstdio>
#include <iostream>
#include <utility>

#include "base/printable.hpp"

namespace sluice::app {
namespace {

std::vector<Hidden>& all_hidden() {
  static std::vector<Hidden> all;
  return all;
}

/// A closed or full stream is no reason to stop.
void put(std::FILE* stream, std::string_view text) {
  std::string shown;
  if (!all_hidden().empty()) {
    shown = without_hidden(std::string(text), all_hidden());
    text = shown;
  }
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
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

void print_message(std::string_view kind, std::string_view message) {
  put(stderr, std::string(kind) + ": " + indented(printable(message)) + "\n");
}

}  // namespace

void hide_in_output(std::vector<Hidden> all) { all_hidden() = std::move(all); }

void print_result(std::string_view lines) { put(stdout, printable(lines)); }

void print_bytes(std::string_view bytes) { put(stdout, bytes); }

std::string cell(std::string_view text) { return printable_line(text); }

void print_error(std::string_view message) { print_message("pgsluice", message); }

void print_note(std::string_view note) { print_message("note", note); }

void print_log(std::string_view lines) { put(stderr, printable(lines)); }

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
          {"error", {{"message", message}}}};
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
