#include "script/user_sql.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

constexpr std::array<std::string_view, 6> known_words{"file",   "path", "line",
                                                      "record", "load", "now"};

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace

UserSql::UserSql(std::string flag, std::string text)
    : flag_(std::move(flag)), text_(std::move(text)) {
  const Tokens tokens = lex_tokens(text_);
  tokens_ = tokens.all;
  require_whole(tokens.is_unfinished);
}

void UserSql::require_whole(bool is_unfinished) const {
  const auto refuse = [this](const std::string& what) {
    throw Failure(FailureKind::usage, flag_ + ": " + what);
  };
  if (text_.contains('\0')) refuse("a byte 0 stands in it");
  if (is_unfinished) refuse("a quote or a comment in it has no end");
  if (tokens_.empty()) refuse("it is empty");
  std::string open;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view word = this->word(i);
    const char c = word.front();
    if (word.size() > 1) continue;
    if (c == ';') refuse("it is a part of one statement: leave out the semicolon");
    if (c == '\\') refuse("a backslash stands in it, which is psql's");
    if (c == '$' && i + 1 < tokens_.size() && touches(i, i + 1) && is_digit(this->word(i + 1)[0]))
      refuse("there is no parameter " + std::string(word) + std::string(this->word(i + 1)));
    if (c == '(' || c == '[') open += c == '(' ? ')' : ']';
    if (c != ')' && c != ']') continue;
    if (open.empty() || open.back() != c)
      refuse(std::string("a ") + c + " closes what it has not opened");
    open.pop_back();
  }
  if (!open.empty()) refuse(std::string("a ") + open.back() + " is missing");
}

bool UserSql::touches(std::size_t token, std::size_t next) const {
  return tokens_[token].end == tokens_[next].begin;
}

std::string_view UserSql::word(std::size_t token) const {
  const Token& at = tokens_[token];
  return std::string_view(text_).substr(at.begin, at.end - at.begin);
}

std::optional<std::string> UserSql::name(std::size_t token) const {
  const std::string_view word = this->word(token);
  std::string name;
  if (word.front() == '"') {
    for (std::size_t i = 1; i + 1 < word.size(); ++i) {
      name += word[i];
      if (word[i] == '"') ++i;
    }
    return name;
  }
  const auto first = static_cast<unsigned char>(word.front());
  if (word.back() == '\'' || (std::isalpha(first) == 0 && first != '_' && first < 0x80))
    return std::nullopt;
  name = word;
  // The server leaves all but ASCII as it is, where an encoding has more than one byte.
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::vector<UserSql::Part> UserSql::parts() const {
  std::vector<Part> parts{{0, 0}};
  std::size_t depth = 0;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view word = this->word(i);
    if (word == "(" || word == "[") ++depth;
    if (word == ")" || word == "]") --depth;
    if (word != "," || depth > 0) continue;
    parts.back().end = i;
    parts.push_back({i + 1, 0});
  }
  parts.back().end = tokens_.size();
  return parts;
}

bool UserSql::may_have_subquery() const {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::optional<std::string> name = this->name(i);
    if (name == "select" || name == "values" || name == "table") return true;
  }
  return false;
}

std::optional<std::string> UserSql::colon_word(std::size_t colon) const {
  if (word(colon) != ":" || colon + 1 == tokens_.size() || !touches(colon, colon + 1))
    return std::nullopt;
  if (colon > 0 && word(colon - 1) == ":" && touches(colon - 1, colon)) return std::nullopt;
  std::optional<std::string> name = this->name(colon + 1);
  if (!name || word(colon + 1).front() == '"' ||
      std::ranges::find(known_words, *name) == known_words.end())
    return std::nullopt;
  return name;
}

Sql UserSql::filled(Part part, const Fill& fill) const {
  if (part.first >= part.end) return {};
  std::string made;
  std::size_t at = tokens_[part.first].begin;
  for (std::size_t i = part.first; i < part.end; ++i) {
    const std::optional<std::string> word = colon_word(i);
    if (!word) continue;
    made.append(text_, at, tokens_[i].begin - at);
    made += fill(*word).text();
    at = tokens_[i + 1].end;
  }
  made.append(text_, at, tokens_[part.end - 1].end - at);
  // It is the user's, and stays where it is put.
  return Sql::trusted(std::move(made));
}

}  // namespace sluice::script
