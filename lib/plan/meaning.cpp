#include "plan/meaning.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "plan/reading.hpp"
#include "source/encoding.hpp"

namespace sluice::plan {
namespace {

/// The table's column for each of the source's, null for one that is left out.
nlohmann::json fields_of(const tuple::Mapping& mapping, const tuple::Table& table) {
  auto fields = nlohmann::json::array();
  for (const auto& target : mapping.targets)
    fields.push_back(target ? nlohmann::json(table.columns[*target].name) : nlohmann::json());
  return fields;
}

/// The names of the source's columns that go nowhere, in its order: a later load is told by them
/// which of its columns are new (plan/drift).
nlohmann::json left_out_of(const RowOptions& o, const chunk::Preamble& preamble,
                           const tuple::Mapping& mapping) {
  auto names = nlohmann::json::array();
  const std::vector<std::string>* const all = source_names(o, preamble);
  if (all == nullptr) return names;
  for (std::size_t i = 0; i < mapping.targets.size() && i < all->size(); ++i)
    if (!mapping.targets[i]) names.push_back((*all)[i]);
  return names;
}

/// What is as it was in the first version has its name in any case, and the rest only where it
/// differs from that: loads of earlier versions are known by the same.
void add_dialect(nlohmann::json& json, const RowOptions& o, const chunk::Preamble& preamble) {
  const csv::Dialect& dialect = o.dialect;
  const auto shown = [](char c) {
    return c == csv::Dialect::none ? std::string("none") : csv::show_character(c);
  };
  json["delimiter"] = csv::show_characters(dialect.delimiter.text());
  json["quote"] = shown(dialect.quote);
  json["escape"] = shown(dialect.escape);
  json["null"] = dialect.null_text;
  if (!dialect.more_null_texts.empty()) {
    std::vector<std::string> texts = dialect.more_null_texts;
    texts.push_back(dialect.null_text);
    std::ranges::sort(texts);
    json["null"] = texts;
  }
  if (dialect.escapes_everywhere())
    json["escapes"] = dialect.escapes == csv::Escapes::text ? "text" : "everywhere";
  if (!dialect.comment.empty()) json["comment"] = dialect.comment;
  if (preamble.line_end != preamble.first_line_end)
    json["newline"] = csv::name_of(preamble.line_end);
}

void add_conflict(nlohmann::json& json, const writer::Merge& merge) {
  if (merge.on_conflict == writer::OnConflict::error) return;
  const bool updates = merge.on_conflict == writer::OnConflict::update;
  json["on-conflict"] = updates ? "update" : "nothing";
  json["key"] = merge.key;
  json["dedupe"] = name_of(merge.dedupe);
  if (!updates) return;
  std::vector<std::string> columns = merge.update_columns;
  std::ranges::sort(columns);
  json["update-columns"] = columns;
  if (merge.only_if_changed) json["update-if-changed"] = true;
}

/// By what becomes of each column, so that it does not matter how the columns were named.
void add_values(nlohmann::json& json, const tuple::EncoderPlan& encoder) {
  for (std::size_t i = 0; i < encoder.rules.fields.size(); ++i) {
    const tuple::FieldRules& rules = encoder.rules.fields[i];
    const std::string& column = encoder.fields[i].column;
    if (!rules.own_nulls.empty()) json["null-for"][column] = rules.own_nulls;
    if (rules.null_quoted) json["null-quoted"].push_back(column);
    if (rules.trim != tuple::Trim::none) json["trim"] = name_of(rules.trim);
    if (rules.decimal) {
      json["decimal"] = std::string(1, rules.decimal->decimal);
      if (!rules.decimal->thousands.empty()) json["thousands"] = rules.decimal->thousands;
    }
    if (rules.boolean)
      json["booleans"] = nlohmann::json::array({rules.boolean->trues, rules.boolean->falses});
    if (rules.date) json["date-format"][column] = rules.date->format;
  }
  for (const tuple::AddedValue& added : encoder.rules.added) json["add"][added.column] = added.wish;
}

}  // namespace

const std::vector<std::string>* source_names(const RowOptions& o, const chunk::Preamble& preamble) {
  if (!o.columns.empty()) return &o.columns;
  return o.header == HeaderMode::match && preamble.header ? &*preamble.header : nullptr;
}

std::string canonical_encoding(const std::string& name) {
  if (name.empty() || name == "auto") return "utf8";
  const auto known = source::encoding_named(name);
  std::string plain;
  for (const char c : known ? known->name : name) {
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      plain += c;
    }
  }
  return plain;
}

bool decides_rows(const std::string& setting) {
  static constexpr std::array<std::string_view, 16> others{"application_name",
                                                           "client_connection_check_interval",
                                                           "client_min_messages",
                                                           "commit_delay",
                                                           "commit_siblings",
                                                           "deadlock_timeout",
                                                           "lock_timeout",
                                                           "maintenance_work_mem",
                                                           "max_parallel_maintenance_workers",
                                                           "statement_timeout",
                                                           "synchronous_commit",
                                                           "tcp_user_timeout",
                                                           "temp_buffers",
                                                           "temp_file_limit",
                                                           "wal_compression",
                                                           "work_mem"};
  static constexpr std::array<std::string_view, 5> families{
      "auto_explain.", "idle_", "log_", "pg_stat_statements.", "tcp_keepalives_"};
  return std::ranges::find(others, setting) == others.end() &&
         std::ranges::none_of(families,
                              [&](std::string_view family) { return setting.starts_with(family); });
}

std::string meaning_of(const RowOptions& o, const chunk::Preamble& preamble,
                       const tuple::Mapping& mapping, const tuple::EncoderPlan& encoder,
                       const writer::Target& target, const tuple::Table& fed_table,
                       const Strategy& strategy) {
  const tuple::Table& table = fed_table;
  nlohmann::json json;
  add_dialect(json, o, preamble);
  json["fields"] = fields_of(mapping, table);
  if (auto names = left_out_of(o, preamble, mapping); !names.empty())
    json[left_out_key] = std::move(names);
  add_values(json, encoder);
  json["begins"] = {preamble.start.byte_offset, preamble.start.line, preamble.start.record};
  if (o.limit) json["limit"] = *o.limit;
  const char* const usual = std::getenv("PGCLIENTENCODING");
  const std::string encoding = canonical_encoding(!o.encoding.empty() ? o.encoding
                                                  : usual == nullptr  ? ""
                                                                      : usual);
  if (encoding != "utf8") json["encoding"] = encoding;
  for (const auto& [name, value] : o.settings)
    if (decides_rows(name)) json["set"][name] = value;
  if (o.record_policy.drops_surplus_blanks()) json["ragged"] = name_of(o.record_policy.ragged);
  if (o.skip_footer > 0) json["skip-footer"] = o.skip_footer;
  if (o.record_lines_max > 0) json["max-record-lines"] = o.record_lines_max;
  if (o.record_policy.blank_lines != tuple::BlankLines::record)
    json["blank-lines"] = name_of(o.record_policy.blank_lines);
  if (!o.where.empty()) json["where"] = o.where;
  if (!o.select.empty()) json["select"] = o.select;
  add_conflict(json, strategy.merge);
  if (o.atomic) json["atomic"] = true;
  if (!o.replace.empty()) json["replace"] = o.replace;
  if (o.delete_missing) json["delete-missing"] = true;
  if (o.after_sql) json["after-sql"] = o.after_sql->checksum;
  if (target.has_row_security) {
    json["role"] = target.role;
    // Policies read settings of their own.
    if (!target.startup_options.empty()) json["PGOPTIONS"] = target.startup_options;
  }
  tuple::Mapping fed = mapping;
  for (const tuple::AddedValue& added : encoder.rules.added)
    fed.targets.push_back(table.find(added.column));
  // What the user's SQL asks of a setting is not known.
  const bool has_sql = !o.where.empty() || !o.select.empty();
  const auto reading = has_sql ? target.reading : settings_that_read(fed, table, target.reading);
  if (!reading.empty()) json["reading"] = reading;
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string with_words(const std::string& meaning, const tuple::LoadWords& words) {
  auto json = nlohmann::json::parse(meaning);
  json["words"] = {{"file", words.file}, {"path", words.path}, {"now", words.now}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<tuple::LoadWords> words_of(const std::string& meaning) {
  const auto json = nlohmann::json::parse(meaning, nullptr, false);
  if (!json.is_object() || !json.contains("words") || !json["words"].is_object())
    return std::nullopt;
  const auto& words = json["words"];
  return tuple::LoadWords{.file = words.value("file", ""),
                          .path = words.value("path", ""),
                          .now = words.value("now", "")};
}

std::string with_mark(const std::string& meaning, const std::string& mark) {
  auto json = nlohmann::json::parse(meaning);
  json[mark_key] = nlohmann::json::parse(mark);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Position> beginning_of(const std::string& meaning) {
  const auto json = nlohmann::json::parse(meaning, nullptr, false);
  if (!json.is_object() || !json.contains("begins")) return std::nullopt;
  const auto place = json["begins"].get<std::vector<std::uint64_t>>();
  if (place.size() != 3) return std::nullopt;
  return Position{place[0], place[1], place[2]};
}

std::string with_truncation(const std::string& meaning) {
  auto json = nlohmann::json::parse(meaning);
  json["truncate"] = true;
  return json.dump();
}

std::string with_beginning(const std::string& meaning, const Position& place) {
  auto json = nlohmann::json::parse(meaning);
  json["begins"] = {place.byte_offset, place.line, place.record};
  return json.dump();
}

}  // namespace sluice::plan
