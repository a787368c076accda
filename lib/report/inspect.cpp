#include "report/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/characters.hpp"
#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "report/spread.hpp"
#include "sniff/dialect.hpp"

namespace sluice::report {
namespace {

using sniff::Kind;

std::string dialect_text(const sniff::Reading& reading) {
  if (reading.format == csv::Format::text) return "COPY's text format";
  const csv::Dialect& dialect = reading.dialect;
  std::string text;
  if (reading.columns > 1)
    text += "delimiter " + csv::show_characters(dialect.delimiter.text()) + ", ";
  text += dialect.has_quotes() ? fmt::format("quote {}", dialect.quote) : "no quotes";
  if (dialect.escapes == csv::Escapes::everywhere) text += ", backslash escapes";
  if (!dialect.comment.empty()) text += ", comments " + dialect.comment;
  text += ", lines end with " + std::string(csv::name_of(reading.line_end));
  return text;
}

/// A table of texts, its columns as wide as what is in them.
std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], count_characters(row[i]));
  std::string text;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += " " + row[i] + std::string(widths[i] - count_characters(row[i]) + 1, ' ');
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string columns_text(const sniff::Proposal& proposal) {
  std::vector<std::vector<std::string>> rows{
      {"column", "type", "missing", "distinct", "longest", "smallest", "largest"}};
  const std::vector<sniff::ColumnType> types = sniff::types_of(proposal);
  for (std::size_t i = 0; i < types.size(); ++i) {
    const sniff::ProposedColumn& column = proposal.columns[i];
    const sniff::Column& seen = column.seen;
    const std::uint64_t missing = seen.empty() + seen.null_words();
    rows.push_back({shown(column.name), types[i].sql, missing == 0 ? "" : format_count(missing),
                    format_count(seen.distinct()), format_count(seen.longest()),
                    shown(seen.smallest()), shown(seen.largest())});
  }
  return table_of(rows);
}

/// Lines that are taken for no records: nobody but a person knows.
void add_left_out(const sniff::Reading& reading, std::vector<std::string>& remarks) {
  if (reading.skip_lines > 0)
    remarks.push_back("the first " + format_count(reading.skip_lines) +
                      " lines are left out: they have another number of values");
  if (reading.skip_footer > 0)
    remarks.push_back("the last " + format_count(reading.skip_footer) +
                      " lines are left out: they have fewer values");
  if (!reading.dialect.comment.empty())
    remarks.push_back("lines that begin with " + reading.dialect.comment +
                      " are left out: they have another number of values");
}

/// What a person should know before the command is run.
std::vector<std::string> remarks_on(const sniff::Proposal& proposal) {
  std::vector<std::string> remarks;
  if (!proposal.readings.are_sure()) {
    remarks.push_back("not sure: " + proposal.readings.doubt);
    if (proposal.readings.all.size() > 1)
      remarks.push_back("or: " + dialect_text(proposal.readings.all[1]));
  }
  if (proposal.not_utf8) {
    const auto& [byte, likely] = *proposal.not_utf8;
    std::string remark = "no UTF-8, at byte " + std::to_string(byte);
    if (!likely.empty()) remark += ": read as " + likely.front();
    if (likely.size() > 1) remark += ", and may be " + likely[1];
    remarks.push_back(remark + "; --encoding says it");
  }
  add_left_out(proposal.reading(), remarks);
  if (proposal.columns.size() > sniff::table_columns_max)
    remarks.emplace_back("a table has at most 1,600 columns");
  if (!proposal.header_doubt.empty())
    remarks.push_back(proposal.header_doubt + ": --header says it");
  if (proposal.misfits > 0)
    remarks.push_back(fmt::format(
        "{} of {} records have another number of values, the first one in line {}: --ragged fit "
        "makes them fit, --max-rejects leaves them out",
        format_count(proposal.misfits), format_count(proposal.records),
        proposal.first_misfit_line));
  const std::vector<sniff::ColumnType> types = sniff::types_of(proposal);
  for (std::size_t i = 0; i < types.size(); ++i)
    if (!types[i].why_text.empty())
      remarks.push_back("column \"" + shown(proposal.columns[i].name) +
                        "\" is text: " + types[i].why_text);
  return remarks;
}

nlohmann::ordered_json json_of(const sniff::ProposedColumn& column, const sniff::ColumnType& type,
                               const std::string& name) {
  const sniff::Column& seen = column.seen;
  nlohmann::ordered_json json{{"name", column.name},
                              {"column", name},
                              {"type", type.sql},
                              {"values", seen.values()},
                              {"empty", seen.empty()},
                              {"null_words", seen.null_words()},
                              {"distinct", seen.distinct()},
                              {"longest", seen.longest()},
                              {"smallest", seen.smallest()},
                              {"largest", seen.largest()},
                              {"examples", seen.examples()}};
  json.update(spread_json(column.seen, type));
  if (!type.nulls.empty()) json["nulls"] = type.nulls;
  if (!type.date_format.empty()) json["date_format"] = type.date_format;
  if (!type.why_text.empty()) json["why_text"] = type.why_text;
  return json;
}

/// NULL is null.
nlohmann::ordered_json first_rows_json(const sniff::Proposal& proposal) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& values : proposal.first_rows) {
    nlohmann::ordered_json row = nlohmann::ordered_json::array();
    for (const std::optional<std::string>& value : values)
      row.push_back(value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json());
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string shown(std::string_view text) {
  static constexpr std::size_t characters_max = 24;
  std::string made;
  std::size_t characters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!is_inside_character(c) && ++characters > characters_max) return made + "…";
    if (byte < 0x20 || byte == 0x7F)
      made += c == '\n' ? "\\n" : c == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
    else
      made += c;
  }
  return made;
}

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./=:,@%+").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string word = "'";
  if (printable_line(text) == text && text.find('\t') == std::string::npos) {
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
  }
  word = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_shown = byte >= 0x20 && byte < 0x7F && c != '\'' && c != '\\';
    word += is_shown ? std::string(1, c) : fmt::format("\\x{:02x}", byte);
  }
  return word + "'";
}

std::string command_of(const Inspected& inspected) {
  // A name that begins with a hyphen is no flag.
  const bool is_like_flag = inspected.file.starts_with('-') && inspected.file != "-";
  const std::string path = (is_like_flag ? "./" : "") + inspected.file;
  std::string command = "pgsluice load " + shell_word(path) + " -t " + shell_word(inspected.table);
  std::vector<std::string> flags = sniff::flags_of(inspected.proposal, inspected.naming);
  flags.insert(flags.end(), inspected.more_flags.begin(), inspected.more_flags.end());
  for (const std::string& flag : flags) command += " " + shell_word(flag);
  return command;
}

std::string text_of(const Inspected& inspected) {
  const sniff::Proposal& proposal = inspected.proposal;
  std::string text = fmt::format(
      "{}: {} {}, {} {}, {}{}\n", printable_line(inspected.file), format_count(proposal.records),
      proposal.records == 1 ? "record" : "records", proposal.columns.size(),
      proposal.columns.size() == 1 ? "column" : "columns", format_bytes(proposal.bytes),
      proposal.encoding.empty() ? "" : " of UTF-8, from " + proposal.encoding);
  text += fmt::format("  {}, {}\n", dialect_text(proposal.reading()),
                      proposal.has_header ? "a header" : "no header");
  for (const std::string& remark : remarks_on(proposal)) text += "  " + remark + "\n";
  text += "\n" + columns_text(proposal);
  if (inspected.screen_columns > 0) {
    const std::string spread =
        spread_text(proposal, sniff::types_of(proposal), inspected.screen_columns);
    if (!spread.empty()) text += "\n" + spread;
  }
  if (inspected.is_one_of_many) return text;
  text += "\n";
  text += sniff::create_table(proposal, inspected.table, inspected.naming) + "\n";
  return text + command_of(inspected) + "\n";
}

nlohmann::ordered_json json_of(const Inspected& inspected) {
  const sniff::Proposal& proposal = inspected.proposal;
  const std::vector<std::string> names = sniff::column_names(proposal, inspected.naming);
  nlohmann::ordered_json json{
      {"file", inspected.file},      {"is_sure", proposal.readings.are_sure()},
      {"records", proposal.records}, {"misfits", proposal.misfits},
      {"bytes", proposal.bytes},     {"header", proposal.has_header}};
  if (!proposal.readings.doubt.empty()) json["doubt"] = proposal.readings.doubt;
  if (!proposal.header_doubt.empty()) json["header_doubt"] = proposal.header_doubt;
  if (!proposal.encoding.empty()) json["encoding"] = proposal.encoding;
  if (proposal.not_utf8)
    json["not_utf8"] = {{"byte", proposal.not_utf8->byte}, {"likely", proposal.not_utf8->likely}};
  const std::vector<sniff::ColumnType> types = sniff::types_of(proposal);
  nlohmann::ordered_json columns = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < names.size(); ++i)
    columns.push_back(json_of(proposal.columns[i], types[i], names[i]));
  json["columns"] = std::move(columns);
  json["first_rows"] = first_rows_json(proposal);
  json["flags"] = sniff::flags_of(proposal, inspected.naming);
  json["create_table"] = sniff::create_table(proposal, inspected.table, inspected.naming);
  json["command"] = command_of(inspected);
  return json;
}

}  // namespace sluice::report
