#include "load/staging.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "async/offload.hpp"
#include "base/columns.hpp"
#include "ledger/stages.hpp"
#include "load/find_record.hpp"
#include "load/finishing.hpp"
#include "load/make_room.hpp"
#include "pg/batch.hpp"
#include "rejects/salvage.hpp"
#include "writer/rule_counts.hpp"

namespace sluice::load {
namespace {

/// One publication, over all its attempts.
struct Publication {
  Resources on;
  const plan::Plan& plan;
  Ending ending;
  MakeRoom room;
  ledger::Finish end;
  tuple::KnownRefusals refused;
  std::vector<std::string> notes;

  /// For people.
  std::vector<std::string> all_notes() const {
    std::vector<std::string> all = room.notes();
    std::ranges::copy(notes, std::back_inserter(all));
    return all;
  }
  const Sql& staging() const { return plan.strategy.stage; }
  bool is_upsert() const { return plan.strategy.merge.on_conflict != writer::OnConflict::error; }
};

std::uint64_t count_of(const pg::Result& row) { return row.count(0, 0); }

/// Throws Failure that names two records with the same key.
asio::awaitable<void> require_distinct_keys(Publication& p, pg::Connection& on) {
  const writer::Merge& merge = p.plan.strategy.merge;
  static constexpr auto repeated =
      columns_of({{"first", "first"}, {"record", "record"}, {"key", "key"}});
  const Sql names = sql_list(merge.key, identifier);
  const Identifier record = identifier(merge.record_column);
  Sql condition;
  if (!merge.nulls_are_equal)
    condition = sql(" where pg_catalog.num_nulls({}) operator(pg_catalog.=) 0", names);
  // Equal as the index sees it: the window's order says how.
  const Sql ask = sql(
      "select {} from (select {} as record, pg_catalog.min({}) over of_key as first, "
      "pg_catalog.row_number() over of_key as nth, pg_catalog.concat_ws(',', {}) as key from {}{} "
      "window of_key as (partition by {} order by {}, {})) numbered where nth "
      "operator(pg_catalog.=) 2 order by 1 limit 1",
      repeated.list(), record, record, names, p.staging(), condition, writer::distinct_key(merge),
      writer::order_of_key(merge), record);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return;
  throw Failure(
      FailureKind::bad_record,
      fmt::format("{}: records {} and {} have the same key ({}) = ({})", p.plan.source->name(),
                  row.integer(0, repeated["first"]), row.integer(0, repeated["record"]),
                  fmt::join(merge.key, ","), row.text(0, repeated["key"])),
      "Nothing was published (see --dedupe).");
}

Sql forget_chunks_statement(LoadId load) {
  return sql("delete from pgsluice.chunks where load_id = {}", load.value);
}

/// Rows are lost with a crash of the server, and their chunks are forgotten then.
asio::awaitable<void> forget_chunks(pg::Connection& on, const Sql& stage, LoadId load) {
  const Sql forget = sql("begin; truncate {}; {}; commit", stage, forget_chunks_statement(load));
  co_await on.query(forget);
}

enum class Moved {
  all,
  not_all,  ///< some rows are not in the stage
  not_so,   ///< not in this order: see MakeRoom
};

/// Moves the rows.
asio::awaitable<Moved> move_rows(Publication& p, pg::Connection& on, RowCounts& counts) {
  const writer::Merge& merge = p.plan.strategy.merge;
  const std::uint64_t staged = p.end.totals.counts.rows_stored;
  if (p.is_upsert()) {
    const Sql count = sql("select count(*) from {}", p.staging());
    const auto results = co_await on.query(count);
    if (count_of(results.front()) != staged) co_return Moved::not_all;
    if (merge.dedupe == writer::Dedupe::error) co_await require_distinct_keys(p, on);
  }
  const Sql own_path = pg::own_path;
  if (p.room.is_needed()) {
    co_await on.query(p.plan.target.user_path_sql);
    const bool is_so = co_await p.room.before_rows(on, p.end.totals.rows_rejected);
    if (!is_so) co_return Moved::not_so;
    co_await on.query(own_path);
  }
  Sql merge_all = p.is_upsert() ? writer::merge_preparation() : Sql();
  if (p.plan.options.truncate) {
    merge_all += ledger::empties_table_statement(p.ending.entry, p.ending.load);
    merge_all += plan::truncate_statement(p.plan);
  }
  merge_all += p.plan.target.user_path_sql;
  merge_all += writer::merge_statement(p.plan.target.table, p.plan.fed_columns(), merge,
                                       {p.staging(), p.is_upsert()});
  std::optional<std::uint64_t> rows_before;
  if (p.plan.target.table.has_insert_rule)
    rows_before = co_await writer::rows_inserted(on, p.plan.target.table);
  const auto results = co_await on.query(merge_all);
  counts = writer::read_merged(merge, results.back(), staged);
  if (rows_before) {
    const auto rows_behind = co_await writer::rows_inserted(on, p.plan.target.table);
    counts.rows_stored = std::min(*rows_behind - *rows_before, staged);
    counts.rows_skipped = staged - counts.rows_stored;
  }
  // Fewer may be meant only where a trigger drops rows or a rule sends them elsewhere.
  const tuple::Table& table = p.plan.target.table;
  if (p.is_upsert() || counts.rows_stored == staged) co_return Moved::all;
  if (!table.has_row_trigger && !table.has_insert_rule && table.kind != 'v')
    co_return Moved::not_all;
  const Sql count = sql("{}select count(*) from {}", pg::own_path, p.staging());
  const auto staged_rows = co_await on.query(count);
  co_return count_of(staged_rows.back()) == staged ? Moved::all : Moved::not_all;
}

Sql finish_statements(const Publication& p, const RowCounts& counts) {
  const Sql load = sql("{}", p.ending.load.value);
  const Sql mark = p.plan.target.table.is_unlogged ? ledger::mark_statement(load) : Sql();
  return sql(
      "{}{}update pgsluice.loads l set rows_stored = {}, rows_updated = {}, rows_unchanged = {}, "
      "rows_skipped = rows_skipped + {}, rows_deleted = {}, {} where load_id = {}; drop table {}; "
      "{}",
      pg::own_path, mark, counts.rows_stored, counts.rows_updated, counts.rows_unchanged,
      counts.rows_skipped, p.end.totals.rows_deleted, ledger::writes_last, load, p.staging(),
      p.plan.target.user_path_sql);
}

/// Begins the transaction, with the target locked and proved to be the planned one. The row's lock
/// waits for an attempt that is still deciding, and then tells what became of it.
asio::awaitable<pg::Results> begin(Publication& p, pg::Connection& on) {
  const writer::Target& target = p.plan.target;
  const writer::Guard guard(target, target.table, p.plan.fed_columns());
  const SqlWords isolation = p.plan.options.deletes()
                                 ? SqlWords("begin isolation level read committed; ")
                                 : SqlWords("begin; ");
  const Sql ask =
      sql("{}{}{}{}select state from pgsluice.loads where load_id = {} for update", isolation,
          target.settings_sql, p.room.turn_statement(), guard.statements(), p.ending.load.value);
  std::optional<pg::PgError> refused;
  try {
    co_return co_await on.query(ask);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::division_by_zero)) throw;
    refused = error;
  }
  co_await on.query("rollback");
  const std::string what = co_await guard.what_changed(on);
  throw writer::NotAsPlanned(what, "Nothing was published; the same command goes on.");
}

asio::awaitable<void> publish_in(Publication& p, pg::Connection& on) {
  on.wait_for_ever();  // a publication may be silent for hours
  const auto begun = co_await begin(p, on);
  const pg::Result& row = begun.back();
  if (row.rows() == 0 || row.text(0, 0) == "void") {
    throw Failure(
        FailureKind::failed,
        fmt::format("load {} was given up by another run meanwhile: nothing was published",
                    p.ending.load.value));
  }
  if (row.text(0, 0) == "finished") {
    co_await on.query("rollback");
    p.end = {p.ending.load, true, false, (co_await ledger::show_load(on, p.ending.load))->totals};
    co_return;
  }
  const Sql finish = finish_statement(p.ending);
  const auto finished = co_await on.query(finish);
  p.end = ledger::read_finish(finished.back(), p.ending.read);
  if (!p.end.finished) {
    co_await on.query("rollback");
    co_return;
  }
  RowCounts counts;
  const Moved moved = co_await move_rows(p, on, counts);
  if (moved != Moved::all) co_await on.query("rollback");
  if (moved == Moved::not_so) {
    co_await publish_in(p, on);
    co_return;
  }
  if (moved == Moved::not_all) {
    co_await forget_chunks(on, p.staging(), p.ending.load);
    p.end = {p.ending.load, false, false, {}};
    co_return;
  }
  if (p.room.is_needed()) {
    co_await on.query(p.plan.target.user_path_sql);
    co_await p.room.behind_rows(on, counts);
    p.end.totals.rows_deleted = p.room.deleted();
  }
  Sql end = finish_statements(p, counts);
  if (ends_with_more(p.plan.options)) {
    co_await on.query(end);
    co_await end_with_more(p.plan, on, "nothing is published", p.notes);
  } else {
    end += SqlWords("commit");
    co_await on.query(end);
  }
  // What was left out on the way into the stage.
  counts.rows_skipped += p.end.totals.counts.rows_skipped;
  counts.rows_filtered = p.end.totals.counts.rows_filtered;
  p.end.totals.counts = counts;
}

/// The records that the target refuses, as a record-by-record publication finds them; what that
/// stores is rolled back. The connection is in no transaction before and behind it.
asio::awaitable<tuple::KnownRefusals> find_refused(Publication& p, pg::Connection& on,
                                                   std::size_t count_max) {
  Sql find = sql("begin; {}", p.plan.target.settings_sql);
  if (p.is_upsert()) find += writer::merge_preparation() + writer::counter_reset();
  if (p.plan.options.truncate) find += sql("truncate {}; ", p.plan.target.table.sql_name());
  find += p.plan.target.user_path_sql;
  if (p.room.is_needed()) {
    co_await on.query(find);
    co_await p.room.for_trial(on);
    find = Sql();
  }
  find += writer::find_refused_statement(p.plan.target.table, p.plan.fed_columns(),
                                         p.plan.strategy.merge, p.staging(), count_max);
  const auto results = co_await on.query(find);
  co_await on.query("rollback");
  const pg::Result& rows = results.back();
  tuple::KnownRefusals refused;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    std::string message(rows.text(row, 3));
    const std::string_view detail = rows.text_or(row, 4, "");
    if (!detail.empty()) message.append(" (").append(detail).append(")");
    tuple::KnownRefusal refusal{std::string(rows.text(row, 1)),
                                std::string(rows.text_or(row, 2, "")), std::move(message)};
    refused.emplace(rows.count(row, 0), std::move(refusal));
  }
  co_return refused;
}

/// Throws BadRecord.
asio::awaitable<void> name_refused(Publication& p, std::uint64_t record,
                                   tuple::KnownRefusal refusal) {
  const auto find = [&p, record] { return find_record(p.plan, record); };
  auto found = co_await async::offload(p.on.reader, find);
  tuple::Reject reject = found.value_or(tuple::Reject{});
  if (!found) reject.position = {0, 0, record};
  reject.sql_state = refusal.sql_state;
  reject.constraint = refusal.constraint;
  reject.message = refusal.message;
  const std::string& source = p.plan.source->name();
  const std::string text = reject.position.line > 0
                               ? rejects::text_of(source, reject)
                               : fmt::format("{}: record {}: {}", source, record, reject.message);
  throw BadRecord(FailureKind::bad_record, source, std::move(reject),
                  fmt::format("{}\n  record {}, SQLSTATE {}: nothing was published", text, record,
                              refusal.sql_state));
}

/// Takes the chunks of these records back, out of the stage and the ledger: they are sent again
/// without them.
asio::awaitable<void> take_back_chunks(Publication& p, pg::Connection& on) {
  const Sql records =
      sql_list(p.refused, [](const auto& refused) { return sql("{}", refused.first); });
  const Identifier column = identifier(p.plan.strategy.merge.record_column);
  const Sql take_back = sql(
      "begin; with gone as (delete from pgsluice.chunks c where c.load_id = {} and exists (select "
      "from unnest(array[{}]::bigint[]) r where r >= c.first_record and r < c.first_record + "
      "c.records_read) returning c.first_record, c.records_read) delete from {} s using gone g "
      "where s.{} >= g.first_record and s.{} < g.first_record + g.records_read; commit",
      p.ending.load.value, records, p.staging(), column, column);
  co_await on.query(take_back);
}

/// What the target refuses: rejects, where there is a budget and the source can be read again;
/// else the first of them ends the load. Throws the error itself where it is no record's.
asio::awaitable<void> blame_records(Publication& p, pg::Connection& on, pg::PgError error) {
  if (on.in_transaction()) co_await on.query("rollback");
  const bool may_reject = p.plan.options.rejects.allow_any() && p.plan.source->rewind();
  tuple::KnownRefusals refused =
      co_await find_refused(p, on, may_reject ? limits::publication_refusals_max : 1);
  if (refused.empty()) throw pg::PgError(error);
  if (!may_reject) {
    const std::uint64_t record = refused.begin()->first;
    tuple::KnownRefusal refusal = std::move(refused.begin()->second);
    co_await name_refused(p, record, std::move(refusal));
  }
  p.refused = std::move(refused);
  p.end = {p.ending.load, false, false, {}};
  co_await take_back_chunks(p, on);
}

asio::awaitable<void> publish_once(Publication& p) {
  pg::Lease lease = co_await p.on.pool.acquire();
  std::optional<pg::PgError> refused;
  try {
    co_await publish_in(p, *lease);
  } catch (const pg::PgError& error) {
    if (error.nature() != ErrorNature::data) throw;
    refused = error;
  }
  if (refused) co_await blame_records(p, *lease, *refused);
}

/// NOT NULL and CHECK are judged while the rows come, so that a bad record is a reject as always;
/// but not where a trigger may mend the record first.
bool is_judged_early(const plan::Plan& plan) { return !plan.target.table.has_row_trigger; }

Sql create_statement(const plan::Plan& plan) {
  return sql("create unlogged table {} (like {}{}) with (autovacuum_enabled = false)",
             plan.strategy.stage, plan.target.table.sql_name(),
             is_judged_early(plan) ? SqlWords(" including constraints") : SqlWords(""));
}

/// Leaves the columns that are fed, and the records' numbers. May be empty.
Sql fit_statement(const plan::Plan& plan) {
  const std::vector<std::string> columns = plan.fed_columns();
  std::vector<Sql> changes;
  for (const tuple::Column& column : plan.target.table.columns) {
    const Identifier name = identifier(column.name);
    if (std::ranges::find(columns, column.name) == columns.end()) {
      changes.push_back(sql("drop column if exists {}", name));
    } else if (!is_judged_early(plan) && column.not_null) {
      changes.push_back(sql("alter column {} drop not null", name));
    }
  }
  if (plan.encoder.number_records) {
    changes.push_back(
        sql("add column if not exists {} bigint", identifier(plan.strategy.merge.record_column)));
  }
  if (changes.empty()) return {};
  return sql("alter table {} {}", plan.strategy.stage, joined(changes, ", "));
}

/// Sets the name of the stage. False where it is to be made.
asio::awaitable<bool> find_stage(pg::Connection& on, plan::Plan& plan, LoadId load) {
  static constexpr auto stages = columns_of({{"own", "{}"}, {"free", "{}"}});
  const Sql ask =
      sql("select {}", stages.list(ledger::own_stage(load), ledger::free_stage_name(load)));
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  const bool is_found = !row.is_null(0, stages["own"]);
  // The server has quoted it, from its catalogs.
  plan.strategy.stage =
      Sql::trusted(std::string(row.text(0, is_found ? stages["own"] : stages["free"])));
  co_return is_found;
}

}  // namespace

asio::awaitable<std::string> prepare_staging(pg::Connection& on, plan::Plan& plan, LoadId load) {
  static constexpr auto found = columns_of({{"is_as_planned", "{}"}, {"is_whole", "{}"}});
  const Sql settings =
      sql("begin; set local client_min_messages = warning; {}", plan.target.settings_sql);
  const bool is_found = co_await find_stage(on, plan, load);
  const Sql& stage = plan.strategy.stage;
  const Sql fit = fit_statement(plan);
  // Triggers of whoever made it would run as us.
  const writer::Target target = plan::staging_target(plan.target, plan.strategy, plan.encoder);
  std::vector<std::string> staged = plan.fed_columns();
  if (plan.encoder.number_records) staged.push_back(plan.strategy.merge.record_column);
  const writer::Guard guard(target, target.table, staged);
  const Sql is_whole =
      sql("(select count(*) from {}) = (select coalesce(sum(rows_stored), 0) from pgsluice.chunks "
          "where load_id = {})",
          stage, load.value);
  pg::Batch batch(sql("{}{}", settings, ledger::drop_stale_stages_statement()));
  if (!is_found) batch.add(create_statement(plan));
  if (!fit.empty()) batch.add(fit);
  const auto look = batch.add(sql("select {}", found.list(guard.condition(), is_whole)));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  const pg::Result& row = batch.answer(results, look);
  const bool is_as_planned = row.boolean(0, found["is_as_planned"]);
  if (is_as_planned && row.boolean(0, found["is_whole"])) co_return std::string();
  if (is_as_planned) {
    co_await forget_chunks(on, stage, load);
    if (is_found)
      co_return "the staging table is empty: the server crashed, or somebody emptied it";
    co_return "the staging table is not there, or is another user's, who began the load";
  }
  // The target was altered since it was made.
  pg::Batch again(sql("{}drop table {}; ", settings, stage));
  again.add(forget_chunks_statement(load));
  again.add(create_statement(plan));
  if (!fit.empty()) again.add(fit);
  again.add(sql("commit"));
  co_await on.query(again.text());
  co_return plan.target.table.full_name() + " was altered since the load began";
}

asio::awaitable<Published> publish(Resources on, const plan::Plan& plan, const RetryPolicy& policy,
                                   Ending ending) {
  Publication publication{on, plan, ending, MakeRoom(plan), {}, {}, {}};
  const auto attempt = [&publication] { return publish_once(publication); };
  const auto decide = [&policy](const std::exception_ptr& failure, std::size_t tries,
                                std::chrono::milliseconds elapsed) {
    return policy.next(failure, tries, elapsed);
  };
  co_await async::retry(attempt, decide);
  co_return Published{std::move(publication.end), std::move(publication.refused),
                      publication.all_notes()};
}

}  // namespace sluice::load
