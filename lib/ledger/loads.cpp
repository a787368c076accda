#include "ledger/loads.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "ledger/damaged.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/places.hpp"
#include "ledger/run_lock.hpp"

namespace sluice::ledger {
namespace {

std::string id_text(LoadId id) { return std::to_string(id.value); }

std::string list_of(const std::vector<LoadId>& loads) {
  std::string ids;
  for (const LoadId load : loads) ids += (ids.empty() ? "" : ", ") + id_text(load);
  return ids;
}

// The sums come from the chunks, so that an unfinished load shows what it has stored.
std::string select_loads(const std::string& which, const std::string& more = "") {
  return "select l.load_id, l.state, l.target, l.target_oid::bigint, l.source, l.source_path, "
         "l.source_bytes, l.source_stamp, l.fingerprint, l.options, l.chunk_bytes, "
         "l.record_bytes_max, date_trunc('second', l.started_at)::text, "
         "coalesce(date_trunc('second', l.finished_at)::text, ''), l.runs, l.seconds, "
         "l.rejects_path, l.staged, c.chunks, c.bytes, c.records_read, "
         "case when l.finished_at is null then c.rows_stored else l.rows_stored end, "
         "case when l.finished_at is null then c.rows_updated else l.rows_updated end, "
         "case when l.finished_at is null then c.rows_unchanged else l.rows_unchanged end, "
         "c.rows_rejected, "
         "case when l.finished_at is null then c.rows_skipped else l.rows_skipped end, "
         "l.head, l.updates, l.behind_load" +
         more + " from pgsluice.loads l cross join lateral (" + sums_of_chunks("l.load_id") +
         ") c " + which;
}

// The rows of a chunk are durable when its own transaction has committed. If a crash takes back
// what is said of the load as a whole, the same command finds its chunks and says it again: so a
// commit of that need not wait for the disk.
constexpr const char* without_waiting = "set local synchronous_commit = off; ";
constexpr const char* waiting =
    "select set_config('synchronous_commit', 'local', true) where "
    "current_setting('synchronous_commit') = 'off'; ";

LoadEntry read_entry(const pg::Result& rows, std::size_t row) {
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  LoadEntry entry;
  entry.id = {rows.integer(row, 0)};
  const auto count = [&](int column, const char* name) {
    return read_count(rows, row, column, entry.id, name);
  };
  entry.state = text(1);
  entry.target = text(2);
  entry.target_oid = rows.oid(row, 3);
  entry.source = text(4);
  entry.source_path = text(5);
  if (!rows.is_null(row, 6)) entry.source_bytes = count(6, "source_bytes");
  entry.source_stamp = text(7);
  entry.fingerprint = text(8);
  entry.options = text(9);
  entry.chunk_bytes = count(10, "chunk_bytes");
  entry.record_bytes_max = count(11, "record_bytes_max");
  entry.started_at = text(12);
  entry.finished_at = text(13);
  entry.runs = rows.integer(row, 14);
  entry.seconds = rows.number(row, 15);
  if (!(entry.seconds >= 0 && entry.seconds < static_cast<double>(largest_count)))
    throw damaged(entry.id, "seconds is " + text(15));
  entry.rejects_path = text(16);
  entry.staged = rows.boolean(row, 17);
  entry.totals = read_totals(rows, row, 18, entry.id);
  entry.head = text(26);
  entry.updates = rows.boolean(row, 27);
  if (!rows.is_null(row, 28)) entry.behind_load = LoadId{rows.integer(row, 28)};
  // So that chains of them end.
  if (entry.behind_load && entry.behind_load->value >= entry.id.value)
    throw damaged(entry.id, "behind_load is " + std::to_string(entry.behind_load->value));
  return entry;
}

constexpr int entry_columns = 29;

/// ... of a row that is damaged: what every row has, as texts.
LoadEntry read_damaged(const pg::Result& rows, std::size_t row, const Damaged& damage) {
  LoadEntry entry;
  entry.id = {rows.integer(row, 0)};
  entry.state = rows.text(row, 1);
  entry.target = rows.text(row, 2);
  entry.source = rows.text(row, 4);
  entry.started_at = rows.text(row, 12);
  entry.damage = damage.what();
  return entry;
}

LoadEntry read_whatever(const pg::Result& rows, std::size_t row) {
  try {
    return read_entry(rows, row);
  } catch (const Damaged& damage) {
    return read_damaged(rows, row, damage);
  }
}

KnownLoad read_known(const pg::Result& rows, std::size_t row) {
  KnownLoad load{read_entry(rows, row)};
  const auto place = [&](int column) {
    return read_count(rows, row, entry_columns + column, load.id, "byte_offset of a chunk");
  };
  load.content_begin = place(0);
  load.content_end = place(1);
  load.is_emptied = rows.boolean(row, entry_columns + 2);
  load.part_gone = rows.boolean(row, entry_columns + 3);
  load.updated_since = rows.boolean(row, entry_columns + 4);
  load.has_others = rows.boolean(row, entry_columns + 5);
  load.of_other_table = rows.boolean(row, entry_columns + 6);
  return load;
}

std::string condition_of(LoadsFilter::State state, const std::string& is_held) {
  using State = LoadsFilter::State;
  switch (state) {
    case State::any: break;
    case State::running: return "l.state = 'unfinished' and " + is_held;
    case State::unfinished: return "l.state = 'unfinished' and not " + is_held;
    case State::staged: return "l.staged and l.state = 'unfinished' and not " + is_held;
    case State::finished: return "l.state = 'finished'";
    case State::given_up: return "l.state = 'void' and l.finished_at is null";
    case State::is_void: return "l.state = 'void' and l.finished_at is not null";
  }
  return "true";
}

/// Which loads, by that name, went into the table. Two indexes serve it.
std::string have_target_of(const std::string& load, const NewLoad& like) {
  const std::string here = is_here(load, like.origin);
  return "((" + load + ".target_oid = " + std::to_string(like.target_oid) + " and " + here +
         ") or (" + load + ".target = " + quote_literal(like.target) + " and not (" + here + ")))";
}

/// "host device:inode " of a stamp; empty where there is none.
std::string file_of(const std::string& stamp) {
  const std::size_t host = stamp.find(' ');
  const std::size_t end = host == std::string::npos ? host : stamp.find(' ', host + 1);
  return end == std::string::npos ? std::string() : stamp.substr(0, end + 1);
}

/// Of the table, and of others that had its name: whether their rows are in it is asked then.
std::string may_be_of_table(const NewLoad& like) {
  return "l.state <> 'void' and ((l.target_oid = " + std::to_string(like.target_oid) + " and " +
         is_here("l", like.origin) + ") or l.target = " + quote_literal(like.target) + ")";
}

/// Enters a load; `more` are columns that it has beside what is known when it begins, and their
/// values, each with ", " in front of it.
std::string enter_statement(const NewLoad& load, const std::string& more = "",
                            const std::string& values = "") {
  return "insert into pgsluice.loads (target, target_oid, source, source_path, source_bytes, "
         "source_stamp, fingerprint, options, chunk_bytes, record_bytes_max, rejects_path, staged, "
         "origin, head, head_bytes, start, updates, behind_load" +
         more + ") values (" + quote_literal(load.target) + "," + std::to_string(load.target_oid) +
         "," + quote_literal(load.source) + "," + quote_literal(load.source_path) + "," +
         (load.source_bytes ? std::to_string(*load.source_bytes) : std::string("null")) + "," +
         quote_literal(load.source_stamp) + "," + quote_literal(load.fingerprint) + "," +
         quote_literal(load.options) + "," + std::to_string(load.chunk_bytes) + "," +
         std::to_string(load.record_bytes_max) + "," + quote_literal(load.rejects_path) +
         (load.staged ? ",true," : ",false,") + quote_literal(load.origin) + "," +
         quote_literal(load.head) + "," + std::to_string(load.head_bytes) + "," +
         (load.start.empty() ? "null" : quote_literal(load.start)) +
         (load.updates ? ",true," : ",false,") +
         (load.behind_load ? id_text(*load.behind_load) : "null") + values + ")";
}

std::string insert_mark(const std::string& load) {
  return "insert into pgsluice.unlogged_marks (load_id) values (" + load +
         ") on conflict do nothing";
}

/// Digests, as an array. They have hexadecimal digits alone.
std::string array_of(const std::vector<std::string>& digests) {
  std::string list;
  for (const std::string& digest : digests) list += (list.empty() ? "" : ",") + digest;
  return "'{" + list + "}'::text[]";
}

/// Which rows of pgsluice.loads, as l, find_loads() is about: a condition for each kind.
std::vector<std::string> are_like(const NewLoad& like) {
  std::vector<std::string> kinds{"l.fingerprint = " + quote_literal(like.fingerprint),
                                 "l.head = " + quote_literal(like.head)};
  // A stream has a name, and no path.
  if (like.is_file()) kinds.push_back("l.source_path = " + quote_literal(like.source_path));
  const std::string file = file_of(like.source_stamp);
  if (!file.empty())
    kinds.push_back("substring(l.source_stamp from '^\\S+ \\S+ ') = " + quote_literal(file));
  if (!like.short_heads.empty())
    kinds.push_back("l.head = any (" + array_of(like.short_heads) + ")");
  for (std::string& kind : kinds) kind += " and " + may_be_of_table(like);
  return kinds;
}

/// A query of short_lengths, as one text. Each length is one step into the index, however many
/// loads have it.
std::string short_lengths_query(const NewLoad& like) {
  const auto next = [&](const std::string& start, const std::string& behind) {
    return "(select l.head_bytes from pgsluice.loads l where l.start = " + start +
           " and l.head_bytes > " + behind + " and l.head_bytes < " +
           std::to_string(like.head_bytes) + " and " + may_be_of_table(like) +
           " order by l.head_bytes limit 1)";
  };
  return "(with recursive lengths (start, n) as (select s, " + next("s", "0") + " from unnest(" +
         array_of(like.starts) + ") s union all select start, " +
         next("lengths.start", "lengths.n") +
         " from lengths where n is not null) select string_agg(n::text, ' ') from lengths where n "
         "is not null)";
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

/// What a KnownLoad has beside a LoadEntry.
std::string known_columns(const NewLoad& like) {
  const std::string chunk = " from pgsluice.chunks n where n.load_id = l.load_id order by n.chunk ";
  const auto another = [&like](const std::string& which) {
    return "exists (select from pgsluice.loads u where u.state <> 'void' and " + which + " and " +
           have_target_of("u", like) + ")";
  };
  return ", coalesce((select n.byte_offset" + chunk +
         "limit 1), 0), coalesce((select n.byte_offset::numeric + n.byte_count" + chunk +
         "desc limit 1), 0), l.marked and not exists (select from pgsluice.unlogged_marks m where "
         "m.load_id = l.load_id), l.part_gone, " +
         another("u.updates and u.load_id > l.load_id") + ", " + another("u.load_id <> l.load_id") +
         ", case when " + is_here("l", like.origin) + " then l.target_oid <> " +
         std::to_string(like.target_oid) + " else not " + was_restored_with("l", like) + " end";
}

/// Behind the loads stands what is asked of the table.
KnownLoads read_known_loads(const pg::Results& results) {
  const pg::Result& rows = results.last(1);
  KnownLoads known;
  known.has_other_places = results.back().boolean(0, 0);
  known.has_rows = results.back().boolean(0, 1);
  known.short_lengths = read_short_lengths(results.back(), 2);
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    try {
      known.loads.push_back(read_known(rows, row));
    } catch (const Damaged& damage) {
      known.loads.push_back(KnownLoad{read_damaged(rows, row, damage)});
    }
  }
  return known;
}

}  // namespace

std::string has_loads_query(const NewLoad& like) {
  std::string any;
  for (const std::string& kind : are_like(like))
    any +=
        (any.empty() ? "" : " or ") + ("exists (select from pgsluice.loads l where " + kind) + ")";
  any += " or exists (select from pgsluice.loads l where l.start = any (" + array_of(like.starts) +
         ") and " + may_be_of_table(like) + ")";
  // Of a table that was emptied, no load counts.
  return "select " + any + " or " + has_other_places(like) + " or (" + has_loads_with_rows(like) +
         " and coalesce(" + like.is_empty + ", false))";
}

asio::awaitable<KnownLoads> find_loads(pg::Connection& on, const NewLoad& like) {
  std::string found;
  for (const std::string& kind : are_like(like)) {
    found += found.empty() ? "(" : " union (";
    found += "select l.load_id from pgsluice.loads l where " + kind +
             " order by l.load_id desc limit " + std::to_string(known_loads_max) + ")";
  }
  std::string sql = select_loads("where l.load_id in (" + found + ") order by l.load_id desc",
                                 known_columns(like));
  sql += "; select " + has_other_places(like) + ", " + has_loads_with_rows(like) + ", ";
  sql += like.short_heads.empty() ? short_lengths_query(like) : "null";
  const auto results = co_await on.query(std::move(sql));
  co_return read_known_loads(results);
}

asio::awaitable<KnownLoads> find_untouched(pg::Connection& on,
                                           const std::vector<NewLoad>& sources) {
  const NewLoad& like = sources.front();
  std::string stamps;
  for (const NewLoad& source : sources)
    stamps += (stamps.empty() ? "" : ", ") + quote_literal(source.source_stamp);
  std::vector<std::string> fingerprints;
  for (const NewLoad& source : sources) fingerprints.push_back(source.fingerprint);
  std::string which = "where l.state = 'finished' and l.fingerprint = any (" +
                      array_of(fingerprints) + ") and l.source_stamp = any (array[" + stamps +
                      "]) and " + may_be_of_table(like);
  for (const char* same : {"fingerprint", "head", "source_path"}) {
    which += " and not exists (select from pgsluice.loads u where u.state = 'unfinished' and u.";
    which += std::string(same) + " = l." + same + " and " + have_target_of("u", like) + ")";
  }
  const auto results = co_await on.query(
      select_loads(which + " order by l.load_id desc", known_columns(like)) + "; select " +
      has_other_places(like) + ", " + has_loads_with_rows(like) + ", null");
  co_return read_known_loads(results);
}

asio::awaitable<std::vector<LoadId>> running(pg::Connection& on, const std::vector<LoadId>& loads) {
  std::vector<LoadId> found;
  if (loads.empty()) co_return found;
  const auto results = co_await on.query(
      "select l.load_id from pgsluice.loads l where l.load_id in (" + list_of(loads) + ") and " +
      RunLock::is_held_expression("l.target_oid::text", "l.fingerprint"));
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row) found.push_back(LoadId{rows.integer(row, 0)});
  co_return found;
}

asio::awaitable<std::map<std::int64_t, ChunkEntry>> first_chunks(pg::Connection& on,
                                                                 const std::vector<LoadId>& loads) {
  std::map<std::int64_t, ChunkEntry> chunks;
  if (loads.empty()) co_return chunks;
  const auto results = co_await on.query(
      "select load_id, byte_offset, byte_count, digest from pgsluice.chunks where chunk = 0 and "
      "load_id in (" +
      list_of(loads) + ")");
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    ChunkEntry entry;
    const LoadId load{rows.integer(row, 0)};
    entry.start.byte_offset = read_count(rows, row, 1, load, "byte_offset of a chunk");
    entry.byte_count = read_count(rows, row, 2, load, "byte_count of a chunk");
    entry.digest = static_cast<std::uint64_t>(rows.integer(row, 3));
    chunks.emplace(rows.integer(row, 0), entry);
  }
  co_return chunks;
}

LoadsFilter::State state_of(const LoadEntry& load) {
  using Which = LoadsFilter::State;
  if (load.is_running) return Which::running;
  if (load.finished()) return Which::finished;
  if (load.is_given_up()) return Which::given_up;
  if (load.state == "void") return Which::is_void;
  return load.staged ? Which::staged : Which::unfinished;
}

asio::awaitable<std::vector<LoadEntry>> list_loads(pg::Connection& on, LoadsFilter filter) {
  const std::string is_held = RunLock::is_held_expression("l.target_oid::text", "l.fingerprint");
  std::string which = "where " + condition_of(filter.state, is_held);
  if (filter.id) which += " and l.load_id = " + id_text(*filter.id);
  if (!filter.table.empty()) {
    which += " and exists (select from array_to_string(parse_ident(" + quote_literal(filter.table) +
             ", false), '.') t where t = l.target or right(l.target, length(t) + 1) = '.' || t)";
  }
  which += " order by l.load_id desc";
  if (filter.count_max > 0) which += " limit " + std::to_string(filter.count_max);
  const auto results =
      co_await on.query(select_loads(which, ", l.state = 'unfinished' and " + is_held));
  const pg::Result& rows = results.front();
  std::vector<LoadEntry> entries;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    entries.push_back(read_whatever(rows, row));
    entries.back().is_running = rows.boolean(row, entry_columns);
  }
  co_return entries;
}

asio::awaitable<std::optional<LoadEntry>> show_load(pg::Connection& on, LoadId id) {
  const auto results = co_await on.query(select_loads("where l.load_id = " + id_text(id)));
  const pg::Result& rows = results.front();
  if (rows.rows() == 0) co_return std::nullopt;
  co_return read_entry(rows, 0);
}

asio::awaitable<LoadId> begin_load(pg::Connection& on, const NewLoad& load,
                                   const BeginOptions& options) {
  const std::string sql = "begin; " + std::string(options.durable ? waiting : without_waiting) +
                          options.before + enter_statement(load) + "; " + options.behind +
                          "select " + this_load + "; commit";
  const auto results = co_await on.query(sql);
  co_return LoadId{results.last(1).integer(0, 0)};
}

asio::awaitable<void> resume_load(pg::Connection& on, LoadId id, const std::string& rejects_path,
                                  const std::string& behind) {
  co_await on.query("begin; update pgsluice.loads set runs = runs + 1, rejects_path = " +
                    quote_literal(rejects_path) + " where load_id = " + id_text(id) + "; " +
                    behind + "commit");
}

std::string void_load_statement(LoadId id) {
  return "update pgsluice.loads set state = 'void' where load_id = " + id_text(id);
}

std::string empties_table_statement(const NewLoad& like, const std::string& except) {
  // Below: what TRUNCATE empties. Above: whose rows may be there too.
  const std::string tables =
      "with recursive below (oid) as (select " + std::to_string(like.target_oid) +
      "::oid union select i.inhrelid from below join pg_catalog.pg_inherits i on i.inhparent = "
      "below.oid), "
      "above (oid) as (select oid from below union select n.oid from above cross join lateral ("
      "select inhparent from pg_catalog.pg_inherits where inhrelid = above.oid union all select "
      "r.ev_class "
      "from "
      "pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on r.oid = d.objid where d.classid = "
      "'pg_catalog.pg_rewrite'::regclass "
      "and "
      "d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = above.oid) n (oid)) ";
  const std::string here = is_here("l", like.origin);
  const std::string others = except.empty() ? "" : " and l.load_id <> " + except;
  const std::string into = " where l.state <> 'void' and l.target_oid = any (array(";
  // By arrays, so that the few loads are found by the index, whatever is known of these tables.
  return tables + "update pgsluice.loads l set state = 'void'" + into +
         "select oid from below)) and " + here + others + "; " + tables +
         "update pgsluice.loads l set part_gone = true" + into +
         "select oid from above except select oid from below)) and not l.part_gone and " + here +
         others + "; " + leave_name_statements(like);
}

std::string mark_statement(const std::string& load) {
  return insert_mark(load) + "; update pgsluice.loads set marked = true where load_id = " + load +
         " and not marked; ";
}

asio::awaitable<bool> has_mark(pg::Connection& on, LoadId id) {
  const auto results = co_await on.query(
      "select exists (select from pgsluice.unlogged_marks where load_id = " + id_text(id) + ")");
  co_return results.front().boolean(0, 0);
}

asio::awaitable<Totals> end_run(pg::Connection& on, LoadId id, double seconds) {
  const auto results =
      co_await on.query("update pgsluice.loads set seconds = seconds + " + std::to_string(seconds) +
                        " where load_id = " + id_text(id) + "; " + sums_of_chunks(id_text(id)));
  co_return read_totals(results.back(), 0, 0, id);
}

std::vector<std::string> enter_stored_statements(const NewLoad& load, const ChunkEntry& chunk,
                                                 const std::string& seconds, bool marked) {
  const std::string rows = std::to_string(chunk.counts.rows_stored);
  std::vector<std::string> statements{
      enter_statement(load, ", state, finished_at, seconds, records_read, rows_stored, marked",
                      ", 'finished', clock_timestamp(), " + seconds + ", " + rows + ", " + rows +
                          (marked ? ", true" : ", false")),
      claim_statement(this_load, chunk)};
  if (marked) statements.push_back(insert_mark(this_load));
  statements.push_back(std::string("select ") + this_load);
  return statements;
}

std::string finish_statement(const std::string& load, const Read& read, const std::string& seconds,
                             const std::string& stamp) {
  return "with c as (" + sums_of_chunks(load) +
         "), finished as (update pgsluice.loads l set state = 'finished', finished_at = "
         "clock_timestamp(), source_stamp = " +
         quote_literal(stamp) + ", seconds = seconds + " + seconds +
         ", records_read = c.records_read, rows_stored = c.rows_stored, rows_updated = "
         "c.rows_updated, rows_unchanged = c.rows_unchanged, rows_rejected = c.rows_rejected, "
         "rows_skipped = c.rows_skipped from c where l.load_id = " +
         load + " and l.state = 'unfinished' and not l.part_gone and c.chunks = " +
         std::to_string(read.chunks) + " and c.bytes = " + std::to_string(read.bytes) +
         " and c.records_read = " + std::to_string(read.records) +
         " and c.records_read = c.rows_stored + c.rows_updated + c.rows_unchanged + "
         "c.rows_rejected + c.rows_skipped returning 1) "
         "select c.*, exists (select from finished), " +
         load + ", not exists (select from pgsluice.loads v where v.load_id = " + load +
         " and v.state <> 'void' and not v.part_gone) from c; ";
}

Finish read_finish(const pg::Result& row, const Read& read) {
  const LoadId load{row.integer(0, totals_columns + 1)};
  Finish end{load, row.boolean(0, totals_columns), row.boolean(0, totals_columns + 2),
             read_totals(row, 0, 0, load)};
  const Totals& t = end.totals;
  // No count is above 2^63: taken away one by one, nothing wraps.
  std::uint64_t left = t.records_read;
  bool adds_up = t.chunks == read.chunks && t.bytes == read.bytes && t.records_read == read.records;
  for (const std::uint64_t part :
       {t.counts.rows_stored, t.counts.rows_updated, t.counts.rows_unchanged, t.rows_rejected,
        t.counts.rows_skipped}) {
    adds_up = adds_up && part <= left;
    left -= std::min(left, part);
  }
  if (end.finished && !(adds_up && left == 0))
    row.refuse("it says that the load is finished, with other sums than were read");
  return end;
}

asio::awaitable<Finish> finish_load(pg::Connection& on, LoadId id, const Read& read, double seconds,
                                    const std::string& stamp) {
  const auto results = co_await on.query(
      "begin; " + std::string(without_waiting) +
      finish_statement(id_text(id), read, std::to_string(seconds), stamp) + "commit");
  co_return read_finish(results.last(1), read);
}

}  // namespace sluice::ledger
