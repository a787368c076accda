#include "load/attempt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "load/foretell.hpp"
#include "load/held_transactions.hpp"
#include "rejects/salvage.hpp"
#include "source/transcoder.hpp"

namespace sluice::load {

namespace {

/// One try at one chunk.
struct Attempt {
  Storing& with;
  const chunk::Chunk& chunk;
  tuple::Batch& batch;
  bool follows_a_lost_one = false;         ///< its connection may live on at the server
  bool sifts = false;                      ///< looks for bad records
  std::optional<writer::Refusal> refusal;  ///< why it does
  Stored stored;                           ///< what the last try was about to store
  Foretold foretold;
};

asio::awaitable<void> store_whole(Attempt& a, pg::Connection& connection) {
  const ledger::ChunkEntry entry = entry_of(a.chunk, a.batch);
  const writer::Outcome outcome = co_await a.with.writer.write(connection, a.batch, entry);
  a.with.budget.use(a.batch.records, 0);
  // A chunk that an attempt with a lost answer had stored counts all the same.
  if (outcome.already_stored && a.stored.counts.rows() > 0) co_return;
  a.stored.counts = outcome.counts;
  if (outcome.already_stored) a.stored.counts.rows_stored = a.batch.tuples();
  a.stored.counts.rows_skipped += a.batch.blank_lines;
}

/// Whether the budget allows the bad records found so far, with those that reading refused.
std::function<bool(std::size_t)> may_go_on(const Attempt& a) {
  return [&a](std::size_t refused) {
    return a.with.budget.allows(a.batch.records, refused + a.batch.rejects);
  };
}

rejects::Sifting sifting_of(const Attempt& a, pg::Connection& connection) {
  return {a.with.plan.reading(), a.with.on.cpu, connection, a.with.writer, a.chunk, a.batch,
          &a.foretold.refused};
}

/// Into the file, or by what runs on the connection into the table.
asio::awaitable<void> keep_anywhere(const Attempt& a, pg::Connection& connection,
                                    const rejects::Refused& refused) {
  const Storing& with = a.with;
  if (with.rejects_table == nullptr) {
    const auto keep = [&a, &refused] { keep_rejects(a.with, a.chunk, refused); };
    co_return co_await async::offload(with.on.cpu, keep);
  }
  rejects::BadRecords bad(with.plan.reading(), a.chunk, &refused);
  rejects::RejectTable::Next next = [&bad](tuple::Reject& reject) { return bad.next(reject); };
  co_await with.writer.end_parts(connection);
  co_await with.rejects_table->write(connection, with.on.cpu, a.chunk, std::move(next));
}

/// The bad records that end a load are kept although their chunk is not stored: they are why.
asio::awaitable<void> keep_as_reason(const Attempt& a, pg::Connection& connection,
                                     const rejects::Refused& refused) {
  const bool is_in_file = a.with.rejects_table == nullptr;
  if (is_in_file) co_await keep_anywhere(a, connection, refused);
  co_await a.with.writer.roll_back(connection);
  if (is_in_file) co_return;
  co_await connection.query("begin");
  co_await keep_anywhere(a, connection, refused);
  co_await connection.query("commit");
}

/// Stores what is good, in one transaction with the ledger's row.
asio::awaitable<void> store_sifted(Attempt& a, pg::Connection& connection) {
  const Storing& with = a.with;
  refuse_ragged(with, a.chunk, a.batch);
  ledger::ChunkEntry entry = entry_of(a.chunk, a.batch);
  const bool is_claimed = co_await with.writer.begin(connection, entry);
  if (!is_claimed) {  // an attempt whose answer was lost has stored it
    with.budget.use(a.batch.records, a.stored.rows_rejected);
    co_return;
  }
  const rejects::Sifting sifting = sifting_of(a, connection);
  const rejects::Salvaged salvaged = co_await rejects::salvage(sifting, may_go_on(a));
  const std::uint64_t rejects = salvaged.rejects;
  if (a.foretold.is_asked && salvaged.refused.count() > a.foretold.refused.size())
    with.suspicion.note_missed();
  if (!salvaged.is_complete || !with.budget.allows(a.batch.records, rejects)) {
    co_await keep_as_reason(a, connection, salvaged.refused);
    const auto last = [&a, &salvaged] { return last_of(a.with, a.chunk, salvaged.refused); };
    tuple::Reject reject = co_await async::offload(with.on.cpu, last);
    throw failure_of(with, a.chunk, std::move(reject), rejects);
  }
  a.stored = {salvaged.counts, rejects};
  a.stored.counts.rows_skipped += a.batch.blank_lines;
  entry.counts = a.stored.counts;
  entry.rows_rejected = rejects;
  // From here on, before anything is waited for: another chunk must not use the same room.
  with.budget.use(a.batch.records, rejects);
  std::exception_ptr failed;
  try {
    if (rejects > 0) co_await keep_anywhere(a, connection, salvaged.refused);
    co_await with.writer.commit(connection, entry);
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  with.budget.give_back(a.batch.records, rejects);
  std::rethrow_exception(failed);
}

asio::awaitable<void> name_first_bad(Attempt& a, pg::Connection& connection) {
  const rejects::Sifting sifting = sifting_of(a, connection);
  std::optional<tuple::Reject> first = co_await rejects::find_first_bad(sifting, a.refusal);
  if (first) throw failure_of(a.with, a.chunk, std::move(*first), 1);
  // In the order of the file, and in parts, no record is bad.
  co_await store_sifted(a, connection);
}

/// Records that may be refused as that one was go in a part of their own.
asio::awaitable<void> part_suspects(Attempt& a, pg::Connection& connection) {
  Suspicion& suspicion = a.with.suspicion;
  co_await suspicion.learn(connection, *a.refusal);
  const tuple::EncoderPlan& plan = suspicion.encoder();
  if (a.batch.made_by == &plan || a.foretold.plan) co_return;
  const auto encode = [&a, &plan] {
    tuple::Encoder(plan).encode(a.chunk.parse_input(), a.batch, a.chunk.start);
  };
  co_await async::offload(a.with.on.cpu, encode);
}

/// Throws what ends the attempt; a refusal for which the next one will sift is kept instead.
asio::awaitable<bool> try_once_on(Attempt& a, pg::Connection& connection) {
  if (a.follows_a_lost_one) co_await a.with.writer.end_former_attempt(connection, a.chunk.number);
  a.follows_a_lost_one = false;
  const bool may_reject = a.with.budget.limits().allow_any();
  if (may_reject && !a.foretold.is_asked && a.with.suspicion.wants_trial(a.batch)) {
    co_await foretell(a.with, a.chunk, a.batch, connection, a.foretold);
    a.sifts = a.sifts || a.batch.suspects > 0;
  }
  if (a.sifts) {
    if (may_reject) {
      co_await store_sifted(a, connection);
    } else {
      co_await name_first_bad(a, connection);
    }
    co_return true;
  }
  try {
    co_await store_whole(a, connection);
    co_return true;
  } catch (const writer::Refusal& error) {
    if (error.nature() != ErrorNature::data) throw;
    a.refusal = error;
  }
  if (may_reject) co_await part_suspects(a, connection);
  a.sifts = true;
  co_return false;
}

asio::awaitable<bool> try_once(Attempt& a) {
  if (a.with.in != nullptr) {
    const HeldTransactions::Turn turn = co_await a.with.in->take();
    co_return co_await try_once_on(a, turn.connection());
  }
  pg::Lease lease = co_await a.with.on.pool.acquire();
  co_return co_await try_once_on(a, *lease);
}

/// The whole chunk at once, and if a record is refused in parts.
asio::awaitable<void> try_and_sift(Attempt& a) {
  try {
    while (!co_await try_once(a)) {
    }
  } catch (const pg::PgError& error) {
    a.follows_a_lost_one = error.nature() == ErrorNature::lost;
    a.foretold.is_asked = false;
    throw;
  }
}

}  // namespace

asio::awaitable<Stored> store(Storing& with, const chunk::Chunk& chunk, tuple::Batch& batch) {
  Attempt attempt{with, chunk, batch, false, batch.rejects > 0 || batch.suspects > 0, {}, {}, {}};
  const auto try_it = [&attempt] { return try_and_sift(attempt); };
  const auto decide = [&attempt](const std::exception_ptr& failure, std::size_t tries,
                                 std::chrono::milliseconds elapsed) {
    const auto delay = attempt.with.policy.next(failure, tries, elapsed);
    if (delay) ++attempt.with.retries;
    return delay;
  };
  try {
    co_await async::retry(try_it, decide);
  } catch (const pg::PgError& error) {
    throw of_lines(with, chunk, error);
  }
  co_return attempt.stored;
}

ledger::ChunkEntry entry_of(const chunk::Chunk& chunk, const tuple::Batch& batch) {
  ledger::ChunkEntry entry;
  entry.number = chunk.number;
  entry.start = chunk.start;
  entry.byte_count = chunk.size;
  entry.records_read = batch.records;
  entry.counts.rows_stored = batch.tuples();
  entry.counts.rows_skipped = batch.blank_lines;
  entry.rows_rejected = batch.rejects;
  entry.digest = chunk.digest;
  entry.lines = chunk.lines;
  return entry;
}

pg::PgError of_lines(const Storing& with, const chunk::Chunk& chunk, pg::PgError error) {
  if (!error.session_goes_on) return error;
  error.message = fmt::format("{}: lines {} to {}: {}", with.plan.source->name(), chunk.start.line,
                              chunk.start.line + chunk.lines - 1, error.message);
  return error;
}

void refuse_ragged(const Storing& with, const chunk::Chunk& chunk, const tuple::Batch& batch) {
  if (with.plan.encoder.policy.ragged != tuple::Ragged::error) return;
  if (batch.ragged == 0) return;
  rejects::BadRecords bad(with.plan.reading(), chunk, nullptr);
  tuple::Reject reject;
  while (bad.next(reject) && !reject.ragged) {
  }
  const std::string& source = with.plan.source->name();
  std::string message =
      rejects::text_of(source, reject) + "\n  Such records end the load (see --ragged).";
  throw BadRecord(FailureKind::bad_record, source, std::move(reject), message);
}

void keep_rejects(const Storing& with, const chunk::Chunk& chunk, const rejects::Refused& refused) {
  if (with.rejects == nullptr) return;
  rejects::BadRecords bad(with.plan.reading(), chunk, &refused);
  with.rejects->append(chunk, [&bad](tuple::Reject& reject) { return bad.next(reject); });
}

tuple::Reject last_of(const Storing& with, const chunk::Chunk& chunk,
                      const rejects::Refused& refused) {
  rejects::BadRecords bad(with.plan.reading(), chunk, &refused);
  tuple::Reject reject;
  while (bad.next(reject)) {
  }
  return reject;
}

namespace {

/// What the record may be in, and would be then.
std::string likely_encodings(const chunk::Chunk& chunk, const tuple::Reject& reject) {
  const std::string_view record =
      chunk.bytes().substr(reject.begin, std::min<std::size_t>(reject.size, 200));
  std::string text;
  if (record.contains('\0')) return text;
  for (const source::Encoding& encoding : source::likely_encodings(record, 2))
    text += fmt::format("\n  --encoding {}: {}", encoding.name,
                        printable_line(source::in_utf8(record, encoding)));
  return text;
}

}  // namespace

BadRecord failure_of(const Storing& with, const chunk::Chunk& chunk, tuple::Reject reject,
                     std::uint64_t rejects) {
  const std::string& source = with.plan.source->name();
  std::string message = rejects::text_of(source, reject);
  message += fmt::format("\n  record {}, byte {}, SQLSTATE {}", reject.position.record,
                         reject.position.byte_offset, reject.sql_state);
  const bool has_budget = with.budget.limits().allow_any();
  message += has_budget ? "\n  " + with.budget.explain(rejects) + ": stopped here"
                        : " (--max-rejects N loads the rest)";
  const bool is_no_utf8 = reject.sql_state == sql_state::character_not_in_repertoire;
  if (is_no_utf8 && chunk.encoding == nullptr) message += likely_encodings(chunk, reject);
  // Days, months and years in an order that the session does not read.
  if (reject.sql_state == sql_state::datetime_field_overflow)
    message += "\n  --set datestyle=dmy (or mdy, ymd) says in which order dates are";
  return {has_budget ? FailureKind::budget : FailureKind::bad_record, source, std::move(reject),
          message};
}

}  // namespace sluice::load
