#include "script/sql_lexer.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "script/allow.hpp"
#include "script/tool_mark.hpp"

namespace sluice::script {
namespace {

bool begins_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) {
  return begins_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '$';
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text, const PartOf& part = {})
      : text_(text), part_(part), counted_place_(part.begin) {
    lexed_.whole_end_place = part.begin;
  }

  Lexed run() {
    while (at_ < text_.size()) step();
    end_statement();
    return std::move(lexed_);
  }

  Lexed run_whole() {
    while (at_ < text_.size()) step();
    drop_what_is_not_whole();
    return std::move(lexed_);
  }

  Tokens run_tokens() {
    Tokens tokens;
    while (at_ < text_.size()) {
      const std::size_t begin = at_;
      const char c = peek();
      if (std::isspace(static_cast<unsigned char>(c)) != 0) {
        ++at_;
      } else if (c == '-' && peek(1) == '-') {
        at_ = end_of_line(at_);
      } else if (c == '/' && peek(1) == '*') {
        skip_comment();
      } else {
        take_token(c);
        tokens.all.push_back({begin, std::min(at_, text_.size())});
      }
    }
    tokens.is_unfinished = lexed_.unfinished.line != 0;
    return tokens;
  }

  Lexed run_header() {
    while (at_ < text_.size() && !in_statement_) step();
    if (in_statement_) lexed_.statements.push_back(std::move(statement_));
    return std::move(lexed_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void step() {
    const char c = peek();
    if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      ++at_;
    } else if (c == '-' && peek(1) == '-') {
      take_line_comment();
    } else if (c == '/' && peek(1) == '*') {
      skip_comment();
    } else if (c == ';' && parentheses_ == 0 && !in_body_) {
      end_statement();
      ++at_;
      if (takes_data()) return end_at_data();
      if (may_take_data()) return;
      if (!in_transaction_ || !part_.keeps_transactions) {
        lexed_.whole_end = at_;
        lexed_.whole_end_place = place_of(at_);
      }
    } else if (c == '\\') {
      take_psql_command();
    } else {
      begin_statement();
      take_token(c);
      last_end_ = at_;
    }
  }

  void take_psql_command() {
    const std::size_t end = end_of_line(at_);
    const std::string_view line = text_.substr(at_, end - at_);
    const std::string name(line.substr(0, line.find_first_of(" \t", 1)));
    if (!in_statement_ && (name == "\\restrict" || name == "\\unrestrict")) {
      lexed_.idle_lines.emplace_back(at_, end);
    } else {
      lexed_.psql_commands.push_back({place_of(at_), name});
    }
    at_ = end;
  }

  /// A COPY FROM STDIN was ended, and nothing but its data can come: the rest of its line is empty.
  bool takes_data() const {
    if (lexed_.statements.empty() || !copies_in(lexed_.statements.back())) return false;
    const std::size_t end = text_.find('\n', at_);
    return end != std::string_view::npos &&
           text_.substr(at_, end - at_).find_first_not_of(" \t\r") == std::string_view::npos;
  }
  /// The same, and the rest of its line is not there yet.
  bool may_take_data() const {
    return !lexed_.statements.empty() && copies_in(lexed_.statements.back()) &&
           text_.find('\n', at_) == std::string_view::npos;
  }
  void end_at_data() {
    lexed_.statements.back().has_data = true;
    lexed_.data_begin = text_.find('\n', at_) + 1;
    lexed_.data_place = place_of(*lexed_.data_begin);
    lexed_.whole_end = *lexed_.data_begin;
    lexed_.whole_end_place = lexed_.data_place;
    at_ = text_.size();
  }
  static bool copies_in(const Statement& statement) {
    return copies_with_client(statement) && statement.ends_with_stdin;
  }

  /// For the server a CR ends a line too, and with it a comment.
  std::size_t end_of_line(std::size_t at) const {
    return std::min(text_.find_first_of("\n\r", at), text_.size());
  }

  void take_line_comment() {
    constexpr std::string_view mark = "pgsluice:";
    const std::size_t end = end_of_line(at_);
    const std::size_t begin = std::min(text_.find_first_not_of(" \t", at_ + 2), end);
    if (text_.substr(begin, end - begin).starts_with(mark)) {
      lexed_.directives.push_back(
          {begin + mark.size(), end, place_of(begin),
           !in_statement_ && lexed_.statements.empty() && !part_.is_behind_statements,
           is_allow(text_.substr(begin + mark.size(), end - begin - mark.size()))});
    }
    const std::string_view comment = text_.substr(at_, end - at_);
    if (auto found = read_tool_mark(comment)) {
      lexed_.tool_marks.push_back({place_of(at_), found->style, std::move(found->tool)});
    } else if (auto near = read_near_mark(comment)) {
      lexed_.near_marks.push_back({place_of(at_), std::move(*near)});
    }
    at_ = end;
  }

  /// A tool reads no mark in such a comment.
  void find_near_marks(std::size_t begin) {
    const std::size_t end = std::min(at_, text_.size());
    const bool is_many = text_.substr(begin, end - begin).contains('\n');
    for (std::size_t at = begin; at < end;) {
      const std::size_t line_end = std::min(text_.find('\n', at), end);
      if (auto near = read_near_mark(text_.substr(at, line_end - at), is_many))
        lexed_.near_marks.push_back({place_of(at), std::move(*near)});
      at = line_end + 1;
    }
  }

  void take_token(char c) {
    statement_.ends_with_stdin = false;
    if (!begins_name(c)) last_token_.clear();
    if (c == '\'') {
      skip_quoted('\'', false);
    } else if (c == '"') {
      skip_quoted('"', false);
    } else if (c == '$' && !dollar_tag().empty()) {
      skip_dollar_quoted();
    } else if (begins_name(c)) {
      take_name();
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      while (continues_name(peek())) ++at_;  // 1e5, 0xff, 1_000; and no $ of a tag behind a number
    } else {
      if (c == ':' && (peek(1) == '\'' || peek(1) == '"') && (at_ == 0 || text_[at_ - 1] != ':'))
        lexed_.colons.push_back(at_);
      if (c == '(') ++parentheses_;
      if (c == ')' && parentheses_ > 0) --parentheses_;
      last_token_ = c;
      ++at_;
    }
  }

  void take_name() {
    const std::size_t begin = at_;
    while (continues_name(peek())) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    // A prefix that touches its quote: E'\'' has escapes, the others (B, X, N, U&) have none.
    if (peek() == '\'' && (name == "E" || name == "e")) {
      last_token_.clear();
      skip_quoted('\'', true);
      return;
    }
    const std::string word = upper(name);
    follow_body(word, begin);
    last_token_ = word;
    if (parentheses_ == 0) {
      // Each of the two words is taken for the other one.
      const bool is_client = word == "STDIN" || word == "STDOUT";
      const bool is_named = is_client && (last_word_ == "FROM" || last_word_ == "TO");
      if (is_named) statement_.names_client = true;
      statement_.ends_with_stdin = is_named && last_word_ == "FROM";
      last_word_ = word;
    }
    if (statement_.words.size() < words_max) statement_.words.push_back(word);
  }

  /// BEGIN ATOMIC ... END of a function's body. As all of these words can be names and labels (the
  /// schema's begin(), "1 as end"), BEGIN opens it only in front of ATOMIC, and END ends it only
  /// where a statement could begin, which that of a CASE never does.
  void follow_body(const std::string& word, std::size_t begin) {
    if (parentheses_ > 0 || !creates_routine()) return;
    if (word == "ATOMIC" && last_token_ == "BEGIN" && !in_body_) {
      in_body_ = true;
      lexed_.open_body = place_of(begin);
    } else if (word == "END" && (last_token_ == ";" || last_token_ == "ATOMIC")) {
      in_body_ = false;
      lexed_.open_body = {0, 0};
    }
  }

  bool creates_routine() const {
    const auto& words = statement_.words;
    if (words.size() < 2 || words[0] != "CREATE") return false;
    const std::size_t kind = words.size() > 3 && words[1] == "OR" && words[2] == "REPLACE" ? 3 : 1;
    return words[kind] == "FUNCTION" || words[kind] == "PROCEDURE";
  }

  /// Where a string goes on: behind a quote that seems to end it, a newline and another one, with
  /// nothing but whitespace and comments between them. Of one without escapes it makes no
  /// difference.
  std::optional<std::size_t> next_part(char quote) const {
    bool has_newline = false;
    std::size_t at = at_;
    while (at < text_.size() && text_[at] != quote) {
      if (text_.substr(at).starts_with("--")) {
        at = end_of_line(at);
      } else if (std::isspace(static_cast<unsigned char>(text_[at])) != 0) {
        has_newline = has_newline || text_[at] == '\n' || text_[at] == '\r';
        ++at;
      } else {
        return std::nullopt;
      }
    }
    return has_newline && at < text_.size() ? std::optional(at + 1) : std::nullopt;
  }

  void skip_quoted(char quote, bool has_escapes) {
    const std::size_t begin = at_++;
    while (at_ < text_.size()) {
      if (has_escapes && text_[at_] == '\\') {
        at_ += 2;
      } else if (text_[at_] != quote) {
        ++at_;
      } else if (peek(1) == quote) {
        at_ += 2;
      } else {
        ++at_;
        const std::optional<std::size_t> next = has_escapes ? next_part(quote) : std::nullopt;
        if (!next) return;
        at_ = *next;
      }
    }
    leave_unfinished(begin);
  }

  /// "$$" or "$body$" at this place, or nothing.
  std::string_view dollar_tag() const {
    std::size_t end = at_ + 1;
    if (end < text_.size() && std::isdigit(static_cast<unsigned char>(text_[end])) != 0) return {};
    while (end < text_.size() && text_[end] != '$' && continues_name(text_[end])) ++end;
    if (end >= text_.size() || text_[end] != '$') return {};
    return text_.substr(at_, end + 1 - at_);
  }

  void skip_dollar_quoted() {
    const std::size_t begin = at_;
    const std::string_view tag = dollar_tag();
    const std::size_t end = text_.find(tag, at_ + tag.size());
    if (end == std::string_view::npos) return leave_unfinished(begin);
    at_ = end + tag.size();
  }

  void skip_comment() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0 && at_ < text_.size());
    if (depth > 0) return leave_unfinished(begin);
    find_near_marks(begin);
  }

  void leave_unfinished(std::size_t begin) {
    lexed_.unfinished = place_of(begin);
    at_ = text_.size();
  }

  void begin_statement() {
    if (in_statement_) return;
    in_statement_ = true;
    statement_ = {};
    statement_.begin = at_;
    statement_.place = place_of(at_);
    parentheses_ = 0;
    in_body_ = false;
    last_token_.clear();
  }

  void end_statement() {
    if (!in_statement_) return;
    in_statement_ = false;
    statement_.end = last_end_;
    if (controls_transaction(statement_)) in_transaction_ = begins_transaction(statement_);
    lexed_.statements.push_back(std::move(statement_));
  }

  void drop_what_is_not_whole() {
    lexed_.unfinished = {0, 0};
    lexed_.open_body = {0, 0};
    const std::size_t end = lexed_.whole_end;
    const auto is_behind = [place = lexed_.whole_end_place](Place one) {
      return std::pair(one.line, one.column) >= std::pair(place.line, place.column);
    };
    std::erase_if(lexed_.statements, [end](const Statement& one) { return one.begin >= end; });
    std::erase_if(lexed_.directives, [end](const Directive& one) { return one.begin >= end; });
    std::erase_if(lexed_.colons, [end](std::size_t one) { return one >= end; });
    std::erase_if(lexed_.psql_commands,
                  [&is_behind](const PsqlCommand& one) { return is_behind(one.place); });
    std::erase_if(lexed_.idle_lines, [end](const auto& one) { return one.first >= end; });
    std::erase_if(lexed_.near_marks,
                  [&is_behind](const PlacedNearMark& one) { return is_behind(one.place); });
    std::erase_if(lexed_.tool_marks,
                  [&is_behind](const PlacedMark& one) { return is_behind(one.place); });
  }

  /// Counts on from where it was asked last.
  Place place_of(std::size_t offset) {
    for (; counted_ < offset; ++counted_) {
      if (text_[counted_] == '\n') {
        ++counted_place_.line;
        counted_place_.column = 1;
      } else {
        ++counted_place_.column;
      }
    }
    return counted_place_;
  }

  std::string_view text_;
  const PartOf part_;
  std::size_t at_ = 0;
  Lexed lexed_;
  bool in_transaction_ = false;  ///< behind a BEGIN
  Statement statement_;
  bool in_statement_ = false;
  std::size_t last_end_ = 0;
  std::string last_word_;  ///< outside of parentheses
  std::size_t parentheses_ = 0;
  bool in_body_ = false;    ///< of BEGIN ATOMIC
  std::string last_token_;  ///< of the statement: a word, or a character; empty: a quoted text
  std::size_t counted_ = 0;
  Place counted_place_;
};

}  // namespace

Lexed lex_sql(std::string_view text, const PartOf& part) { return Lexer(text, part).run(); }

Tokens lex_tokens(std::string_view text) { return Lexer(text).run_tokens(); }

Lexed lex_whole(std::string_view text, const PartOf& part) { return Lexer(text, part).run_whole(); }

Lexed lex_header(std::string_view text) { return Lexer(text).run_header(); }

bool controls_transaction(const Statement& statement) {
  const auto& words = statement.words;
  if (words.empty()) return false;
  const auto second = [&words](std::string_view word) {
    return words.size() > 1 && words[1] == word;
  };
  if (words[0] == "START" || words[0] == "PREPARE") return second("TRANSACTION");
  if (words[0] == "COMMIT" || words[0] == "BEGIN" || words[0] == "END" || words[0] == "ABORT")
    return true;
  if (words[0] != "ROLLBACK") return false;
  // ROLLBACK [WORK | TRANSACTION] TO [SAVEPOINT] name
  return std::ranges::find(words, "TO") == words.end();
}

bool begins_transaction(const Statement& statement) {
  const auto& words = statement.words;
  return !words.empty() && (words[0] == "BEGIN" || words[0] == "START");
}

bool copies_with_client(const Statement& statement) {
  return statement.names_client && statement.words.front() == "COPY";
}

}  // namespace sluice::script
