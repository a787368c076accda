#pragma once

#include <cassert>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/identifier.hpp"

namespace sluice {

/// Words of our source, for a constant:
///
///   inline constexpr SqlWords this_load = "(select currval('pgsluice.loads_load_id_seq'))";
class SqlWords {
 public:
  template <std::size_t size>
  consteval SqlWords(const char (&words)[size]) : words_(words) {}

  constexpr const char* text() const { return words_; }

 private:
  const char* words_;
};

/// SQL that is safe to run: words that stand in our source, and values and names that were quoted
/// as what they are. A std::string does not become one by itself.
///
///   sql("update pgsluice.loads set state = {} where load_id = {}", literal(state), load.value)
class Sql {
 public:
  Sql() = default;
  Sql(SqlWords words) : text_(words.text()) {}
  /// Takes a text for SQL: one that was made before, or that the server has made.
  static Sql trusted(std::string text) {
    Sql made;
    made.text_ = std::move(text);
    return made;
  }

  const std::string& text() const& { return text_; }
  std::string text() && { return std::move(text_); }
  bool empty() const { return text_.empty(); }

  Sql& operator+=(const Sql& other) {
    text_ += other.text_;
    return *this;
  }

 private:
  std::string text_;
};

/// A string constant.
struct Literal {
  std::string text;
};
inline Literal literal(std::string_view text) { return {std::string(text)}; }

/// A name, which is always quoted.
struct Identifier {
  std::string name;
};
inline Identifier identifier(std::string_view name) { return {std::string(name)}; }

namespace detail {

inline std::string sql_of(const Literal& value) { return quote_literal(value.text); }
inline std::string sql_of(const Identifier& name) { return quote_identifier(name.name); }
inline const std::string& sql_of(const Sql& sql) { return sql.text(); }
inline std::string_view sql_of(SqlWords words) { return words.text(); }
inline std::string sql_of(std::same_as<bool> auto value) { return value ? "true" : "false"; }
template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>)
std::string sql_of(T value) {
  return std::to_string(value);
}
inline std::string sql_of(std::same_as<double> auto value) { return std::to_string(value); }

inline constexpr std::string_view sql_hole = "{}";

constexpr std::size_t holes_of(std::string_view words) {
  std::size_t holes = 0;
  for (std::size_t at = words.find(sql_hole); at != std::string_view::npos;
       at = words.find(sql_hole, at + sql_hole.size()))
    ++holes;
  return holes;
}

/// REQUIRES: as many values as there are holes.
template <class... Values>
Sql filled(std::string_view words, const Values&... values) {
  assert(holes_of(words) == sizeof...(Values));
  // Some are as long as a list of thousands of digests.
  const std::tuple<decltype(sql_of(values))...> parts{sql_of(values)...};
  std::string made;
  std::size_t at = 0;
  [[maybe_unused]] const auto fill = [&](std::string_view value) {
    const std::size_t hole = words.find(sql_hole, at);
    made += words.substr(at, hole - at);
    made += value;
    at = hole + sql_hole.size();
  };
  std::apply(
      [&](const auto&... part) {
        made.reserve((words.size() + ... + part.size()));
        (fill(part), ...);
      },
      parts);
  made += words.substr(at);
  return Sql::trusted(std::move(made));
}

/// Text of our source with as many holes as there are values; anything else does not compile.
template <class... Values>
struct SqlWithHoles {
  std::string_view text;

  template <std::size_t size>
  consteval SqlWithHoles(const char (&words)[size]) : text(words, size - 1) {
    if (holes_of(text) != sizeof...(Values)) throw "as many values as there are holes";
  }
};

}  // namespace detail

/// What may fill a hole.
template <class T>
concept SqlPart = requires(const T& value) { detail::sql_of(value); };

/// Fills each {} with the next value: a literal(), an identifier(), a number, a bool, other SQL.
template <SqlPart... Values>
Sql sql(detail::SqlWithHoles<std::type_identity_t<Values>...> words, const Values&... values) {
  return detail::filled(words.text, values...);
}

inline Sql operator+(Sql left, const Sql& right) {
  left += right;
  return left;
}

/// One behind the other, with this between them.
inline Sql joined(const std::vector<Sql>& parts, SqlWords between) {
  Sql all;
  for (const Sql& part : parts) {
    if (&part != &parts.front()) all += between;
    all += part;
  }
  return all;
}

/// Of each of these, what `make` says of it, with commas between.
template <class Range, class Make>
Sql sql_list(const Range& things, Make make) {
  std::vector<Sql> parts;
  for (const auto& thing : things) parts.push_back(sql("{}", make(thing)));
  return joined(parts, ", ");
}

/// array['a', 'b']::text[]
inline Sql sql_array(const std::vector<std::string>& texts) {
  return sql("array[{}]::pg_catalog.text[]", sql_list(texts, literal));
}

/// A string constant, or null.
inline Sql literal_or_null(bool is_there, std::string_view text) {
  return is_there ? sql("{}", literal(text)) : sql("null");
}

}  // namespace sluice
