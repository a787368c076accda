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

/// In lower case, without anything that stands between them.
std::vector<std::string> letters_in(std::string_view comment) {
  std::vector<std::string> words(1);
  for (const char c : comment) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// One letter is missing, too many, another one, or in the place of its neighbour.
bool is_nearly(std::string_view word, std::string_view right) {
  const auto [at, right_at] = std::ranges::mismatch(word, right);
  const std::string_view rest(at, word.end());
  const std::string_view right_rest(right_at, right.end());
  if (rest.empty() || right_rest.empty()) return rest.size() + right_rest.size() <= 1;
  const bool is_swapped = rest.size() > 1 && right_rest.size() > 1 && rest[0] == right_rest[1] &&
                          rest[1] == right_rest[0] && rest.substr(2) == right_rest.substr(2);
  return is_swapped || rest.substr(1) == right_rest || rest == right_rest.substr(1) ||
         rest.substr(1) == right_rest.substr(1);
}

/// Takes its name away from the words that it begins.
std::optional<Style> take_tool(std::vector<std::string>& words, bool has_plus) {
  static constexpr std::array<std::pair<std::string_view, Style>, 6> tools{
      {{"goose", Style::goose},
       {"micrate", Style::goose},
       {"dbmate", Style::dbmate},
       {"migrate", Style::dbmate},
       {"migration", Style::dbmate},
       {"migrations", Style::dbmate}}};
  const bool is_sql = words.size() > 1 && words.front() == "sql";
  const std::string& first = words[is_sql ? 1 : 0];
  for (const bool is_exact : {true, false}) {
    for (const auto& [name, style] : tools) {
      const bool is_joined =
          first == std::string(name) + "up" || first == std::string(name) + "down";
      if (!is_joined && !(is_exact ? first == name : is_nearly(first, name))) continue;
      const std::string rest = is_joined ? first.substr(name.size()) : "";
      words.erase(words.begin(), words.begin() + (is_sql ? 2 : 1));
      if (is_joined) words.insert(words.begin(), rest);
      const bool is_sql_migrate =
          style == Style::dbmate && name != "dbmate" && (has_plus || is_sql);
      return is_sql_migrate ? Style::sql_migrate : style;
    }
  }
  return std::nullopt;
}

/// What a mark says, and nothing else; empty: that is no mark.
std::string said_by(std::vector<std::string> words) {
  static constexpr std::array<std::string_view, 5> options{"transaction", "notransaction", "no",
                                                           "true", "false"};
  while (words.size() > 1 && std::ranges::find(options, words.back()) != options.end())
    words.pop_back();
  std::string said;
  for (const std::string& word : words) said += word;
  if (said == "up") return "Up";
  if (said == "down") return "Down";
  if (said == "statementbegin") return "StatementBegin";
  if (said == "statementend") return "StatementEnd";
  return "";
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

std::optional<NearMark> read_near_mark(std::string_view comment, bool is_one_of_many) {
  constexpr std::size_t longest = 100;
  if (comment.size() > longest) return std::nullopt;
  std::vector<std::string> words = letters_in(comment);
  if (words.empty()) return std::nullopt;
  const auto style = take_tool(words, comment.contains('+'));
  if (!style && (is_one_of_many || words.size() > 1)) return std::nullopt;
  const std::string said = said_by(std::move(words));
  if (said.empty() || (!style && said.starts_with("Statement"))) return std::nullopt;
  return NearMark{.style = style.value_or(Style::plain), .what = said};
}

std::string mark_text(Style style, const std::string& what) {
  if (style == Style::dbmate) return what == "Up" ? "-- migrate:up" : "-- migrate:down";
  if (style == Style::node_pg_migrate) return "-- " + what + " Migration";
  return (style == Style::sql_migrate ? "-- +migrate " : "-- +goose ") + what;
}

}  // namespace sluice::script
