#include "plan/strategy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "ledger/loads.hpp"
#include "plan/wrong_usage.hpp"
#include "writer/insert_writer.hpp"

namespace sluice::plan {
namespace {

using writer::Dedupe;
using writer::OnConflict;
using writer::UniqueKey;

bool is_in(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::find(list, name) != list.end();
}

/// The table's names for columns that the user may have written in another case.
std::vector<std::string> named(const tuple::Table& table, const std::vector<std::string>& columns,
                               const char* flag) {
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    const auto found = table.find(column);
    if (!found)
      throw wrong_usage(
          fmt::format("{} {}: {} has no such column", flag, column, table.full_name()));
    names.push_back(table.columns[*found].name);
  }
  return names;
}

std::string keys_text(const std::vector<UniqueKey>& keys) {
  std::string text;
  for (const UniqueKey& key : keys)
    text += fmt::format("{}{}", text.empty() ? "" : ", or ", fmt::join(key.columns, ","));
  return text;
}

const UniqueKey* find_key(const std::vector<UniqueKey>& keys,
                          const std::vector<std::string>& columns) {
  const std::set<std::string> wanted(columns.begin(), columns.end());
  for (const UniqueKey& key : keys)
    if (std::set<std::string>(key.columns.begin(), key.columns.end()) == wanted) return &key;
  return nullptr;
}

const UniqueKey& choose_key(const LoadOptions& o, const tuple::Table& table,
                            const std::vector<UniqueKey>& keys) {
  const std::string name = table.full_name();
  if (keys.empty()) {
    throw wrong_usage(name +
                      " has no primary key and no unique index that --on-conflict could go by (one "
                      "without expressions or a condition, and not deferrable)");
  }
  if (o.key.empty()) {
    if (keys.front().is_primary) return keys.front();
    throw wrong_usage(
        fmt::format("{} has no primary key: say which key tells that a record is in the "
                    "table already: --key {}",
                    name, keys_text(keys)));
  }
  if (const UniqueKey* key = find_key(keys, named(table, o.key, "--key"))) return *key;
  throw wrong_usage(
      fmt::format("--key {}: {} has no unique index on just these columns; it has one on {}",
                  fmt::join(o.key, ","), name, keys_text(keys)));
}

std::vector<std::string> columns_to_update(const LoadOptions& o, const tuple::Table& table,
                                           const std::vector<std::string>& columns,
                                           const std::vector<std::string>& key) {
  std::vector<std::string> updated;
  for (const std::string& name : columns)
    if (!is_in(key, name)) updated.push_back(name);
  if (!o.update_columns.empty()) {
    updated = named(table, o.update_columns, "--update-columns");
    for (const std::string& name : updated) {
      if (!is_in(columns, name))
        throw wrong_usage(
            fmt::format("--update-columns {}: the file does not feed this column", name));
    }
  }
  if (updated.empty()) {
    throw wrong_usage(
        "--on-conflict update has nothing to update, as the file has no column but the key: "
        "--on-conflict nothing does the same");
  }
  return updated;
}

tuple::KeyForm form_of(const tuple::Type& type, const UniqueKey& key, std::size_t column) {
  return key.compares_bytes[column] && !key.is_ambiguous ? tuple::key_form_of(type, true)
                                                         : tuple::KeyForm::unknown;
}

/// Whether equal values of a key's column may be stored in different ways.
bool has_spellings(const tuple::Table& table, const UniqueKey& key, std::size_t column) {
  const tuple::Type& type = table.columns[*table.find(key.columns[column])].base_type;
  switch (form_of(type, key, column)) {
    case tuple::KeyForm::bytes: return false;
    // Spaces at the end of a char without a length are kept, and count for nothing.
    case tuple::KeyForm::trimmed: return type.id == tuple::oid::bpchar && type.modifier < 0;
    default: return true;
  }
}

/// What else the table does with records: see writer::Merge.
void plan_order(writer::Merge& merge, const tuple::Table& table,
                const std::vector<std::string>& columns, const UniqueKey& key) {
  const auto is_fed = [&columns](const std::string& name) { return is_in(columns, name); };
  merge.one_by_one = key.table_has_row_triggers || key.is_ambiguous;
  merge.in_file_order = merge.one_by_one || key.others_are_unknown ||
                        std::ranges::any_of(key.columns_of_others, is_fed);
  merge.judges_rows = key.table_judges_rows;
  for (const tuple::Column& column : table.columns) {
    // A key with a NULL is nobody's equal: its record goes into the table.
    const bool goes_anyway = is_in(key.columns, column.name) && !key.nulls_are_equal;
    if (column.not_null && is_fed(column.name) && !goes_anyway)
      merge.not_null.push_back(column.name);
  }
}

writer::Merge plan_merge(const LoadOptions& o, const tuple::Table& table,
                         const std::vector<std::string>& columns,
                         const std::vector<UniqueKey>& keys) {
  writer::Merge merge;
  merge.on_conflict = o.on_conflict;
  merge.record_column = writer::free_column_name(table);
  merge.dedupe =
      o.dedupe.value_or(o.on_conflict == OnConflict::update ? Dedupe::last : Dedupe::first);
  merge.in_file_order = table.has_row_trigger;
  if (o.on_conflict == OnConflict::error) return merge;
  if (table.kind != 'r' && table.kind != 'p')
    throw wrong_usage(table.full_name() + " is not a table: --on-conflict needs one");
  if (table.has_insert_rule)
    throw wrong_usage(table.full_name() +
                      " has rules for INSERT, with which there is no --on-conflict");
  const UniqueKey& key = choose_key(o, table, keys);
  if (key.table_has_update_rule)
    throw wrong_usage(table.full_name() +
                      " has rules for UPDATE, with which there is no --on-conflict");
  for (const std::string& column : key.columns) {
    if (!is_in(columns, column)) {
      throw wrong_usage(
          fmt::format("--on-conflict goes by the key {}, and the file does not feed \"{}\"",
                      fmt::join(key.columns, ","), column));
    }
  }
  merge.key = key.columns;
  merge.compared = key.compared;
  merge.operators = key.operators;
  merge.equalities = key.equalities;
  merge.nulls_are_equal = key.nulls_are_equal;
  merge.only_if_changed = o.update_if_changed || o.delete_missing;
  plan_order(merge, table, columns, key);
  if (o.on_conflict != OnConflict::update) return merge;
  merge.update_columns = columns_to_update(o, table, columns, key.columns);
  // 1.5 and 1.50 are one key: the row gets the spelling of the record that counts.
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    if (!is_in(merge.update_columns, key.columns[i]) && has_spellings(table, key, i))
      merge.update_columns.push_back(key.columns[i]);
  }
  return merge;
}

/// Why the table wants INSERT; empty where COPY will do.
std::string reason_for_insert(const tuple::Table& table) {
  if (table.row_security) return "has row-level security, under which PostgreSQL refuses COPY";
  if (table.has_insert_rule) return "has rules for INSERT, which COPY would pass by";
  // COPY takes a view with a trigger, and counts also what the trigger does not store.
  if (table.kind == 'v') return "is a view";
  return {};
}

/// Which of several records counts can be told while they come only where the table's row gives
/// way to each, or to none; else all of them must be there.
bool needs_whole_source(const writer::Merge& merge) {
  if (merge.on_conflict == OnConflict::error) return false;
  return !merge.takes_all_in_turn();
}

tuple::KeyPlan plan_key(const writer::Merge& merge, const tuple::EncoderPlan& encoder,
                        const tuple::Table& table, const std::vector<UniqueKey>& keys) {
  tuple::KeyPlan plan;
  plan.nulls_are_equal = merge.nulls_are_equal;
  plan.anything_goes = merge.in_file_order;
  const UniqueKey& key = *find_key(keys, merge.key);
  const std::vector<std::string> names = encoder.column_names();
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    tuple::KeyField field;
    const auto at = std::ranges::find(names, key.columns[i]);
    field.field = static_cast<std::size_t>(at - names.begin());
    const tuple::Type& type = table.columns[*table.find(key.columns[i])].base_type;
    field.form = form_of(type, key, i);
    if (field.form == tuple::KeyForm::bytes) field.order = tuple::key_order_form_of(type);
    field.growth = tuple::growth_of(type);
    if (type.id == tuple::oid::numeric && type.modifier >= 0) {
      field.scale = tuple::doubt_of(type).scale;
      if (field.scale < 0) field.form = tuple::KeyForm::unknown;
    }
    for (const tuple::EncodedField& encoded : encoder.fields)
      if (!encoded.ignored && encoded.column == key.columns[i]) field.encode = encoded.encode;
    plan.fields.push_back(field);
  }
  return plan;
}

}  // namespace

std::string Strategy::name(bool has_fast_lane) const {
  const std::string copy = selects         ? "pipelined INSERT of what --select says"
                           : has_fast_lane ? "COPY binary"
                                           : "COPY text";
  if (in_one) return copy + ", all of it in one transaction";
  if (prepared) return copy + ", in prepared transactions";
  if (staged) {
    return copy + " into a staging table, published in one transaction" +
           (why_stage.empty() ? "" : " (" + why_stage + ")");
  }
  switch (kind) {
    case Kind::copy: return copy;
    case Kind::insert: return selects ? copy : "pipelined INSERT";
    case Kind::merge: {
      const bool is_upsert = merge.on_conflict != OnConflict::error;
      return copy +
             (is_upsert ? ", then INSERT ... ON CONFLICT" : " into a temporary table, then INSERT");
    }
  }
  return {};
}

/// The flag for which rows wait in a staging table.
const char* flag_of_all_or_nothing(const LoadOptions& o) {
  if (o.atomic) return "--atomic";
  return o.delete_missing ? "--delete-missing" : "--replace";
}

/// A temporary table has the columns that are fed, a staging table all, and both the number of the
/// record.
void require_room_for_number(const Strategy& s, const LoadOptions& o, const tuple::Table& table,
                             const std::vector<std::string>& columns) {
  static constexpr std::size_t columns_max = 1600;  // MaxHeapAttributeNumber
  const bool is_upsert = s.merge.on_conflict != OnConflict::error;
  const bool is_merged = s.kind == Strategy::Kind::merge;
  const std::size_t count = s.staged ? table.columns.size() : columns.size();
  if ((!s.staged && !is_merged) || count < columns_max) return;
  const char* const flag = o.is_all_or_nothing() ? flag_of_all_or_nothing(o)
                           : s.staged            ? "--dedupe"
                           : is_upsert           ? "--on-conflict"
                                                 : "--where";
  throw wrong_usage(
      fmt::format("{}: {} has {} columns, and the table in which its records wait needs one "
                  "more, for their numbers, which no table can have",
                  flag, table.full_name(), count),
      fmt::format("Load without {}.", flag));
}

/// A condition is COPY's where COPY goes into the table and leaves nothing else out; elsewhere the
/// records wait in a temporary table for it, as the table would have them. One of --select is that
/// of its INSERT, where that leaves nothing else out.
void fit_kind_to_condition(Strategy& s, const tuple::Table& table) {
  const bool leaves_out = table.has_row_trigger || table.kind == 'v';
  const bool is_copied = s.kind == Strategy::Kind::copy;
  if (is_copied && leaves_out && table.has_insert_rule) {
    throw wrong_usage(
        "--writer copy: " + table.full_name() +
        " has triggers that may drop rows, and rules for INSERT: which rows --where leaves "
        "out could not be counted; leave out --writer");
  }
  if (is_copied ? leaves_out : !s.selects || leaves_out || table.has_insert_rule)
    s.kind = Strategy::Kind::merge;
}

/// How the chunks go into the target.
void choose_kind(Strategy& s, const LoadOptions& o, const tuple::Table& table) {
  const std::string reason = reason_for_insert(table);
  if (o.on_conflict != OnConflict::error) {
    if (o.writer != WriterChoice::automatic) {
      throw wrong_usage(
          "--on-conflict chooses its writer itself (COPY into a temporary table, then INSERT ... "
          "ON "
          "CONFLICT): leave out --writer");
    }
    s.kind = Strategy::Kind::merge;
    return;
  }
  if (o.writer == WriterChoice::insert) {
    s.kind = Strategy::Kind::insert;
  } else if (o.writer == WriterChoice::automatic && !reason.empty()) {
    s.kind = Strategy::Kind::insert;
    s.notes.push_back(
        fmt::format("{} {}: its rows go in by INSERT (see --writer)", table.full_name(), reason));
  } else if (o.writer == WriterChoice::copy && (table.row_security || table.kind == 'v') &&
             !reason.empty()) {
    throw wrong_usage(
        fmt::format("--writer copy: {} {}; leave out --writer", table.full_name(), reason));
  }
  if (s.selects) s.kind = Strategy::Kind::insert;
  if (s.filters) fit_kind_to_condition(s, table);
}

Strategy choose_strategy(const LoadOptions& o, const tuple::Table& table,
                         const std::vector<std::string>& columns,
                         const std::vector<UniqueKey>& keys) {
  Strategy s;
  s.filters = !o.where.empty();
  s.selects = !o.select.empty();
  s.merge = plan_merge(o, table, columns, keys);
  s.staged = o.is_all_or_nothing() && !o.check;
  if (needs_whole_source(s.merge) && !s.staged && !o.check) {
    s.staged = true;
    s.notes.emplace_back(
        "which record of a key counts is known when all are read: they wait in a staging table "
        "until then, and come into the table in one transaction");
  }
  if (s.staged && !o.use_ledger) {
    throw wrong_usage(
        fmt::format("a load that is all or nothing ({}) keeps its staging table in the ledger's "
                    "schema: leave out --no-ledger",
                    o.is_all_or_nothing() ? flag_of_all_or_nothing(o) : "--dedupe"));
  }
  if (s.staged && o.writer == WriterChoice::insert)
    throw wrong_usage(fmt::format("--writer insert and a staging table ({}) exclude each other",
                                  o.is_all_or_nothing() ? flag_of_all_or_nothing(o) : "--dedupe"));
  if (s.selects && o.writer == WriterChoice::copy)
    throw wrong_usage(
        "--writer copy and --select exclude each other: COPY takes values as they are");
  if (!s.staged) choose_kind(s, o, table);
  require_room_for_number(s, o, table, columns);
  return s;
}

namespace {

/// What makes it impossible, whoever asks for it.
std::string reason_against_one(const LoadOptions& o, const Strategy& s, const tuple::Table& table) {
  if (o.deletes() || s.merge.on_conflict != OnConflict::error)
    return "the table is changed by all of its records at once";
  if (s.selects) return "--select";
  if (o.writer == WriterChoice::insert) return "--writer insert";
  if (const std::string reason = reason_for_insert(table); !reason.empty())
    return table.full_name() + " " + reason;
  if (table.is_foreign) return table.full_name() + " is on another server";
  if (s.filters && table.has_row_trigger) return "--where, and triggers that may drop rows";
  if (o.defer_indexes) return "--defer-indexes";
  // What a load that fails has refused would be taken back with it.
  if (o.rejects_table && o.rejects.allow_any()) return "--rejects-table";
  return {};
}

/// ... by several connections.
std::string reason_against_prepared(const LoadOptions& o, const tuple::Table& table) {
  if (o.truncate) return "--truncate locks the table against all connections but one";
  if (o.after_sql || o.set_sequences)
    return "--after-sql and --set-sequences are parts of one transaction";
  if (o.joins()) return "--join";
  if (table.is_unlogged)
    return table.full_name() + " is unlogged: a crash would empty it, and keep what is prepared";
  if (table.persistence == 't') return table.full_name() + " is a temporary table";
  return {};
}

/// What makes it a bad choice: it locks for as long as the source takes, begins anew after each
/// mishap, and nothing of it is kept.
std::string reason_for_stage(const LoadOptions& o, const source::Source& source) {
  if (o.truncate) return "--truncate locks the table, so this is done at the end";
  if (o.bytes_per_second_max || o.rows_per_second_max) return "--max-rate makes it take long";
  const bool is_kept = source.comes_once() && source.told_length() &&
                       *source.told_length() <= limits::stream_kept_bytes;
  const auto length = is_kept ? source.told_length() : source.length();
  if (!length) return "the source cannot be read twice";
  if (*length > limits::one_transaction_bytes_max) {
    return fmt::format("more than {}: a run that is cut off is gone on with",
                       format_bytes(limits::one_transaction_bytes_max));
  }
  return {};
}

}  // namespace

void choose_way(Strategy& s, const LoadOptions& o, const tuple::Table& table,
                const source::Source& source) {
  if (!s.staged || !o.atomic) return;
  const bool is_to_be_prepared = o.atomic_way == AtomicWay::prepared;
  s.why_stage = reason_against_one(o, s, table);
  if (s.why_stage.empty() && is_to_be_prepared) s.why_stage = reason_against_prepared(o, table);
  if (!s.why_stage.empty() && (o.atomic_way == AtomicWay::transaction || is_to_be_prepared)) {
    const std::string_view way = name_of(o.atomic_way);
    throw wrong_usage(
        fmt::format("--atomic={}: not with this: {}", way, s.why_stage),
        fmt::format("Leave out ={}: how all of it comes at once is chosen then.", way));
  }
  if (o.atomic_way == AtomicWay::resumable) s.why_stage = "--atomic=resumable";
  if (s.why_stage.empty() && o.atomic_way == AtomicWay::automatic)
    s.why_stage = reason_for_stage(o, source);
  if (!s.why_stage.empty()) return;
  s.staged = false;
  s.in_one = !is_to_be_prepared;
  s.prepared = is_to_be_prepared;
  s.kind = Strategy::Kind::copy;
}

void stage_instead(Strategy& s, tuple::EncoderPlan& encoder, std::string why) {
  s.in_one = s.prepared = false;
  s.staged = true;
  s.why_stage = std::move(why);
  encoder.number_records = true;
}

void bring_rest(Strategy& s, tuple::EncoderPlan& encoder) {
  s.in_one = s.prepared = s.staged = false;
  s.kind = Strategy::Kind::copy;
  encoder.number_records = false;
}

void fit_encoder(tuple::EncoderPlan& encoder, const Strategy& strategy, const tuple::Table& table,
                 const std::vector<UniqueKey>& keys) {
  const bool is_upsert = strategy.merge.on_conflict != OnConflict::error;
  encoder.number_records = strategy.kind == Strategy::Kind::merge || strategy.staged;
  if (strategy.kind == Strategy::Kind::merge && is_upsert && !strategy.selects)
    encoder.key = plan_key(strategy.merge, encoder, table, keys);
  const bool is_inserted = strategy.kind == Strategy::Kind::insert || strategy.selects;
  if (!is_inserted) return;
  for (const std::string& name : encoder.column_names()) {
    if (!writer::InsertWriter::can_unnest(table.columns[*table.find(name)].base_type))
      encoder.fast_lane = false;
  }
}

writer::Target staging_target(const writer::Target& target, const Strategy& strategy,
                              const tuple::EncoderPlan& encoder) {
  writer::Target staging = target;
  tuple::Table& table = staging.table;
  table.id = 0;
  table.quoted_name = strategy.stage.text();
  table.name = table.quoted_name.substr(table.quoted_name.find('.') + 1);
  table.kind = 'r';
  table.persistence = 'u';
  table.has_row_trigger = false;
  table.may_have_rules = false;
  table.rules.clear();
  table.is_unlogged = false;  // what a crash takes from it is counted
  staging.can_lock = true;
  if (!encoder.number_records) return staging;
  tuple::Column number;
  number.name = strategy.merge.record_column;
  number.declared.id = tuple::oid::int8;
  table.columns.push_back(number);
  return staging;
}

}  // namespace sluice::plan
