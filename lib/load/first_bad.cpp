#include "load/first_bad.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::load {
namespace {

using writer::Refusal;

/// A record that is known to be bad, and what the server says of it.
struct Suspect {
  std::uint64_t record = 0;
  std::optional<Refusal> refusal;  ///< nothing: reading found it
};

/// One chunk under examination.
struct Examination {
  pg::Pool& pool;
  const writer::CopyWriter& writer;
  const source::Chunk& chunk;
  tuple::Encoder encoder;
  tuple::Batch batch;

  /// Which record the server's error means, where it names one.
  std::optional<std::uint64_t> record_of(const Refusal& refusal) {
    if (!refusal.tuple || refusal.lane == Refusal::Lane::none) return std::nullopt;
    const auto lane = refusal.lane == Refusal::Lane::fast ? tuple::Encoder::LaneName::fast
                                                          : tuple::Encoder::LaneName::slow;
    const auto found = encoder.find(chunk.parse_input(), lane, *refusal.tuple);
    if (!found) return std::nullopt;
    return found->record;
  }
};

/// What the server says to the first `count` records alone; nothing if it takes them.
asio::awaitable<std::optional<Refusal>> probe(Examination& on, std::uint64_t count) {
  if (count == 0) co_return std::nullopt;
  on.encoder.encode(on.chunk.parse_input(), on.batch, {0, count});
  pg::Lease lease = co_await on.pool.acquire();
  std::optional<Refusal> refusal;
  try {
    co_await on.writer.probe(*lease, on.batch);
  } catch (const Refusal& error) {
    refusal = error;
  }
  co_return refusal;
}

/// The smallest number of records that the server refuses, where it refuses `count` and names none
/// of them. Throws the refusal where it takes them now: then no record is at fault.
asio::awaitable<Suspect> bisect(Examination& on, std::uint64_t count, Refusal refusal) {
  const std::optional<Refusal> still = co_await probe(on, count);
  if (!still) throw Refusal(refusal);
  refusal = *still;
  std::uint64_t good = 0;
  std::uint64_t bad = count;
  while (bad - good > 1) {
    const std::uint64_t middle = good + (bad - good) / 2;
    std::optional<Refusal> answer = co_await probe(on, middle);
    if (answer) {
      bad = middle;
      refusal = std::move(*answer);
    } else {
      good = middle;
    }
  }
  co_return Suspect{bad - 1, std::move(refusal)};
}

std::string shown(const std::string& value) {
  if (value.size() <= limits::value_shown_bytes) return value;
  std::size_t end = limits::value_shown_bytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0U) == 0x80)
    --end;  // not inside a character
  return value.substr(0, end) + "...";
}

/// Which CSV column the server or the codecs blame.
std::optional<std::size_t> blamed_field(const Plan& plan, const tuple::FoundRecord& found,
                                        const Refusal& refusal) {
  const auto& fields = plan.encoder.fields;
  const auto named = [&](std::string_view column) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].ignored && fields[i].column == column) return i;
    }
    return std::nullopt;
  };
  if (!refusal.column.empty()) return named(refusal.column);
  if (!refusal.state.in_class("22")) return std::nullopt;
  // COPY's context ends "..., column fare" or "..., column fare: "12x"". The longest column name
  // that stands there wins.
  const std::string first_line = refusal.context.substr(0, refusal.context.find('\n'));
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].ignored) continue;
    const std::size_t at = first_line.find(" " + fields[i].column);
    if (at == std::string::npos) continue;
    const char behind = at + 1 + fields[i].column.size() < first_line.size()
                            ? first_line[at + 1 + fields[i].column.size()]
                            : '\0';
    if (behind != '\0' && behind != ':' && behind != ' ') continue;
    if (!best || fields[i].column.size() > fields[*best].column.size()) best = i;
  }
  return best ? best : found.unsure_field;
}

tuple::Reject describe(Examination& on, const Plan& plan, const Suspect& suspect) {
  tuple::Reject reject;
  const auto found = on.encoder.find(on.chunk.parse_input(), suspect.record);
  if (!found) return reject;
  reject.begin = found->begin;
  reject.size = found->size;
  reject.position = on.chunk.position_of(found->begin, found->record, plan.encoder.line_end);
  reject.sql_state = suspect.refusal->state.code();
  reject.constraint = suspect.refusal->constraint;
  reject.message = suspect.refusal->message;
  if (!suspect.refusal->detail.empty()) reject.message += " (" + suspect.refusal->detail + ")";
  if (const auto field = blamed_field(plan, *found, *suspect.refusal)) {
    reject.column = plan.encoder.fields[*field].column;
    if (*field < found->values.size()) reject.value = found->values[*field];
  }
  return reject;
}

BadRecord failure_of(const Plan& plan, tuple::Reject reject) {
  std::string message = at(plan.source->name(), reject.position.line) + ": ";
  if (!reject.column.empty()) {
    message += fmt::format("column \"{}\": ", reject.column);
    if (!reject.value.empty()) message += fmt::format("value \"{}\": ", shown(reject.value));
  }
  message += reject.message;
  message += fmt::format("\n  record {}, byte {}, SQLSTATE {}", reject.position.record,
                         reject.position.byte_offset, reject.sql_state);
  return {plan.source->name(), std::move(reject), message};
}

}  // namespace

asio::awaitable<BadRecord> find_first_bad(pg::Pool& pool, const writer::CopyWriter& writer,
                                          const Plan& plan, const source::Chunk& chunk,
                                          const tuple::Batch& batch,
                                          std::optional<Refusal> refusal) {
  Examination on{pool, writer, chunk, tuple::Encoder(plan.encoder), {}};
  std::uint64_t known_bad =
      batch.records;  // all records in front of this one are still under suspicion
  std::optional<tuple::Reject> read_reject;
  if (!batch.rejects.empty()) {
    read_reject = batch.rejects.front();
    known_bad = read_reject->position.record;
    refusal = co_await probe(on, known_bad);
  }
  std::optional<Suspect> first;
  while (refusal) {
    const auto record = on.record_of(*refusal);
    if (record && *record < known_bad) {
      first = Suspect{*record, refusal};
      known_bad = *record;
    } else {
      first = co_await bisect(on, known_bad, *refusal);
      known_bad = first->record;
    }
    refusal = co_await probe(on, known_bad);
  }
  tuple::Reject reject;
  if (first) {
    reject = describe(on, plan, *first);
  } else if (read_reject) {
    reject = *read_reject;
    reject.position =
        chunk.position_of(reject.begin, reject.position.record, plan.encoder.line_end);
  }
  co_return failure_of(plan, std::move(reject));
}

}  // namespace sluice::load
