#include "ledger/loads.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/columns.hpp"
#include "base/limits.hpp"
#include "ledger/alike.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/damaged.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/load_row.hpp"
#include "ledger/places.hpp"
#include "ledger/run_lock.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

Sql numbers_of(const std::vector<LoadId>& loads) {
  return sql_list(loads, [](LoadId load) { return load.value; });
}

LoadEntry read_whatever(const pg::Result& rows, std::size_t row) {
  try {
    return read_load(rows, row);
  } catch (const Damaged& damage) {
    return read_damaged(rows, row, damage);
  }
}

/// What a KnownLoad has beside a LoadEntry.
constexpr auto known_columns = columns_of({
    {"content_begin",
     "coalesce((select n.byte_offset from pgsluice.chunks n where n.load_id = l.load_id order by "
     "n.chunk limit 1), 0)"},
    {"content_end",
     "coalesce((select n.byte_offset::numeric + n.byte_count from pgsluice.chunks n where "
     "n.load_id = l.load_id order by n.chunk desc limit 1), 0)"},
    {"is_emptied",
     "l.marked and not exists (select from pgsluice.unlogged_marks m where m.load_id = l.load_id)"},
    {"part_gone", "l.part_gone"},
    {"changed_since", "{}"},
    {"has_others",
     "l.load_id <> any (array(select u.load_id from pgsluice.loads u where u.state <> 'void' "
     "and {} limit 2))"},
    {"of_other_table", "case when {} then l.target_oid <> {} else not {} end"},
});

KnownLoad read_known(const pg::Result& rows, std::size_t row) {
  KnownLoad load{read_load(rows, row)};
  static constexpr int first = entry_columns.size();
  const auto place = [&](int column) {
    return read_count(rows, row, first + column, load.id, "byte_offset of a chunk");
  };
  const auto is = [&](int column) { return rows.boolean(row, first + column); };
  load.content_begin = place(known_columns["content_begin"]);
  load.content_end = place(known_columns["content_end"]);
  load.is_emptied = is(known_columns["is_emptied"]);
  load.part_gone = is(known_columns["part_gone"]);
  load.changed_since = is(known_columns["changed_since"]);
  load.has_others = is(known_columns["has_others"]);
  load.of_other_table = is(known_columns["of_other_table"]);
  return load;
}

Sql condition_of(LoadsFilter::State state, const Sql& is_held) {
  using State = LoadsFilter::State;
  switch (state) {
    case State::any: break;
    case State::running: return sql("l.state = 'unfinished' and {}", is_held);
    case State::unfinished: return sql("l.state = 'unfinished' and not {}", is_held);
    case State::staged:
      return sql("l.staged and l.committing is null and l.state = 'unfinished' and not {}",
                 is_held);
    case State::finished: return sql("l.state = 'finished'");
    case State::undoing: return sql("l.state = 'undoing'");
    case State::given_up: return sql("l.state = 'void' and l.finished_at is null");
    case State::is_void: return sql("l.state = 'void' and l.finished_at is not null");
  }
  return sql("true");
}

/// Of loads as u: which went into the table. Two indexes serve it.
Sql have_target_of(const NewLoad& like) {
  const Sql here = is_here(sql("u"), like.origin);
  return sql("((u.target_oid = {} and {}) or (u.target = {} and not ({})))", like.target_oid, here,
             literal(like.target), here);
}

/// Of loads as u: whether it may have left the table otherwise than it was. One that was given up
/// has left what its chunks say.
constexpr SqlWords has_written =
    "case when u.finished_at is not null then u.rows_stored + u.rows_updated + u.rows_deleted > 0 "
    "and (u.state <> 'void' or u.rows_undone > 0) else not u.staged and exists (select from "
    "pgsluice.chunks c where c.load_id = u.load_id) end";

/// Of loads as l: whether a load of its content would find something to do again. An updating one
/// does where others have updated or deleted rows since; one that deletes also where they have
/// brought some.
Sql changed_since(const NewLoad& like) {
  if (!like.updates && !like.deletes) return sql("false");
  const SqlWords which =
      like.deletes ? SqlWords("") : SqlWords("(u.updates or u.rows_deleted > 0) and ");
  return sql(
      "exists (select from pgsluice.loads u where {}coalesce(u.last_write, u.load_id) > "
      "coalesce(l.last_write, l.load_id) and {} and {})",
      which, have_target_of(like), has_written);
}

Sql insert_mark(const Sql& load) {
  return sql("insert into pgsluice.unlogged_marks (load_id) values ({}) on conflict do nothing",
             load);
}

std::vector<std::uint64_t> read_short_lengths(const pg::Result& row, int column) {
  std::vector<std::uint64_t> lengths;
  std::string_view text = row.text_or(0, column, "");
  while (!text.empty()) {
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (error != std::errc() || length >= limits::fingerprint_bytes)
      row.refuse("a length was asked for");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    lengths.push_back(length);
  }
  return lengths;
}

/// The loads that are asked for, and what is asked of the table beside.
struct Question {
  pg::Batch batch;
  pg::Batch::Step loads;
  pg::Batch::Step table;
};

constexpr auto table_columns = columns_of({
    {"has_other_places", "{}"},
    {"has_rows", "{}"},
    {"short_lengths", "{}"},
});

/// ... of loads as l.
Question question_of(const NewLoad& like, const Sql& which, const Sql& short_lengths) {
  const Sql has_target = have_target_of(like);
  const Sql more =
      sql(", {}", known_columns.list(changed_since(like), has_target, is_here(as_l, like.origin),
                                     like.target_oid, was_restored_with(as_l, like)));
  Question question;
  question.loads = question.batch.add(select_loads(which, more));
  question.table = question.batch.add(
      sql("select {}",
          table_columns.list(has_other_places(like), has_loads_with_rows(like), short_lengths)));
  return question;
}

KnownLoads read_known_loads(const Question& asked, const pg::Results& results) {
  const pg::Result& rows = asked.batch.answer(results, asked.loads);
  const pg::Result& table = asked.batch.answer(results, asked.table);
  KnownLoads known;
  known.has_other_places = table.boolean(0, table_columns["has_other_places"]);
  known.has_rows = table.boolean(0, table_columns["has_rows"]);
  known.short_lengths = read_short_lengths(table, table_columns["short_lengths"]);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    try {
      known.loads.push_back(read_known(rows, row));
    } catch (const Damaged& damage) {
      known.loads.push_back(KnownLoad{read_damaged(rows, row, damage)});
    }
  }
  return known;
}

Question question_of_like(const NewLoad& like) {
  std::vector<Sql> found;
  for (const Sql& kind : are_like(like)) {
    found.push_back(
        sql("(select l.load_id from pgsluice.loads l where {} order by l.load_id desc limit {})",
            kind, known_loads_max));
  }
  // Not `in`: where the planner takes them for many, it reads all loads to join them with these.
  const Sql which =
      sql("where l.load_id = any (array({})) order by l.load_id desc", joined(found, " union "));
  return question_of(like, which,
                     like.short_heads.empty() ? short_lengths_query(like) : sql("null"));
}

/// Of finished loads that no unfinished one may be about.
Question question_of_finished(const NewLoad& like, const Sql& condition) {
  Sql which = sql("where l.state = 'finished' and {} and {}", condition, may_be_of_table(like));
  // `offset 0` makes it one step into an index for each load that is found, also where the server
  // knows nothing of the ledger yet: it would compare each with each.
  for (const SqlWords same : {SqlWords("fingerprint"), SqlWords("head"), SqlWords("source_path")}) {
    which +=
        sql(" and not exists (select from (select * from pgsluice.loads u where u.state in "
            "('unfinished', 'undoing') and u.{} = l.{} offset 0) u where {})",
            same, same, have_target_of(like));
  }
  which += sql(" order by l.load_id desc");
  return question_of(like, which, sql("null"));
}

Question question_of_untouched(const std::vector<const NewLoad*>& sources) {
  std::vector<std::string> fingerprints;
  for (const NewLoad* source : sources)
    fingerprints.insert(fingerprints.end(), {source->fingerprint, source->marked.fingerprint});
  const Sql stamps =
      sql_list(sources, [](const NewLoad* source) { return literal(source->source_stamp); });
  return question_of_finished(*sources.front(),
                              sql("l.fingerprint = any ({}) and l.source_stamp = any (array[{}])",
                                  digests_of(fingerprints), stamps));
}

/// Of loads as l. What names the file has an index.
Sql has_stamp_of(const std::vector<std::string>& stamps) {
  const Sql all = sql_list(stamps, [](const std::string& stamp) { return literal(stamp); });
  const Sql files =
      sql_list(stamps, [](const std::string& stamp) { return literal(file_of(stamp)); });
  return sql(
      "substring(l.source_stamp from '^\\S+ \\S+ ') = any (array[{}]) and l.source_stamp = any "
      "(array[{}])",
      files, all);
}

/// Of loads as l.
Sql is_held() {
  return RunLock::is_held_expression(sql("l.target_oid::text"), sql("l.fingerprint"));
}

Sql listed(const LoadsFilter& filter) {
  Sql which = sql("where {}", condition_of(filter.state, is_held()));
  if (filter.id) which += sql(" and l.load_id = {}", filter.id->value);
  if (!filter.upload_key.empty())
    which += sql(" and l.upload_key = {}", literal(filter.upload_key));
  if (filter.before) which += sql(" and l.load_id < {}", filter.before->value);
  if (!filter.table.empty()) {
    which +=
        sql(" and exists (select from array_to_string(parse_ident({}, false), '.') t where t = "
            "l.target or right(l.target, length(t) + 1) = '.' || t)",
            literal(filter.table));
  }
  which += sql(" order by l.load_id desc");
  if (filter.count_max > 0) which += sql(" limit {}", filter.count_max);
  return select_loads(which, sql(", l.state = 'unfinished' and {}", is_held()));
}

Sql has_loads(const std::vector<const NewLoad*>& likes, const Lengths* lengths) {
  const NewLoad& like = *likes.front();
  // Of a table that was emptied, no load counts.
  return sql("select {} or {} or ({} and coalesce({}, false))", has_alike(likes, lengths),
             has_other_places(like), has_loads_with_rows(like), like.is_empty);
}

}  // namespace

Sql has_loads_query(const NewLoad& like) { return has_loads({&like}, nullptr); }

Sql has_loads_query(const std::vector<const NewLoad*>& likes, const Lengths& lengths) {
  return has_loads(likes, &lengths);
}

asio::awaitable<KnownLoads> find_loads(pg::Connection& on, const NewLoad& like) {
  const Question question = question_of_like(like);
  const auto results = co_await on.query(question.batch.text());
  co_return read_known_loads(question, results);
}

asio::awaitable<std::optional<KnownLoad>> find_of_upload(pg::Connection& on, const NewLoad& like) {
  const Sql which = sql("where l.upload_key = {} and l.state <> 'void'", literal(like.upload_key));
  const Question question = question_of(like, which, sql("null"));
  const auto results = co_await on.query(question.batch.text());
  KnownLoads known = read_known_loads(question, results);
  if (known.loads.empty()) co_return std::nullopt;
  co_return std::move(known.loads.front());
}

asio::awaitable<KnownLoads> find_untouched(pg::Connection& on,
                                           const std::vector<const NewLoad*>& sources) {
  const Question question = question_of_untouched(sources);
  const auto results = co_await on.query(question.batch.text());
  co_return read_known_loads(question, results);
}

asio::awaitable<KnownLoads> find_by_stamps(pg::Connection& on, const NewLoad& like,
                                           const std::vector<std::string>& stamps) {
  const Question question = question_of_finished(like, has_stamp_of(stamps));
  const auto results = co_await on.query(question.batch.text());
  co_return read_known_loads(question, results);
}

asio::awaitable<std::set<std::string>> finished_stamps(pg::Connection& on,
                                                       const std::vector<std::string>& stamps) {
  std::set<std::string> found;
  if (stamps.empty()) co_return found;
  const Sql all = sql_list(stamps, [](const std::string& stamp) { return literal(stamp); });
  const Sql files =
      sql_list(stamps, [](const std::string& stamp) { return literal(file_of(stamp)); });
  // A step into the index for each: the planner would read all loads until it meets one of many.
  const Sql ask =
      sql("select k.stamp from unnest(array[{}], array[{}]) k (file, stamp) where (select true "
          "from pgsluice.loads l where substring(l.source_stamp from '^\\S+ \\S+ ') = k.file and "
          "l.source_stamp = k.stamp and l.state <> 'void' and l.state = 'finished' limit 1)",
          files, all);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row) found.emplace(rows.text(row, 0));
  co_return found;
}

asio::awaitable<std::vector<LoadId>> running(pg::Connection& on, const std::vector<LoadId>& loads) {
  std::vector<LoadId> found;
  if (loads.empty()) co_return found;
  const Sql ask = sql("select l.load_id from pgsluice.loads l where l.load_id in ({}) and {}",
                      numbers_of(loads), is_held());
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row) found.push_back(LoadId{rows.integer(row, 0)});
  co_return found;
}

asio::awaitable<std::map<std::int64_t, ChunkEntry>> first_chunks(pg::Connection& on,
                                                                 const std::vector<LoadId>& loads) {
  static constexpr auto at = columns_of({{"load_id", "load_id"},
                                         {"byte_offset", "byte_offset"},
                                         {"byte_count", "byte_count"},
                                         {"digest", "digest"}});
  std::map<std::int64_t, ChunkEntry> chunks;
  if (loads.empty()) co_return chunks;
  const Sql ask = sql("select {} from pgsluice.chunks where chunk = 0 and load_id in ({})",
                      at.list(), numbers_of(loads));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    ChunkEntry entry;
    const LoadId load{rows.integer(row, at["load_id"])};
    entry.start.byte_offset =
        read_count(rows, row, at["byte_offset"], load, "byte_offset of a chunk");
    entry.byte_count = read_count(rows, row, at["byte_count"], load, "byte_count of a chunk");
    entry.digest = static_cast<std::uint64_t>(rows.integer(row, at["digest"]));
    chunks.emplace(load.value, entry);
  }
  co_return chunks;
}

LoadsFilter::State state_of(const LoadEntry& load) {
  using Which = LoadsFilter::State;
  if (load.is_running) return Which::running;
  if (load.finished()) return Which::finished;
  if (load.is_half_undone()) return Which::undoing;
  if (load.is_given_up()) return Which::given_up;
  if (load.state == "void") return Which::is_void;
  return load.staged && !load.committing ? Which::staged : Which::unfinished;
}

asio::awaitable<std::vector<LoadEntry>> list_loads(pg::Connection& on, LoadsFilter filter) {
  const Sql ask = listed(filter);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  std::vector<LoadEntry> entries;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    entries.push_back(read_whatever(rows, row));
    entries.back().is_running = rows.boolean(row, entry_columns.size());
  }
  co_return entries;
}

asio::awaitable<std::optional<LoadEntry>> show_load(pg::Connection& on, LoadId id) {
  const Sql ask = select_loads(sql("where l.load_id = {}", id.value));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  if (rows.rows() == 0) co_return std::nullopt;
  co_return read_load(rows, 0);
}

asio::awaitable<void> resume_load(pg::Connection& on, LoadId id, const std::string& rejects_path,
                                  const Sql& behind) {
  const Sql statements =
      sql("begin; update pgsluice.loads l set runs = runs + 1, rejects_path = {}, {} where load_id "
          "= {}; {}commit",
          literal(rejects_path), writes_last, id.value, behind);
  co_await on.query(statements);
}

Sql leave_mark_out_statements(const KnownLoad& load, const NewLoad& now, std::uint64_t mark_bytes) {
  const Sql bytes = load.source_bytes ? sql("{}", *load.source_bytes) : sql("null");
  return sql(
      "update pgsluice.chunks set byte_offset = byte_offset - {} where load_id = {}; update "
      "pgsluice.loads set fingerprint = {}, head = {}, head_bytes = {}, start = {}, source_bytes = "
      "{}, options = {} where load_id = {}; ",
      mark_bytes, load.id.value, literal(load.fingerprint), literal(now.head), now.head_bytes,
      literal_or_null(!now.start.empty(), now.start), bytes, literal(load.options), load.id.value);
}

Sql end_otherwise_statement(LoadId load, const NewLoad& now) {
  return sql(
      "update pgsluice.loads set options = (options - 'after-sql') || "
      "jsonb_strip_nulls(jsonb_build_object('after-sql', {}::jsonb -> 'after-sql')) where load_id "
      "= {} and options -> 'after-sql' is distinct from {}::jsonb -> 'after-sql'; ",
      literal(now.options), load.value, literal(now.options));
}

Sql grow_statement(LoadId id, const NewLoad& now) {
  return sql(
      "update pgsluice.loads set fingerprint = {}, head = {}, head_bytes = {}, start = {}, "
      "source_bytes = {}, source_stamp = {} where load_id = {}; ",
      literal(now.fingerprint), literal(now.head), now.head_bytes,
      literal_or_null(!now.start.empty(), now.start), now.source_bytes.value_or(0),
      literal(now.source_stamp), id.value);
}

Sql void_load_statement(LoadId id) {
  return sql("update pgsluice.loads set state = 'void' where load_id = {}", id.value);
}

Sql empties_table_statement(const NewLoad& like, std::optional<LoadId> except) {
  // Below: what TRUNCATE empties. Above: whose rows may be there too.
  const Sql tables = sql(
      "with recursive below (oid) as (select {}::oid union select i.inhrelid from below join "
      "pg_catalog.pg_inherits i on i.inhparent = below.oid), above (oid) as (select oid from below "
      "union select n.oid from above cross join lateral (select inhparent from "
      "pg_catalog.pg_inherits where inhrelid = above.oid union all select r.ev_class from "
      "pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on r.oid = d.objid where d.classid = "
      "'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass and "
      "d.refobjid = above.oid) n (oid)) ",
      like.target_oid);
  const Sql here = is_here(as_l, like.origin);
  const Sql others = except ? sql(" and l.load_id <> {}", except->value) : Sql();
  // By steps into an index, whatever is known of these tables: where there are few in the ledger,
  // the planner thinks that each has many loads, and would read all. Of a range it does not.
  const auto loads_of = [&](SqlWords these) {
    return sql(
        "l.state <> 'void' and l.load_id = any (array(select l.load_id from {} t cross join "
        "lateral (select l.load_id from pgsluice.loads l where l.target_oid between t.oid and "
        "t.oid and l.state <> "
        "'void' and {}{} offset 0) l))",
        these, here, others);
  };
  return sql(
      "{}update pgsluice.loads l set state = 'void' where {}; {}update pgsluice.loads l set "
      "part_gone = true where not l.part_gone and {}; {}",
      tables, loads_of("below"), tables,
      loads_of("(select oid from above except select oid from below)"),
      leave_name_statements(like));
}

Sql mark_statement(const Sql& load) {
  return sql("{}; update pgsluice.loads set marked = true where load_id = {} and not marked; ",
             insert_mark(load), load);
}

asio::awaitable<bool> has_mark(pg::Connection& on, LoadId id) {
  const Sql ask =
      sql("select exists (select from pgsluice.unlogged_marks where load_id = {})", id.value);
  const auto results = co_await on.query(ask);
  co_return results.front().boolean(0, 0);
}

asio::awaitable<Totals> end_run(pg::Connection& on, LoadId id, double seconds) {
  const Sql statements =
      sql("update pgsluice.loads set seconds = seconds + {} where load_id = {}; {}", seconds,
          id.value, sums_of_chunks(sql("{}", id.value)));
  const auto results = co_await on.query(statements);
  co_return read_totals(results.back(), 0, 0, id);
}

namespace {

/// What finish_statement() answers, behind `chunk_sums`.
constexpr auto finish_columns = columns_of({
    {"finished", "exists (select from finished)"},
    {"load_id", "{}"},
    {"is_void",
     "not exists (select from pgsluice.loads v where v.load_id = {} and v.state <> 'void' and not "
     "v.part_gone)"},
});

}  // namespace

Sql finish_statement(LoadId load, const Read& read, double seconds, const std::string& stamp) {
  return sql(
      "with c as ({}), finished as (update pgsluice.loads l set state = 'finished', finished_at = "
      "clock_timestamp(), source_stamp = {}, seconds = seconds + {}, records_read = "
      "c.records_read, rows_stored = c.rows_stored, rows_updated = c.rows_updated, rows_unchanged "
      "= c.rows_unchanged, rows_rejected = c.rows_rejected, rows_skipped = c.rows_skipped, "
      "rows_filtered = c.rows_filtered, {} from c where l.load_id = {} and l.state = 'unfinished' "
      "and not l.part_gone and c.chunks = {} and "
      "c.bytes = {} and c.records_read = {} and c.records_read = c.rows_stored + c.rows_updated + "
      "c.rows_unchanged + c.rows_rejected + c.rows_skipped + c.rows_filtered returning 1) select "
      "c.*, {} from c",
      sums_of_chunks(sql("{}", load.value)), literal(stamp), seconds, writes_last, load.value,
      read.chunks, read.bytes, read.records, finish_columns.list(load.value, load.value));
}

Finish read_finish(const pg::Result& row, const Read& read) {
  static constexpr int first = chunk_sums.size();
  const LoadId load{row.integer(0, first + finish_columns["load_id"])};
  Finish end{load, row.boolean(0, first + finish_columns["finished"]),
             row.boolean(0, first + finish_columns["is_void"]), read_totals(row, 0, 0, load)};
  const Totals& t = end.totals;
  // No count is above 2^63: taken away one by one, nothing wraps.
  std::uint64_t left = t.records_read;
  bool adds_up = t.chunks == read.chunks && t.bytes == read.bytes && t.records_read == read.records;
  for (const std::uint64_t part :
       {t.counts.rows_stored, t.counts.rows_updated, t.counts.rows_unchanged, t.rows_rejected,
        t.counts.rows_skipped, t.counts.rows_filtered}) {
    adds_up = adds_up && part <= left;
    left -= std::min(left, part);
  }
  if (end.finished && !(adds_up && left == 0))
    row.refuse("it says that the load is finished, with other sums than were read");
  return end;
}

asio::awaitable<Finish> finish_load(pg::Connection& on, LoadId id, const Read& read, double seconds,
                                    const std::string& stamp) {
  pg::Batch batch(sql("begin; {}", without_waiting));
  const auto finish = batch.add(finish_statement(id, read, seconds, stamp));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  co_return read_finish(batch.answer(results, finish), read);
}

}  // namespace sluice::ledger
