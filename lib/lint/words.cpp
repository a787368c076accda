#include "lint/words.hpp"

#include <algorithm>
#include <cctype>

#include "script/sql_lexer.hpp"

namespace sluice::lint {
namespace {

bool is_quote(char c) { return c == '\'' || c == '"'; }

std::string folded(std::string_view word) {
  std::string result(word);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string unquoted(std::string_view name) {
  std::string result;
  const std::size_t begin = name.find('"') + 1;
  const std::size_t end = name.size() > begin ? name.size() - 1 : begin;
  for (std::size_t i = begin; i < end; ++i) {
    result += name[i];
    if (name[i] == '"') ++i;
  }
  return result;
}

Word word_of(std::string_view written, std::size_t begin) {
  const char first = written.front();
  const char last = written.back();
  Word word{.written = written, .begin = begin};
  const bool has_quote = written.size() > 1 && is_quote(last);
  if (first == '"' || (has_quote && last == '"')) {
    word.kind = Word::Kind::name;
    word.folded = unquoted(written);
  } else if (first == '\'' || has_quote || (first == '$' && written.size() > 1)) {
    word.kind = Word::Kind::text;
    word.folded = written;
  } else if (std::isdigit(static_cast<unsigned char>(first)) != 0) {
    word.kind = Word::Kind::number;
    word.folded = written;
  } else if (std::isalpha(static_cast<unsigned char>(first)) != 0 || first == '_' ||
             static_cast<unsigned char>(first) >= 0x80) {
    word.kind = Word::Kind::word;
    word.folded = folded(written);
  } else {
    word.folded = written;
  }
  return word;
}

/// Tokens that touch, and are one word: B'1', U&"n", :'name', :"name" and ${name}, which may be a
/// part of a longer name.
class Joiner {
 public:
  Joiner(std::string_view text, const std::vector<script::Token>& tokens)
      : text_(text), tokens_(tokens) {}

  std::vector<Word> run() {
    std::vector<Word> words;
    while (at_ < tokens_.size()) {
      const std::size_t begin = tokens_[at_].begin;
      bool is_placeholder = false;
      const std::size_t behind = take(is_placeholder);
      Word word = word_of(text_.substr(begin, behind - begin), begin);
      if (is_placeholder) word.kind = Word::Kind::word;
      words.push_back(std::move(word));
    }
    return words;
  }

 private:
  std::string_view token(std::size_t index) const {
    if (index >= tokens_.size()) return {};
    return text_.substr(tokens_[index].begin, tokens_[index].end - tokens_[index].begin);
  }
  bool touches(std::size_t index) const {
    return index + 1 < tokens_.size() && tokens_[index].end == tokens_[index + 1].begin;
  }
  bool begins_placeholder(std::size_t index) const {
    return token(index) == "$" && touches(index) && token(index + 1) == "{" && touches(index + 1) &&
           touches(index + 2) && token(index + 3) == "}";
  }
  bool is_word(std::size_t index) const {
    const std::string_view text = token(index);
    return !text.empty() &&
           (std::isalnum(static_cast<unsigned char>(text.front())) != 0 || text.front() == '_' ||
            static_cast<unsigned char>(text.front()) >= 0x80);
  }

  std::size_t take(bool& is_placeholder) {
    const std::string_view first = token(at_);
    if (first == ":" && touches(at_) && is_quote(token(at_ + 1).front()) &&
        (at_ == 0 || token(at_ - 1) != ":" || !touches(at_ - 1)))
      return pass(2);
    const bool is_prefix =
        first.size() == 1 && std::string_view("bBxXnNuU").contains(first.front());
    if (is_prefix && touches(at_) && token(at_ + 1).front() == '\'') return pass(2);
    if ((first == "u" || first == "U") && touches(at_) && token(at_ + 1) == "&" &&
        touches(at_ + 1) && is_quote(token(at_ + 2).front()))
      return pass(3);
    std::size_t end = begins_placeholder(at_) ? pass(4, is_placeholder) : pass(1);
    if (!is_placeholder && !is_word(at_ - 1)) return end;
    while (at_ > 0 && touches(at_ - 1) &&
           (begins_placeholder(at_) || (is_placeholder && is_word(at_))))
      end = begins_placeholder(at_) ? pass(4, is_placeholder) : pass(1);
    return end;
  }

  std::size_t pass(std::size_t count) {
    at_ += count;
    return tokens_[at_ - 1].end;
  }
  std::size_t pass(std::size_t count, bool& flag) {
    flag = true;
    return pass(count);
  }

  std::string_view text_;
  const std::vector<script::Token>& tokens_;
  std::size_t at_ = 0;
};

/// Keywords with a blank between each.
template <class Visit>
bool each_keyword(std::string_view keywords, Visit visit) {
  while (!keywords.empty()) {
    const std::size_t end = std::min(keywords.find(' '), keywords.size());
    if (!visit(keywords.substr(0, end))) return false;
    keywords.remove_prefix(std::min(end + 1, keywords.size()));
  }
  return true;
}

}  // namespace

std::vector<Word> words_of(std::string_view statement) {
  return Joiner(statement, script::lex_tokens(statement).all).run();
}

bool is_same(const ObjectName& one, const ObjectName& other) {
  return one.name == other.name &&
         (one.schema.empty() || other.schema.empty() || one.schema == other.schema);
}

const Word& Cursor::peek(std::size_t ahead) const {
  static const Word none;
  return at_ + ahead < end_ ? words_[at_ + ahead] : none;
}

bool Cursor::is(std::string_view keywords) const {
  std::size_t ahead = 0;
  return each_keyword(keywords, [&](std::string_view keyword) {
    const Word& word = peek(ahead++);
    return (word.kind == Word::Kind::word || word.kind == Word::Kind::symbol) &&
           word.folded == keyword;
  });
}

bool Cursor::accept(std::string_view keywords) {
  if (!is(keywords)) return false;
  at_ += 1 + static_cast<std::size_t>(std::ranges::count(keywords, ' '));
  return true;
}

bool Cursor::find(std::string_view keywords) {
  while (!at_end()) {
    if (accept(keywords)) return true;
    skip_part();
  }
  return false;
}

std::optional<ObjectName> Cursor::take_name() {
  if (!peek().is_name()) return std::nullopt;
  const std::size_t begin = at_;
  ObjectName name{.name = peek().folded};
  skip();
  while (is(".") && peek(1).is_name()) {
    skip();
    name.schema = std::exchange(name.name, peek().folded);
    skip();
  }
  name.written = text_from(begin);
  return name;
}

std::string Cursor::take_plain_name() {
  if (!peek().is_name()) return "";
  std::string name = peek().folded;
  skip();
  return name;
}

void Cursor::skip_part() {
  std::size_t depth = 0;
  do {
    if (is("(") || is("[")) ++depth;
    if (depth > 0 && (is(")") || is("]"))) --depth;
    skip();
  } while (depth > 0 && !at_end());
}

std::optional<Cursor> Cursor::take_parenthesis() {
  if (!is("(")) return std::nullopt;
  const std::size_t begin = at_ + 1;
  skip_part();
  const bool is_closed = at_ > begin && words_[at_ - 1].folded == ")";
  return Cursor(*this, begin, is_closed ? at_ - 1 : at_);
}

std::vector<Cursor> Cursor::parts() const {
  std::vector<Cursor> all;
  Cursor walk(*this);
  std::size_t begin = at_;
  while (!walk.at_end()) {
    if (!walk.is(",")) {
      walk.skip_part();
      continue;
    }
    all.emplace_back(*this, begin, walk.at());
    walk.skip();
    begin = walk.at();
  }
  if (begin < end_) all.emplace_back(*this, begin, end_);
  return all;
}

std::string_view Cursor::text_from(std::size_t begin) const {
  if (begin >= at_) return {};
  const Word& last = words_[at_ - 1];
  return statement_.substr(words_[begin].begin,
                           last.begin + last.written.size() - words_[begin].begin);
}

std::string_view Cursor::rest() const {
  Cursor walk(*this);
  walk.go_to(end_);
  return walk.text_from(at_);
}

std::size_t Cursor::offset() const {
  if (at_ < words_.size()) return words_[at_].begin;
  return statement_.size();
}

}  // namespace sluice::lint
