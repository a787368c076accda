#include "sniff/proposal.hpp"

#include <algorithm>
#include <set>

#include "base/printable.hpp"

namespace sluice::sniff {
namespace {

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

/// A list as CSV has it: a name with a comma or a quote in quotes.
std::string in_list(const std::string& name) {
  if (name.find_first_of(",\"") == std::string::npos) return name;
  std::string made = "\"";
  for (const char c : name) made += c == '"' ? std::string("\"\"") : std::string(1, c);
  return made + "\"";
}

std::string list_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + in_list(name);
  return list;
}

/// Names that a table cannot have: those of every table's system columns.
const std::set<std::string> system_columns{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};

/// As a terminal and a shell can show it.
bool is_plain_text(const std::string& name) { return printable_line(name) == name; }

}  // namespace

std::vector<ColumnType> types_of(const std::vector<ProposedColumn>& columns) {
  std::vector<ColumnType> types;
  bool has_commas = false;
  bool has_points = false;
  for (const ProposedColumn& column : columns) {
    types.push_back(column.seen.type());
    const ColumnType& type = types.back();
    has_commas |= type.decimal_comma;
    const bool is_number = type.sql == "numeric" || type.sql == "double precision";
    has_points |= is_number && !type.decimal_comma &&
                  (column.seen.has(Kind::decimal) || column.seen.has(Kind::exponent));
    has_points |= type.thousands == ",";
  }
  if (!has_commas || !has_points) return types;
  for (ColumnType& type : types) {
    if (!type.decimal_comma && type.thousands.empty()) continue;
    type = {};
    type.why_text = "its decimal sign is not that of other columns, and --decimal is for all";
  }
  return types;
}

std::vector<ColumnType> types_of(const Proposal& proposal) { return types_of(proposal.columns); }

tuple::ValueWishes wishes_of(const std::vector<ColumnType>& types,
                             const std::vector<std::string>& names) {
  tuple::ValueWishes wishes;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const ColumnType& type = types[i];
    if (type.decimal_comma) wishes.decimal = ",";
    if (!type.thousands.empty()) wishes.thousands = type.thousands;
    if (type.null_quoted) wishes.null_quoted_columns.push_back(names[i]);
    if (!type.date_format.empty()) wishes.date_formats.push_back(names[i] + "=" + type.date_format);
    for (const std::string& null : type.nulls) wishes.nulls_for.push_back(names[i] + "=" + null);
  }
  return wishes;
}

std::vector<std::string> column_names(const std::vector<std::string>& names, Naming naming,
                                      std::set<std::string> taken) {
  std::vector<std::string> made;
  taken.insert(system_columns.begin(), system_columns.end());
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string name = names[i];
    const std::string by_place = "column" + std::to_string(i + 1);
    if (naming == Naming::snake || !is_plain_text(name)) name = snake(printable_line(name));
    if (name.empty()) name = by_place;
    std::string different = cut(name);
    for (int n = 2; !taken.insert(different).second; ++n)
      different = cut(name, "_" + std::to_string(n));
    made.push_back(different);
  }
  return made;
}

std::vector<std::string> column_names(const Proposal& proposal, Naming naming) {
  std::vector<std::string> names;
  for (const ProposedColumn& column : proposal.columns) names.push_back(column.name);
  return column_names(names, naming);
}

std::vector<std::string> dialect_flags_of(const Proposal& proposal) {
  std::vector<std::string> flags;
  add_dialect(flags, proposal);
  // The text format has no header unless it is said.
  const bool is_text = proposal.reading().format == csv::Format::text;
  if (proposal.has_header == is_text) add(flags, "--header", is_text ? "match" : "none");
  return flags;
}

std::vector<std::string> flags_of(const tuple::ValueWishes& values) {
  std::vector<std::string> flags;
  for (const std::string& format : values.date_formats) add(flags, "--date-format", format);
  for (const std::string& null : values.nulls_for) add(flags, "--null-for", null);
  if (!values.decimal.empty()) add(flags, "--decimal", values.decimal);
  if (!values.thousands.empty()) add(flags, "--thousands", values.thousands);
  if (!values.null_quoted_columns.empty())
    flags.push_back("--null-quoted=" + list_of(values.null_quoted_columns));
  return flags;
}

std::vector<std::string> reading_flags_of(const Proposal& proposal,
                                          const std::vector<std::string>& names) {
  std::vector<std::string> flags = dialect_flags_of(proposal);
  const bool can_be_said = std::ranges::all_of(
      proposal.columns, [](const ProposedColumn& c) { return is_plain_text(c.name); });
  if (proposal.has_header && !can_be_said) {
    // A name that cannot be written in a command is none that a flag can name.
    add(flags, "--header", "skip");
    add(flags, "--columns", list_of(names));
  } else if (proposal.has_header) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] != proposal.columns[i].name)
        add(flags, "--map", proposal.columns[i].name + "=" + names[i]);
  }
  return flags;
}

std::vector<std::string> flags_of(const Proposal& proposal, Naming naming) {
  const std::vector<std::string> names = column_names(proposal, naming);
  std::vector<std::string> flags = reading_flags_of(proposal, names);
  for (const std::string& flag : flags_of(wishes_of(types_of(proposal), names)))
    flags.push_back(flag);
  return flags;
}

tuple::NewTable table_of(const std::vector<ProposedColumn>& columns,
                         const std::vector<ColumnType>& types,
                         const std::vector<std::string>& names) {
  tuple::NewTable table;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = columns[i].seen;
    const bool is_never_null =
        column.values() > 0 && column.empty() == 0 && column.null_words() == 0;
    table.columns.push_back({.name = names[i], .type = types[i].sql, .not_null = is_never_null});
  }
  return table;
}

std::string create_table(const Proposal& proposal, const std::string& table, Naming naming) {
  const std::vector<std::string> names = column_names(proposal, naming);
  return create_statement(table_of(proposal.columns, types_of(proposal), names), table) + ";\n";
}

}  // namespace sluice::sniff
