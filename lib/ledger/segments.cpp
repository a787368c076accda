#include "ledger/segments.hpp"

#include <charconv>

#include "base/columns.hpp"
#include "ledger/damaged.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

Sql array_of(const std::vector<std::int64_t>& numbers) {
  Sql text;
  for (const std::int64_t number : numbers)
    text += text.empty() ? sql("array[{}", number) : sql(",{}", number);
  text += sql("]::pg_catalog.int8[]");
  return text;
}

/// For IN, which must not be empty.
Sql list_of(const std::vector<std::int64_t>& numbers) {
  Sql list = sql("-1");
  for (const std::int64_t number : numbers) list += sql(",{}", number);
  return list;
}

/// Of numbers with commas between them.
std::vector<std::int64_t> numbers_of(std::string_view text) {
  std::vector<std::int64_t> numbers;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const auto [behind, error] = std::from_chars(at, end, numbers.emplace_back());
    if (error != std::errc()) return {};
    at = behind + 1;
  }
  return numbers;
}

Sql is_segment(LoadId load, std::int64_t number) {
  return sql("load_id = {} and segment = {}", load.value, number);
}

Read read_sums(const pg::Result& rows, int at, LoadId load) {
  return {.chunks = read_count(rows, 0, at, load, "chunks of segments"),
          .bytes = read_count(rows, 0, at + 1, load, "bytes of segments"),
          .records = read_count(rows, 0, at + 2, load, "records of segments")};
}

}  // namespace

RunLockNames names_of(const SegmentHolder& holder) {
  RunLockNames names = holder.lock;
  names.fingerprint += " part " + holder.id;
  names.head.clear();
  names.file.clear();
  return names;
}

Sql make_segments_statement(const Sql& load, std::int64_t count) {
  return sql(
      "insert into pgsluice.segments (load_id, segment) select {}, n from "
      "pg_catalog.generate_series(0, {}) n on conflict do nothing; ",
      load, count - 1);
}

asio::awaitable<std::optional<TakenSegment>> take_segment(pg::Connection& on,
                                                          const SegmentHolder& holder,
                                                          const std::vector<std::int64_t>& in_hand,
                                                          std::optional<std::int64_t> in_front_of) {
  static constexpr auto taken = columns_of({
      {"number", "s.segment"},
      {"former", "coalesce(f.holder, '')"},
  });
  const Sql numbers = list_of(in_hand);
  const Sql narrower =
      in_front_of ? sql(" and t.facts is null and t.segment < {}", *in_front_of) : Sql();
  // Whose lock is gone is gone. What the run has that has the load's lock, the next such run takes.
  const Sql is_held = RunLock::is_held_expression(
      holder.lock.target, sql("{} || ' part ' || t.holder", literal(holder.lock.fingerprint)));
  const Sql take = sql(
      "with free as (select t.segment, t.holder from pgsluice.segments t where t.load_id = {} and "
      "t.stored_at is null{} and (t.holder is null or (t.holder = {} and t.segment not in ({})) or "
      "(t.holder not in ('', {}) and not {})) order by t.segment limit 1 for update skip locked) "
      "update pgsluice.segments s set holder = {}, held_by = {} from free f where s.load_id = {} "
      "and s.segment = f.segment returning {}",
      holder.load.value, narrower, literal(holder.id), numbers, literal(holder.id), is_held,
      literal(holder.id), literal(holder.shown), holder.load.value, taken.list());
  const auto results = co_await on.query(take);
  const pg::Result& rows = results.back();
  if (rows.rows() == 0) co_return std::nullopt;
  TakenSegment segment;
  segment.number = static_cast<std::int64_t>(
      read_count(rows, 0, taken["number"], holder.load, "number of a segment", 1ULL << 31U));
  segment.former = rows.text(0, taken["former"]);
  if (segment.former == holder.id) segment.former.clear();
  co_return segment;
}

asio::awaitable<void> note_facts(pg::Connection& on, const SegmentHolder& holder,
                                 std::int64_t number, const std::vector<std::int64_t>& facts,
                                 bool lets_go) {
  const Sql let_go = lets_go ? sql(", holder = null, held_by = null") : Sql();
  const Sql is_mine = lets_go ? sql(" and holder = {}", literal(holder.id)) : Sql();
  const Sql note = sql("update pgsluice.segments set facts = {}{} where {}{}", array_of(facts),
                       let_go, is_segment(holder.load, number), is_mine);
  co_await on.query(note);
}

asio::awaitable<std::vector<std::vector<std::int64_t>>> find_facts(pg::Connection& on, LoadId load,
                                                                   std::int64_t from,
                                                                   std::int64_t to) {
  static constexpr auto found = columns_of({
      {"number", "segment"},
      {"facts", "pg_catalog.array_to_string(facts, ',')"},
  });
  const Sql ask = sql(
      "select {} from pgsluice.segments where load_id = {} and segment >= {} and segment < {} and "
      "facts is not null order by segment",
      found.list(), load.value, from, to);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::vector<std::vector<std::int64_t>> facts;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (rows.integer(row, found["number"]) != from + static_cast<std::int64_t>(row)) break;
    facts.push_back(numbers_of(rows.text(row, found["facts"])));
  }
  co_return facts;
}

asio::awaitable<void> require_scannable(pg::Connection& on, LoadId load, std::int64_t number) {
  static constexpr auto columns = columns_of({
      {"is_stored", "stored_at is not null and facts is null"},
  });
  const Sql ask = sql("select {} from pgsluice.segments where load_id = {} and segment = {}",
                      columns.list(), load.value, number);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) throw damaged(load, "segment " + std::to_string(number) + " is not there");
  if (row.boolean(0, columns["is_stored"]))
    throw damaged(load, "segment " + std::to_string(number) + " is stored, and was never scanned");
}

asio::awaitable<void> note_stored(pg::Connection& on, const SegmentHolder& holder,
                                  std::int64_t number, const Read& read) {
  const Sql note = sql(
      "update pgsluice.segments set stored_at = pg_catalog.clock_timestamp(), chunks = {}, bytes = "
      "{}, records = {} where {} and holder = {}",
      read.chunks, read.bytes, read.records, is_segment(holder.load, number), literal(holder.id));
  co_await on.query(note);
}

asio::awaitable<SegmentsState> segments_state(pg::Connection& on, const SegmentHolder& holder,
                                              const std::vector<std::int64_t>& in_hand,
                                              const std::vector<std::int64_t>& left_out) {
  static constexpr auto sums = columns_of({
      {"unfinished", "count(*) filter (where stored_at is null)"},
      {"of_others", "count(*) filter (where stored_at is null and segment not in ({}))"},
      {"chunks", "coalesce(sum(chunks) filter (where stored_at is not null), 0)"},
      {"bytes", "coalesce(sum(bytes) filter (where stored_at is not null), 0)"},
      {"records", "coalesce(sum(records) filter (where stored_at is not null), 0)"},
  });
  static constexpr auto of_chunks = columns_of({
      {"records", "coalesce(sum(records_read), 0)"},
      {"rejects", "coalesce(sum(rows_rejected), 0)"},
  });
  const LoadId load = holder.load;
  pg::Batch batch;
  const auto of_segments = batch.add(sql("select {} from pgsluice.segments where load_id = {}",
                                         sums.list(list_of(in_hand)), load.value));
  const auto chunks =
      batch.add(sql("select {} from pgsluice.chunks where load_id = {} and chunk not in ({})",
                    of_chunks.list(), load.value, list_of(left_out)));
  const auto holders = batch.add(
      sql("select distinct holder from pgsluice.segments where load_id = {} and stored_at is null "
          "and holder not in ('', {})",
          load.value, literal(holder.id)));
  const Sql fingerprint = sql("{}", literal(holder.lock.fingerprint));
  const auto lead =
      batch.add(sql("select {}", RunLock::is_held_expression(holder.lock.target, fingerprint)));
  const auto results = co_await on.query(batch.text());
  SegmentsState state;
  state.has_lead = batch.answer(results, lead).boolean(0, 0);
  const pg::Result& segments = batch.answer(results, of_segments);
  state.unfinished = segments.integer(0, sums["unfinished"]);
  state.of_others = segments.integer(0, sums["of_others"]);
  state.read = read_sums(segments, sums["chunks"], load);
  const pg::Result& stored = batch.answer(results, chunks);
  state.records = read_count(stored, 0, of_chunks["records"], load, "records of chunks");
  state.rejects = read_count(stored, 0, of_chunks["rejects"], load, "rejects of chunks");
  const pg::Result& others = batch.answer(results, holders);
  for (std::size_t row = 0; row < others.rows(); ++row)
    state.others.emplace_back(others.text(row, 0));
  co_return state;
}

asio::awaitable<void> prepare_segments(pg::Connection& on, const SegmentHolder& holder,
                                       std::int64_t count, bool all_again) {
  const LoadId load = holder.load;
  if (all_again) co_await end_helpers(on, holder);
  constexpr SqlWords nothing_known = "stored_at = null, holder = null, held_by = null";
  pg::Batch batch(sql("begin; {}", make_segments_statement(sql("{}", load.value), count)));
  if (all_again) {
    // One that was paused may come behind the end of its load, by another.
    batch.add(
        sql("update pgsluice.segments set facts = null, {} where load_id = (select load_id from "
            "pgsluice.loads where load_id = {} and state = 'unfinished')",
            nothing_known, load.value));
  } else {
    batch.add(sql(
        "update pgsluice.segments s set {} where s.load_id = {} and s.stored_at is not null and "
        "(s.facts is null or not (select count(*) = s.chunks and coalesce(sum(c.byte_count), 0) = "
        "s.bytes and coalesce(sum(c.records_read), 0) = s.records from pgsluice.chunks c where "
        "c.load_id = s.load_id and c.chunk between s.segment::bigint << {} and "
        "((s.segment::bigint + 1) << {}) - 1))",
        nothing_known, load.value, segment_bits, segment_bits));
  }
  const auto all =
      batch.add(sql("select count(*) from pgsluice.segments where load_id = {}", load.value));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  if (batch.answer(results, all).integer(0, 0) != count)
    throw damaged(load, "there are more segments than its source has");
}

asio::awaitable<void> end_helpers(pg::Connection& on, SegmentHolder holder) {
  const Sql ask = sql(
      "select distinct holder from pgsluice.segments where load_id = {} and stored_at is null and "
      "holder <> ''",
      holder.load.value);
  const auto results = co_await on.query(ask);
  for (std::size_t row = 0; row < results.back().rows(); ++row) {
    holder.id = results.back().text(row, 0);
    RunLockNames names = names_of(holder);
    co_await RunLock::end_left(on, std::move(names));
  }
}

asio::awaitable<StoredChunks> stored_chunks_of(pg::Connection& on, LoadId load,
                                               std::int64_t segment) {
  const Sql which =
      sql(" and chunk between {} and {}", first_chunk_of(segment), first_chunk_of(segment + 1) - 1);
  co_return co_await stored_chunks(on, load, which);
}

asio::awaitable<SegmentsShown> show_segments(pg::Connection& on, LoadId load) {
  static constexpr auto shown = columns_of({
      {"by", "case when stored_at is null then coalesce(held_by, '') else '' end"},
      {"is_stored", "stored_at is not null"},
      {"count", "count(*)"},
  });
  const Sql ask =
      sql("select {} from pgsluice.segments where load_id = {} group by 1, 2 order by 1",
          shown.list(), load.value);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  SegmentsShown all;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::int64_t count = rows.integer(row, shown["count"]);
    std::string by(rows.text(row, shown["by"]));
    all.all += count;
    if (rows.boolean(row, shown["is_stored"])) {
      all.stored += count;
    } else if (!by.empty()) {
      all.held.push_back({std::move(by), count});
    }
  }
  co_return all;
}

}  // namespace sluice::ledger
