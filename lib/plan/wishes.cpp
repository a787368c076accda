#include "plan/wishes.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/ascii.hpp"
#include "plan/meaning.hpp"
#include "source/fingerprint.hpp"

namespace sluice::plan {
namespace {

using nlohmann::json;

/// One that is as by default is left out.
template <class Value>
void add(json& to, const char* name, const Value& value, const Value& usual) {
  if (value != usual) to[name] = value;
}

template <class Value>
void add_named(json& to, const char* name, const Value& value, const Value& usual) {
  if (value != usual) to[name] = name_of(value);
}

// Each of these takes its struct apart, so that nothing which comes to it later is forgotten here.

json json_of(const csv::DialectWishes& wishes) {
  const auto& [delimiter, quote, escape, escapes_everywhere, null_text, more_null_texts, comment] =
      wishes;
  json all = json::object();
  if (delimiter) all["delimiter"] = delimiter->text();
  if (quote) all["quote"] = static_cast<int>(*quote);
  if (escape) all["escape"] = static_cast<int>(*escape);
  add(all, "escapes-everywhere", escapes_everywhere, false);
  if (null_text) all["null"] = *null_text;
  add(all, "more-nulls", more_null_texts, {});
  add(all, "comment", comment, {});
  return all;
}

json json_of(const tuple::ValueWishes& wishes) {
  const auto& [nulls_for, null_quoted, null_quoted_columns, trim, decimal, thousands, booleans,
               date_formats, added] = wishes;
  json all = json::object();
  add(all, "null-for", nulls_for, {});
  add(all, "null-quoted", null_quoted, false);
  add(all, "null-quoted-columns", null_quoted_columns, {});
  add_named(all, "trim", trim, tuple::Trim::none);
  add(all, "decimal", decimal, {});
  add(all, "thousands", thousands, {});
  add(all, "booleans", booleans, {});
  add(all, "date-formats", date_formats, {});
  add(all, "add", added, {});
  return all;
}

/// What is found out about the source is none of the wishes.
json json_of(const tuple::RecordPolicy& policy) {
  [[maybe_unused]] const auto& [ragged, blank_lines, trailing_delimiter] = policy;
  json all = json::object();
  add_named(all, "ragged", ragged, tuple::Ragged::reject);
  add_named(all, "blank-lines", blank_lines, tuple::BlankLines::record);
  return all;
}

json json_of(const RowOptions& options) {
  const auto& [dialect, format, wishes, newline, header, header_given, columns, renames, maps,
               skipped_columns, ignore_extra, values, where, select, skip_lines, skip_footer,
               record_lines_max, limit, encoding, record_policy, settings, on_conflict, key, dedupe,
               update_columns, update_if_changed, atomic, replace, delete_missing, after_sql] =
      options;
  // A dialect is what format and wishes make of it, and the source; when rows come decides none.
  static_cast<void>(dialect);
  static_cast<void>(atomic);
  json all = json::object();
  add_named(all, "format", format, csv::Format::csv);
  add(all, "dialect", json_of(wishes), json::object());
  add_named(all, "newline", newline, csv::Newline::automatic);
  if (header_given) all["header"] = name_of(header);
  add(all, "columns", columns, {});
  add(all, "renames", renames, {});
  add(all, "maps", maps, {});
  add(all, "skipped-columns", skipped_columns, {});
  add(all, "ignore-extra", ignore_extra, false);
  add(all, "values", json_of(values), json::object());
  add(all, "where", where, {});
  add(all, "select", select, {});
  add(all, "skip-lines", skip_lines, std::uint64_t{0});
  add(all, "skip-footer", skip_footer, std::uint64_t{0});
  add(all, "record-lines-max", record_lines_max, std::uint64_t{0});
  if (limit) all["limit"] = *limit;
  add(all, "encoding", encoding, {});
  add(all, "records", json_of(record_policy), json::object());
  for (const auto& [name, value] : settings)
    if (decides_rows(name)) all["set"][name] = value;
  add_named(all, "on-conflict", on_conflict, writer::OnConflict::error);
  add(all, "key", key, {});
  if (dedupe) all["dedupe"] = name_of(*dedupe);
  add(all, "update-columns", update_columns, {});
  add(all, "update-if-changed", update_if_changed, false);
  add(all, "replace", replace, {});
  add(all, "delete-missing", delete_missing, false);
  if (after_sql) all["after-sql"] = after_sql->checksum;
  return all;
}

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::any_of(names, [&name](const std::string& other) {
    return std::ranges::equal(other, name, {}, ascii_lower, ascii_lower);
  });
}

}  // namespace

std::string wishes_of(const RowOptions& options, const writer::Target& target) {
  json all = json_of(options);
  const char* const usual = std::getenv("PGCLIENTENCODING");
  if (usual != nullptr && options.encoding.empty()) all["encoding"] = usual;
  if (target.has_row_security) {
    all["role"] = target.role;
    all["PGOPTIONS"] = target.startup_options;
  }
  return source::head_digest(all.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string with_wishes(const std::string& meaning, const std::string& wishes) {
  auto all = json::parse(meaning);
  all[wishes_key] = wishes;
  return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool has_wishes(const std::string& meaning, const RowOptions& options,
                const writer::Target& target) {
  const auto all = json::parse(meaning, nullptr, false);
  if (!all.is_object() || all.value(wishes_key, json()) != json(wishes_of(options, target)))
    return false;
  std::vector<std::string> columns;
  for (const tuple::Column& column : target.table.columns) columns.push_back(column.name);
  const auto is_there = [&columns](const json& name) {
    return name.is_null() || (name.is_string() && has_name(columns, name.get<std::string>()));
  };
  const auto goes_nowhere = [&](const json& name) {
    if (!name.is_string()) return false;
    const auto text = name.get<std::string>();
    return has_name(options.skipped_columns, text) || !has_name(columns, text);
  };
  const json fed = all.value("fields", json::array());
  const json left_out = all.value(left_out_key, json::array());
  return std::ranges::all_of(fed, is_there) && std::ranges::all_of(left_out, goes_nowhere);
}

}  // namespace sluice::plan
