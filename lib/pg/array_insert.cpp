#include "pg/array_insert.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"

namespace sluice::pg {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

/// Other than ASCII counts as a letter, as the server has it.
bool is_of_name(char c) {
  return is_ascii_letter(c) || is_ascii_digit(c) || c == '_' || static_cast<signed char>(c) < 0;
}

/// Reads a statement from its front; what it does not know it does not take.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) { skip_spaces(); }

  bool at_end() const { return rest_.empty(); }
  /// What was read since a mark of before.
  std::string_view since(const char* mark) const {
    return {mark, static_cast<std::size_t>(rest_.data() - mark)};
  }
  const char* mark() const { return rest_.data(); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    advance(1);
    return true;
  }
  bool take_word(std::string_view word) {
    const std::size_t size = word_size();
    if (size != word.size() || in_small_letters(rest_.substr(0, size)) != word) return false;
    advance(size);
    return true;
  }
  /// A name, in quotes or without.
  bool take_name() {
    if (!rest_.starts_with('"')) {
      const std::size_t size = word_size();
      if (size == 0 || is_ascii_digit(rest_.front())) return false;
      advance(size);
      return true;
    }
    std::size_t end = rest_.find('"', 1);
    while (end != std::string_view::npos && rest_.substr(end).starts_with("\"\""))
      end = rest_.find('"', end + 2);
    if (end == std::string_view::npos) return false;
    advance(end + 1);
    return true;
  }
  bool take_parameter(std::size_t number) {
    const std::string text = "$" + std::to_string(number);
    if (!rest_.starts_with(text)) return false;
    if (rest_.size() > text.size() && is_of_name(rest_[text.size()])) return false;
    advance(text.size());
    return true;
  }

 private:
  std::size_t word_size() const {
    return static_cast<std::size_t>(std::ranges::find_if_not(rest_, is_of_name) - rest_.begin());
  }
  void advance(std::size_t size) {
    rest_.remove_prefix(size);
    skip_spaces();
  }
  void skip_spaces() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

bool take_columns(Reader& reader) {
  do {
    if (!reader.take_name()) return false;
  } while (reader.take(','));
  return reader.take(')');
}

/// Without quotes it would be cut, taken for the end of an element, or for NULL.
bool needs_quotes(std::string_view value) {
  const auto is_plain = [](char c) {
    return is_ascii_letter(c) || is_ascii_digit(c) || c == '.' || c == '-' || c == '+' || c == '_';
  };
  return value.empty() || !std::ranges::all_of(value, is_plain) ||
         in_small_letters(value) == "null";
}

void append_quoted(std::string& array, std::string_view value) {
  array += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') array += '\\';
    array += c;
  }
  array += '"';
}

}  // namespace

std::optional<ArrayInsert> ArrayInsert::of(std::string_view statement) {
  Reader reader(statement);
  if (!reader.take_word("insert") || !reader.take_word("into")) return std::nullopt;
  ArrayInsert insert;
  const char* const target = reader.mark();
  do {
    if (!reader.take_name()) return std::nullopt;
  } while (reader.take('.'));
  if (reader.take('(') && !take_columns(reader)) return std::nullopt;
  insert.target_ = reader.since(target);
  if (!reader.take_word("values") || !reader.take('(')) return std::nullopt;
  do {
    if (!reader.take_parameter(insert.parameters_ + 1)) return std::nullopt;
    ++insert.parameters_;
  } while (reader.take(','));
  if (!reader.take(')')) return std::nullopt;
  reader.take(';');
  if (!reader.at_end()) return std::nullopt;
  insert.statement_ = statement;
  return insert;
}

/// The server says which types it takes the parameters for where the statement is prepared. In one
/// round trip, and so in one transaction, also behind a pooler.
Sql ArrayInsert::types_query() const {
  // The caller's statement, which is one and has the form that of() knows.
  const Sql prepared = Sql::trusted(statement_.substr(0, statement_.rfind(')') + 1));
  return sql(
      "prepare pgsluice_rows as {}; "
      "select case when t.typdelim = ',' then t.typarray else 0 end as arrays "
      "from pg_catalog.pg_prepared_statements s, "
      "pg_catalog.unnest(s.parameter_types) with ordinality p (type, number) "
      "join pg_catalog.pg_type t on t.oid = p.type where s.name = 'pgsluice_rows' order by "
      "p.number; "
      "deallocate pgsluice_rows",
      prepared);
}

std::string ArrayInsert::statement() const {
  std::string arrays;
  for (std::size_t i = 1; i <= parameters_; ++i)
    arrays += (i > 1 ? ", $" : "$") + std::to_string(i);
  return "insert into " + target_ + " select * from pg_catalog.unnest(" + arrays + ")";
}

ArraysOfRows::ArraysOfRows(std::size_t parameters) : arrays_(parameters) {}

void ArraysOfRows::add(const Row& row) {
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    std::string& array = arrays_[i];
    const std::size_t before = array.size();
    if (rows_ > 0) array += ',';
    if (!row[i]) {
      array += "NULL";
    } else if (needs_quotes(*row[i])) {
      append_quoted(array, *row[i]);
    } else {
      array += *row[i];
    }
    bytes_ += array.size() - before;
  }
  ++rows_;
}

Row ArraysOfRows::take() {
  Row arrays;
  for (std::string& array : arrays_) {
    arrays.push_back("{" + array + "}");
    array.clear();
  }
  rows_ = 0;
  bytes_ = 0;
  return arrays;
}

}  // namespace sluice::pg
