#include "sniff/proposal.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/identifier.hpp"

namespace sluice::sniff {
namespace {

/// What is no name of a column or a table unless it is quoted
/// (https://www.postgresql.org/docs/current/sql-keywords-appendix.html).
constexpr std::string_view reserved =
    " all analyse analyze and any array as asc asymmetric authorization binary both case "
    "cast check collate collation column concurrently constraint create cross "
    "current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user default deferrable desc distinct do else end except "
    "false fetch for foreign freeze from full grant group having ilike in initially inner "
    "intersect into is isnull join lateral leading left like limit localtime "
    "localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric "
    "system_user table tablesample then to trailing true union unique user using variadic "
    "verbose when where window with ";

std::string snake(const std::string& name) {
  std::string made;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80) {
      made += static_cast<char>(std::tolower(byte));
    } else if (!made.empty() && made.back() != '_') {
      made += '_';
    }
  }
  while (!made.empty() && made.back() == '_') made.pop_back();
  return made;
}

/// What a server takes of a name: 63 bytes, in whole characters.
std::string cut(std::string name) {
  static constexpr std::size_t name_max = 63;
  if (name.size() <= name_max) return name;
  std::size_t size = name_max;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
  name.resize(size);
  return name;
}

void add(std::vector<std::string>& flags, const std::string& flag, const std::string& value) {
  flags.push_back(flag);
  flags.push_back(value);
}

void add_dialect(std::vector<std::string>& flags, const Proposal& proposal) {
  const Reading& reading = proposal.reading();
  const csv::Dialect& dialect = reading.dialect;
  if (reading.format == csv::Format::text) {
    add(flags, "--format", "text");
  } else {
    if (dialect.delimiter.text() != "," && reading.columns > 1)
      add(flags, "--delimiter", csv::show_characters(dialect.delimiter.text()));
    if (!dialect.has_quotes())
      add(flags, "--quote", "none");
    else if (dialect.quote != '"')
      add(flags, "--quote", std::string(1, dialect.quote));
    if (dialect.escapes == csv::Escapes::everywhere) add(flags, "--escape", "backslash");
  }
  if (!dialect.comment.empty()) add(flags, "--comment", dialect.comment);
  if (proposal.drops_surplus) add(flags, "--ragged", "fit");
  if (reading.skip_lines > 0) add(flags, "--skip-lines", std::to_string(reading.skip_lines));
  if (reading.skip_footer > 0) add(flags, "--skip-footer", std::to_string(reading.skip_footer));
}

/// What texts mean: decimal signs and NULL words are those of all columns.
void add_values(std::vector<std::string>& flags, const Proposal& proposal,
                const std::vector<std::string>& names) {
  std::set<std::string> nulls;
  std::string thousands;
  bool has_decimal_comma = false;
  bool trims = false;
  for (std::size_t i = 0; i < proposal.columns.size(); ++i) {
    const ColumnType type = proposal.columns[i].seen.type();
    has_decimal_comma |= type.decimal_comma;
    trims |= type.trims;
    if (!type.thousands.empty()) thousands = type.thousands;
    nulls.insert(type.nulls.begin(), type.nulls.end());
    if (!type.date_format.empty()) add(flags, "--date-format", names[i] + "=" + type.date_format);
  }
  if (has_decimal_comma) add(flags, "--decimal", ",");
  if (!thousands.empty()) add(flags, "--thousands", thousands);
  if (trims) flags.emplace_back("--trim");
  if (nulls.empty()) return;
  // Those that are given replace the default.
  const bool is_text = proposal.reading().format == csv::Format::text;
  if (!is_text) nulls.insert("");
  for (const std::string& null : nulls) add(flags, "--null", null);
}

}  // namespace

std::vector<std::string> column_names(const Proposal& proposal, Naming naming) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (std::size_t i = 0; i < proposal.columns.size(); ++i) {
    std::string name = proposal.columns[i].name;
    if (naming == Naming::snake) name = snake(name);
    name = cut(std::move(name));
    if (name.empty()) name = "column" + std::to_string(i + 1);
    const std::string wanted = name;
    for (int n = 2; !taken.insert(name).second; ++n) name = wanted + "_" + std::to_string(n);
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> dialect_flags_of(const Proposal& proposal) {
  std::vector<std::string> flags;
  add_dialect(flags, proposal);
  // The text format has no header unless it is said.
  const bool is_text = proposal.reading().format == csv::Format::text;
  if (proposal.has_header == is_text) add(flags, "--header", is_text ? "match" : "none");
  return flags;
}

std::vector<std::string> flags_of(const Proposal& proposal, Naming naming) {
  std::vector<std::string> flags = dialect_flags_of(proposal);
  const std::vector<std::string> names = column_names(proposal, naming);
  for (std::size_t i = 0; i < names.size() && proposal.has_header; ++i)
    if (names[i] != proposal.columns[i].name)
      add(flags, "--map", proposal.columns[i].name + "=" + names[i]);
  add_values(flags, proposal, names);
  return flags;
}

std::string name_in_sql(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool is_bare = !name.empty() && (name.front() < '0' || name.front() > '9') &&
                       std::ranges::all_of(name, is_plain) &&
                       reserved.find(" " + name + " ") == std::string_view::npos;
  return is_bare ? name : quote_identifier(name);
}

std::string create_table(const Proposal& proposal, const std::string& table, Naming naming) {
  const std::vector<std::string> names = column_names(proposal, naming);
  std::string sql = "create table " + table + " (";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Column& column = proposal.columns[i].seen;
    const bool is_never_null =
        column.values() > 0 && column.empty() == 0 && column.null_words() == 0;
    sql += i == 0 ? "\n  " : ",\n  ";
    sql += name_in_sql(names[i]) + " " + column.type().sql + (is_never_null ? " not null" : "");
  }
  return sql + "\n);\n";
}

}  // namespace sluice::sniff
