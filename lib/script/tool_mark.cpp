#include "script/tool_mark.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace sluice::script {
namespace {

using Kind = ToolMark::Kind;

/// Its words, in upper case. What stands in front of them: dashes and blanks.
std::vector<std::string> words_in(std::string_view comment) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string> words;
  comment.remove_prefix(std::min(comment.find_first_not_of("- \t"), comment.size()));
  while (!comment.empty()) {
    const std::size_t end = std::min(comment.find_first_of(blanks), comment.size());
    std::string word(comment.substr(0, end));
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    words.push_back(std::move(word));
    comment.remove_prefix(std::min(comment.find_first_not_of(blanks, end), comment.size()));
  }
  return words;
}

ToolMark mark_of(Style style, Kind kind, bool in_transaction = true) {
  return {.kind = kind,
          .style = style,
          .tool = std::string(name_of(style)),
          .in_transaction = in_transaction};
}

/// What stands behind "+goose" or "+migrate", as one text.
ToolMark annotation(Style style, const std::vector<std::string>& words) {
  std::string said;
  for (std::size_t i = 1; i < words.size(); ++i) said += (i > 1 ? " " : "") + words[i];
  if (said == "UP") return mark_of(style, Kind::up);
  if (said == "DOWN") return mark_of(style, Kind::down);
  if (said == "STATEMENTBEGIN") return mark_of(style, Kind::statement_begin);
  if (said == "STATEMENTEND") return mark_of(style, Kind::statement_end);
  if (style == Style::goose) {
    if (said == "NO TRANSACTION") return mark_of(style, Kind::no_transaction);
    if (said == "ENVSUB ON") return mark_of(style, Kind::variables_on);
    if (said == "ENVSUB OFF") return mark_of(style, Kind::variables_off);
  } else {
    if (said == "UP NOTRANSACTION") return mark_of(style, Kind::up, false);
    if (said == "DOWN NOTRANSACTION") return mark_of(style, Kind::down, false);
  }
  return mark_of(style, Kind::unknown);
}

/// migrate:up transaction:false
ToolMark dbmate(Kind kind, const std::vector<std::string>& words) {
  ToolMark mark = mark_of(Style::dbmate, kind);
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "TRANSACTION:FALSE") {
      mark.in_transaction = false;
    } else if (words[i] != "TRANSACTION:TRUE") {
      mark.kind = Kind::unknown;
    }
  }
  return mark;
}

std::optional<std::string> tool_that_is_not_read(const std::vector<std::string>& words) {
  struct Mark {
    std::string_view begin;
    const char* tool;
  };
  static constexpr std::array<Mark, 9> marks{{{"+MICRATE ", "micrate"},
                                              {"RAMBLER UP", "rambler"},
                                              {"RAMBLER DOWN", "rambler"},
                                              {"//@UNDO", "MyBatis Migrations"},
                                              {"LIQUIBASE FORMATTED SQL", "Liquibase"},
                                              {"!UPS", "Play"},
                                              {"!DOWNS", "Play"},
                                              {"CREATE ABOVE / DROP BELOW", "tern"},
                                              {"==== DOWN", "shmig"}}};
  std::string text;
  for (const std::string& word : words) text += word + " ";
  const auto found =
      std::ranges::find_if(marks, [&](const Mark& mark) { return text.starts_with(mark.begin); });
  return found == marks.end() ? std::nullopt : std::optional<std::string>(found->tool);
}

}  // namespace

std::optional<ToolMark> read_tool_mark(std::string_view comment) {
  constexpr std::size_t enough = 200;
  const std::vector<std::string> words = words_in(comment.substr(0, enough));
  if (words.empty()) return std::nullopt;
  const std::string& first = words.front();
  if (first == "+GOOSE") return annotation(Style::goose, words);
  if (first == "+MIGRATE") return annotation(Style::sql_migrate, words);
  if (first == "MIGRATE:UP") return dbmate(Kind::up, words);
  if (first == "MIGRATE:DOWN") return dbmate(Kind::down, words);
  if (words.size() > 1 && words[1].starts_with("MIGRATION")) {
    if (first == "UP") return mark_of(Style::node_pg_migrate, Kind::up);
    if (first == "DOWN") return mark_of(Style::node_pg_migrate, Kind::down);
  }
  if (const auto tool = tool_that_is_not_read(words))
    return ToolMark{.kind = Kind::foreign, .tool = *tool};
  return std::nullopt;
}

}  // namespace sluice::script
