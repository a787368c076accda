#include "rejects/reject_table.hpp"

#include <limits>

#include "async/offload.hpp"
#include "base/columns.hpp"
#include "base/hex.hpp"
#include "base/limits.hpp"

namespace sluice::rejects {
namespace {

constexpr std::int64_t in_front = -1;
constexpr std::int64_t behind = std::numeric_limits<std::int64_t>::max();

/// Of rows of pgsluice.rejects: which are records.
constexpr SqlWords are_records = "chunk between 0 and 9223372036854775806";

/// As bytea reads it.
Sql bytes_literal(std::string_view bytes) {
  return sql("pg_catalog.decode({}, 'hex')", literal(hex_of(bytes)));
}

/// Rows of a chunk's rejects as SQL, until there are so many bytes or no more.
struct Rows {
  Sql values;
  std::int64_t next_place = 0;
};

Rows rows_of(RejectText& text, const Sql& load, std::int64_t chunk, std::int64_t place,
             const RejectTable::Next& next) {
  Rows rows{{}, place};
  std::string record;
  std::string reason;
  for (tuple::Reject reject;
       rows.values.text().size() < limits::reject_buffer_bytes && next(reject);) {
    record.clear();
    reason.clear();
    text.add(reject, record, reason);
    if (!rows.values.empty()) rows.values += SqlWords(", ");
    rows.values += sql("({}, {}, {}, {}, {})", load, chunk, rows.next_place++,
                       bytes_literal(record), literal(reason));
  }
  return rows;
}

}  // namespace

Sql RejectTable::frame_statement(const Sql& load) const {
  return sql(
      "insert into pgsluice.rejects (load_id, chunk, place, record) values ({}, {}, 0, {}), ({}, "
      "{}, 0, {}) on conflict do nothing; ",
      load, in_front, bytes_literal(about_.bytes_in_front()), load, behind,
      bytes_literal(about_.bytes_behind()));
}

asio::awaitable<void> RejectTable::write(pg::Connection& on, asio::thread_pool& cpu,
                                         const chunk::Chunk& chunk, Next next) const {
  const Sql load = sql("{}", about_.load->value);
  const Sql clear =
      sql("delete from pgsluice.rejects where load_id = {} and chunk = {}", load, chunk.number);
  co_await on.query(clear);
  RejectText text(about_, chunk, std::nullopt);
  Rows rows;
  for (;;) {
    const auto make = [&] { return rows_of(text, load, chunk.number, rows.next_place, next); };
    rows = co_await async::offload(cpu, make);
    if (rows.values.empty()) co_return;
    const Sql insert =
        sql("insert into pgsluice.rejects (load_id, chunk, place, record, reason) values {}",
            rows.values);
    co_await on.query(insert);
  }
}

asio::awaitable<void> RejectTable::settle(pg::Connection& on, LoadId load) {
  const Sql statement = sql(
      "delete from pgsluice.rejects r where r.load_id = {} and r.{} and not exists (select from "
      "pgsluice.chunks c where c.load_id = r.load_id and c.chunk = r.chunk)",
      load.value, are_records);
  co_await on.query(statement);
}

asio::awaitable<std::uint64_t> RejectTable::count(pg::Connection& on, LoadId load) {
  const Sql question = sql("select count(*) from pgsluice.rejects where load_id = {} and {}",
                           load.value, are_records);
  const auto results = co_await on.query(question);
  co_return static_cast<std::uint64_t>(results.back().integer(0, 0));
}

asio::awaitable<bool> RejectTable::are_rejected(pg::Connection& on, ChunkId chunk,
                                                std::uint64_t first, std::uint64_t lines) {
  const Sql question = sql(
      "select count(distinct reason->>'line') = {} from pgsluice.rejects where load_id = {} and "
      "chunk = {} and (reason->>'line')::numeric >= {} and (reason->>'line')::numeric < {}",
      lines, chunk.load.value, chunk.number, first, first + lines);
  const auto results = co_await on.query(question);
  co_return results.back().boolean(0, 0);
}

asio::awaitable<std::string> RejectTable::read(pg::Connection& on, LoadId load, What what,
                                               Place& place) {
  static constexpr auto of = columns_of({
      {"chunk", "r.chunk"},
      {"place", "r.place"},
      {"text", "r.text"},
  });
  const SqlWords text = what == What::records ? SqlWords("encode(record, 'hex')")
                                              : SqlWords("coalesce(reason::text || e'\n', '')");
  // Records may be long: of many rows only those whose bytes begin within the first megabyte.
  const Sql question = sql(
      "select {} from (select chunk, place, {} as text, sum(octet_length(record)) over (order by "
      "chunk, place) - octet_length(record) as before from pgsluice.rejects where load_id = {} and "
      "(chunk, place) > ({}, {}) order by chunk, place limit 1000) r where r.before < 1048576 "
      "order "
      "by r.chunk, r.place",
      of.list(), text, load.value, place.chunk, place.number);
  const auto results = co_await on.query(question);
  const pg::Result& rows = results.back();
  std::string part;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::string_view one = rows.text(row, of["text"]);
    part += what == What::records ? bytes_of_hex(one) : std::string(one);
    place = {rows.integer(row, of["chunk"]), rows.integer(row, of["place"])};
  }
  // The frame alone may have no byte.
  if (part.empty() && rows.rows() > 0) co_return co_await read(on, load, what, place);
  co_return part;
}

}  // namespace sluice::rejects
