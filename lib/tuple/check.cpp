#include "tuple/check.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "base/ascii.hpp"
#include "base/characters.hpp"
#include "base/endian.hpp"
#include "tuple/codec.hpp"

namespace sluice::tuple {
namespace {

/// Of an expression as the server writes it.
struct Token {
  enum class Kind : std::uint8_t { word, name, number, text, mark };

  Kind kind = Kind::mark;
  std::string text;  ///< of a word in small letters, of a name or a text without its quotes

  bool is(std::string_view mark) const { return kind == Kind::mark && text == mark; }
  bool is_word(std::string_view word) const { return kind == Kind::word && text == word; }
};

using Tokens = std::span<const Token>;

/// A longer one is left to the server: reading it takes the square of its depth.
constexpr std::size_t condition_bytes_max = 10'000;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & '\x80') != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes what is quoted by the first character of `text`, which stands twice where it is meant.
std::optional<std::string> take_quoted(std::string_view& text) {
  const char quote = text.front();
  std::string plain;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != quote) {
      plain += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == quote) {
      plain += text[i++];
    } else {
      text.remove_prefix(i + 1);
      return plain;
    }
  }
  return std::nullopt;
}

template <class Belongs>
std::string take_while(std::string_view& text, Belongs belongs) {
  const std::size_t size =
      static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin());
  std::string taken(text.substr(0, size));
  text.remove_prefix(size);
  return taken;
}

/// Nothing where it is none of ours, as with E'...'.
std::optional<Token> take_token(std::string_view& text) {
  const char c = text.front();
  if (c == '"' || c == '\'') {
    auto quoted = take_quoted(text);
    if (!quoted) return std::nullopt;
    return Token{c == '"' ? Token::Kind::name : Token::Kind::text, std::move(*quoted)};
  }
  if (is_letter(c)) {
    std::string word =
        take_while(text, [](char x) { return is_letter(x) || is_digit(x) || x == '$'; });
    if (text.starts_with('\'')) return std::nullopt;
    return Token{Token::Kind::word, in_small_letters(word)};
  }
  if (is_digit(c))
    return Token{Token::Kind::number,
                 take_while(text, [](char x) { return is_digit(x) || x == '.'; })};
  constexpr std::array<std::string_view, 15> marks{"::", "<=", ">=", "<>", "(", ")", "[", "]",
                                                   ",",  "=",  "<",  ">",  "-", ".", "+"};
  const auto mark =
      std::ranges::find_if(marks, [text](std::string_view m) { return text.starts_with(m); });
  if (mark == marks.end()) return std::nullopt;
  text.remove_prefix(mark->size());
  return Token{Token::Kind::mark, std::string(*mark)};
}

/// Nothing where there is what is not understood.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (;;) {
    take_while(text, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    if (text.empty()) return tokens;
    std::optional<Token> token = take_token(text);
    if (!token) return {};
    tokens.push_back(std::move(*token));
  }
}

/// Behind the bracket that closes the first one.
std::size_t end_of_brackets(Tokens tokens) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("[")) ++depth;
    if ((tokens[i].is(")") || tokens[i].is("]")) && --depth == 0) return i + 1;
  }
  return 0;
}

/// Where the last cast of an operand begins: a type's words, names and brackets stand behind it.
std::optional<std::size_t> last_cast(Tokens tokens) {
  std::size_t depth = 0;
  std::optional<std::size_t> cast;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("[")) ++depth;
    if ((tokens[i].is(")") || tokens[i].is("]")) && depth-- == 0) return std::nullopt;
    if (depth == 0 && tokens[i].is("::")) cast = i;
  }
  return cast;
}

/// Without the brackets and the casts around it.
Tokens bare(Tokens tokens) {
  for (;;) {
    if (const auto cast = last_cast(tokens)) {
      tokens = tokens.first(*cast);
    } else if (!tokens.empty() && tokens[0].is("(") && end_of_brackets(tokens) == tokens.size()) {
      tokens = tokens.subspan(1, tokens.size() - 2);
    } else {
      return tokens;
    }
  }
}

/// The tokens between those that match, outside of brackets.
template <class Matches>
std::vector<Tokens> split(Tokens tokens, Matches matches) {
  std::vector<Tokens> parts;
  std::size_t depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("[")) ++depth;
    if ((tokens[i].is(")") || tokens[i].is("]")) && depth > 0) --depth;
    if (depth > 0 || !matches(tokens[i])) continue;
    parts.push_back(tokens.subspan(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(tokens.subspan(begin));
  return parts;
}

/// A constant, as text.
std::optional<std::string> constant_of(Tokens tokens) {
  tokens = bare(tokens);
  const bool is_negative = tokens.size() == 2 && tokens[0].is("-");
  if (is_negative) tokens = tokens.subspan(1);
  if (tokens.size() != 1) return std::nullopt;
  const Token& token = tokens[0];
  if (token.kind == Token::Kind::number) return (is_negative ? "-" : "") + token.text;
  if (token.kind == Token::Kind::text && !is_negative) return token.text;
  return std::nullopt;
}

std::optional<Check::Is> operator_of(const Token& token) {
  if (token.kind != Token::Kind::mark) return std::nullopt;
  if (token.text == "<") return Check::Is::less;
  if (token.text == "<=") return Check::Is::at_most;
  if (token.text == "=") return Check::Is::equal;
  if (token.text == "<>") return Check::Is::other;
  if (token.text == ">=") return Check::Is::at_least;
  if (token.text == ">") return Check::Is::more;
  return std::nullopt;
}

/// The same with its sides changed.
Check::Is turned(Check::Is is) {
  switch (is) {
    case Check::Is::less: return Check::Is::more;
    case Check::Is::at_most: return Check::Is::at_least;
    case Check::Is::at_least: return Check::Is::at_most;
    case Check::Is::more: return Check::Is::less;
    default: return is;
  }
}

template <class Value>
bool holds(Check::Is is, Value value, Value bound) {
  switch (is) {
    case Check::Is::less: return value < bound;
    case Check::Is::at_most: return value <= bound;
    case Check::Is::equal: return value == bound;
    case Check::Is::other: return value != bound;
    case Check::Is::at_least: return value >= bound;
    case Check::Is::more: return value > bound;
    default: return true;
  }
}

bool is_text(std::uint32_t type) {
  return type == oid::text || type == oid::varchar || type == oid::bpchar;
}

/// The one of a type that its binary form counts.
bool is_counted(std::uint32_t type) {
  return type == oid::int2 || type == oid::int4 || type == oid::int8 || type == oid::date ||
         type == oid::timestamp || type == oid::timestamptz;
}

bool is_real(std::uint32_t type) {
  return type == oid::float4 || type == oid::float8 || type == oid::numeric;
}

std::int64_t integer_in(std::string_view value) {
  switch (value.size()) {
    case 2: return load_big_endian<std::int16_t>(value.data());
    case 4: return load_big_endian<std::int32_t>(value.data());
    default: return load_big_endian<std::int64_t>(value.data());
  }
}

/// Nearly: https://github.com/postgres/postgres, numeric_send() of numeric.c.
double number_in_numeric(const char* at) {
  constexpr std::uint16_t negative = 0x4000;
  constexpr double base = 10'000;
  const auto digits = load_big_endian<std::int16_t>(at);
  const auto weight = load_big_endian<std::int16_t>(at + 2);
  const auto sign = load_big_endian<std::uint16_t>(at + 4);
  if (sign != 0 && sign != negative) return std::nan("");  // infinite, or no number
  double number = 0;
  for (std::int16_t i = 0; i < digits; ++i)
    number += load_big_endian<std::int16_t>(at + 8 + 2 * i) * std::pow(base, weight - i);
  return sign == negative ? -number : number;
}

double real_in(std::uint32_t type, std::string_view value) {
  if (type == oid::numeric) return number_in_numeric(value.data());
  if (value.size() == 4) return std::bit_cast<float>(load_big_endian<std::int32_t>(value.data()));
  return std::bit_cast<double>(load_big_endian<std::int64_t>(value.data()));
}

/// The CHECK of a table while it is read.
struct Reader {
  const Table& table;
  const std::vector<std::string>& columns;
  std::vector<Check> found;

  const Column* column_in(Tokens tokens, Check& check) const;
  bool bound(Check& check, const Column& column, const std::string& constant) const;
  void read_all(Tokens tokens);
  void read_one(Tokens tokens);
  void read_comparison(Tokens left, Check::Is is, Tokens right);
  void read_list(Tokens left, Check::Is is, Tokens list);
};

/// The column that stands there alone, or in char_length().
const Column* Reader::column_in(Tokens tokens, Check& check) const {
  tokens = bare(tokens);
  if (tokens.size() > 2 && tokens[1].is("(") && end_of_brackets(tokens) == tokens.size() &&
      (tokens[0].is_word("char_length") || tokens[0].is_word("length"))) {
    tokens = bare(tokens.subspan(2, tokens.size() - 3));
    check.of = Check::Of::length;
  }
  if (tokens.size() != 1) return nullptr;
  if (tokens[0].kind != Token::Kind::word && tokens[0].kind != Token::Kind::name) return nullptr;
  const auto fed = std::ranges::find(columns, tokens[0].text);
  const auto at = std::ranges::find(table.columns, tokens[0].text, &Column::name);
  if (fed == columns.end() || at == table.columns.end()) return nullptr;
  check.field = static_cast<std::size_t>(fed - columns.begin());
  check.type = at->base_type.id;
  return &*at;
}

/// Puts a constant into the check, in the form of the column's values. False where it has none.
bool Reader::bound(Check& check, const Column& column, const std::string& constant) const {
  const char* const end = constant.data() + constant.size();
  if (check.of == Check::Of::length) {
    const auto [at, error] = std::from_chars(constant.data(), end, check.integer);
    const bool is_whole = error == std::errc() && at == end && is_text(check.type);
    return is_whole && check.type != oid::bpchar;
  }
  if (is_counted(check.type)) {
    check.of = Check::Of::integer;
    const Encode encode = codec_of(column.base_type, {.time_zone_is_utc = false});
    std::string padded = constant + std::string(codec_padding, '\0');
    std::string value(constant.size() + codec_slack, '\0');
    const char* const behind = encode(padded.data(), constant.size(), value.data());
    if (behind == nullptr) return false;
    value.resize(static_cast<std::size_t>(behind - value.data()));
    check.integer = integer_in(value);
    return true;
  }
  if (is_real(check.type)) {
    check.of = Check::Of::real;
    const auto [at, error] = std::from_chars(constant.data(), end, check.real);
    return error == std::errc() && at == end;
  }
  check.of = Check::Of::text;
  return is_text(check.type);
}

void Reader::read_comparison(Tokens left, Check::Is is, Tokens right) {
  Check check{.is = is};
  const Column* column = column_in(left, check);
  auto constant = constant_of(right);
  if (column == nullptr) {
    check = {.is = turned(is)};
    column = column_in(right, check);
    constant = constant_of(left);
  }
  if (column == nullptr || !constant) return;
  if (!bound(check, *column, *constant)) return;
  if (check.of == Check::Of::text) {
    // In which order texts are is the collation's.
    if (check.is != Check::Is::equal && check.is != Check::Is::other) return;
    check.is = check.is == Check::Is::equal ? Check::Is::one_of : Check::Is::none_of;
    check.texts = {*constant};
  }
  found.push_back(std::move(check));
}

/// `x = ANY (ARRAY[...])`, and `x <> ALL (ARRAY[...])`.
void Reader::read_list(Tokens left, Check::Is is, Tokens list) {
  Check check{.is = is == Check::Is::equal ? Check::Is::one_of : Check::Is::none_of};
  const Column* const column = column_in(left, check);
  const Tokens array = bare(list);
  if (column == nullptr || check.of == Check::Of::length || !is_text(check.type)) return;
  if (array.size() < 4 || !array[0].is_word("array") || !array[1].is("[") ||
      end_of_brackets(array) != array.size())
    return;
  for (const Tokens element :
       split(array.subspan(2, array.size() - 3), [](const Token& t) { return t.is(","); })) {
    const auto constant = constant_of(element);
    if (!constant) return;
    check.texts.push_back(*constant);
  }
  check.of = Check::Of::text;
  std::ranges::sort(check.texts);
  found.push_back(std::move(check));
}

/// One condition without AND.
void Reader::read_one(Tokens tokens) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("(") || tokens[i].is("[")) ++depth;
    if ((tokens[i].is(")") || tokens[i].is("]")) && depth > 0) --depth;
    if (depth > 0) continue;
    if (tokens[i].is_word("is")) {
      Check check;
      const bool is_not_null =
          i + 3 == tokens.size() && tokens[i + 1].is_word("not") && tokens[i + 2].is_word("null");
      const bool is_column =
          column_in(tokens.first(i), check) != nullptr && check.of == Check::Of::null;
      if (is_not_null && is_column) found.push_back(std::move(check));
      return;
    }
    const auto is = operator_of(tokens[i]);
    if (!is) continue;
    const Tokens right = tokens.subspan(i + 1);
    const bool is_any = !right.empty() && right[0].is_word("any") && *is == Check::Is::equal;
    const bool is_all = !right.empty() && right[0].is_word("all") && *is == Check::Is::other;
    if (is_any || is_all) return read_list(tokens.first(i), *is, right.subspan(1));
    return read_comparison(tokens.first(i), *is, right);
  }
}

void Reader::read_all(Tokens tokens) {
  while (!tokens.empty() && tokens[0].is("(") && end_of_brackets(tokens) == tokens.size())
    tokens = tokens.subspan(1, tokens.size() - 2);
  // What holds of one of several, or does not, says nothing of one column alone.
  const auto is_or = [](const Token& token) { return token.is_word("or"); };
  if (tokens.empty() || tokens[0].is_word("not") || split(tokens, is_or).size() > 1) return;
  const std::vector<Tokens> parts =
      split(tokens, [](const Token& token) { return token.is_word("and"); });
  if (parts.size() == 1) return read_one(tokens);
  for (const Tokens part : parts) read_all(part);
}

}  // namespace

bool Check::is_met(std::string_view value) const {
  switch (of) {
    case Of::integer: return holds(is, integer_in(value), integer);
    case Of::real: {
      const double number = real_in(type, value);
      return std::isnan(number) || holds(is, number, real);
    }
    case Of::length: return holds(is, static_cast<std::int64_t>(count_characters(value)), integer);
    case Of::text: {
      // The blanks behind a bpchar are none.
      if (type == oid::bpchar) value = value.substr(0, value.find_last_not_of(' ') + 1);
      return std::ranges::binary_search(texts, value) == (is == Is::one_of);
    }
    case Of::null: return true;
  }
  return true;
}

std::vector<Check> checks_of(const std::vector<std::string>& conditions, const Table& table,
                             const std::vector<std::string>& columns) {
  Reader reader{table, columns, {}};
  for (const std::string& condition : conditions)
    if (condition.size() <= condition_bytes_max) reader.read_all(tokens_of(condition));
  std::ranges::stable_sort(reader.found, {}, &Check::field);
  return std::move(reader.found);
}

bool are_met(const std::vector<Check>& checks, const char* tuple) {
  const char* at = tuple + sizeof(std::int16_t);
  std::size_t field = 0;
  for (const Check& check : checks) {
    for (; field < check.field; ++field) at += 4 + std::max(load_big_endian<std::int32_t>(at), 0);
    const auto size = load_big_endian<std::int32_t>(at);
    const bool is_met = size < 0 ? check.of != Check::Of::null
                                 : check.is_met({at + 4, static_cast<std::size_t>(size)});
    if (!is_met) return false;
  }
  return true;
}

}  // namespace sluice::tuple
