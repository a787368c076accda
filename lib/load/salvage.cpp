#include "load/salvage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "load/splitter.hpp"
#include "tuple/tuple_range.hpp"

namespace sluice::load {
namespace {

using tuple::LaneName;
using writer::Refusal;

/// A tuple that the server refuses alone, and what it says.
struct BadTuple {
  tuple::TupleName name;
  Refusal refusal;
};

/// One chunk under examination.
struct Examination {
  pg::Connection& connection;
  const writer::Writer& writer;
  std::int64_t chunk;
  const tuple::Batch& batch;
  tuple::Lanes lanes = tuple::Lanes::both;     ///< as the batch was encoded
  std::function<bool(std::size_t)> may_go_on;  ///< none: only the first bad one of each lane counts
  RowCounts counts;
  std::vector<BadTuple> bad;
  bool is_complete = true;
  bool is_probed = false;           ///< a part without tuples was not refused
  bool takes_some = false;          ///< a tuple was taken, or it does not matter
  std::uint64_t refused_alike = 0;  ///< one behind the other, with the first one's SQLSTATE
};

Examination examine(pg::Connection& connection, const writer::Writer& writer, std::int64_t chunk,
                    const tuple::Batch& batch, std::function<bool(std::size_t)> may_go_on) {
  return {connection, writer, chunk, batch, tuple::Lanes::both, std::move(may_go_on), {}, {}};
}

/// True where the refusal may be due to the lanes' not keeping the file's order: the key of a
/// record in front of the first of its kind, a record in front of the one that it refers to.
bool order_may_matter(const Examination& on, const Refusal& refusal) {
  if (on.batch.fast.tuples == 0 || on.batch.slow.tuples == 0) return false;
  const SqlState& state = refusal.state;
  if (state == sql_state::foreign_key_violation) return true;
  return refusal.lane == LaneName::fast &&
         (state == sql_state::unique_violation || state == sql_state::exclusion_violation);
}

enum class End { finished, stopped, order_matters };

/// True where COPY was reading or storing a tuple when it was refused: it is not the statement.
bool is_of_a_tuple(const Refusal& refusal) { return !refusal.copy_line.empty(); }

/// Throws what the server says to a part without tuples: rights, a table that is gone, a trigger of
/// the statement.
asio::awaitable<void> probe_without_tuples(Examination& on, LaneName lane) {
  on.is_probed = true;
  const tuple::TupleRange none = tuple::TupleCutter(on.batch, lane).cut(0, 0);
  std::optional<Refusal> refusal = co_await on.writer.probe(on.connection, on.chunk, none);
  if (refusal) throw Refusal(*refusal);
}

/// Tuples behind `first` all over the lane, each alone. Throws the first one's refusal where none
/// is taken: a trigger of the statement that wants rows refuses all of them, and whoever allows
/// many rejects would wait for each.
asio::awaitable<void> probe_all_over(Examination& on, LaneName lane, std::uint64_t first) {
  const std::uint64_t left = on.batch.lane(lane).tuples - first;
  if (left == 0) co_return;
  on.takes_some = true;
  std::optional<Refusal> last;
  for (std::uint64_t i = 1; i <= limits::probes_max; ++i) {
    const std::uint64_t at = first + (left - 1) * i / limits::probes_max;
    const tuple::TupleRange one = tuple::TupleCutter(on.batch, lane).cut(at, at + 1);
    last = co_await on.writer.probe(on.connection, on.chunk, one);
    if (!last || !(last->state == on.bad.front().refusal.state.code())) co_return;
  }
  last->hint +=
      (last->hint.empty() ? "" : "\n") +
      std::string(
          "Every row that was tried is refused like this, so it is not a single one's fault.");
  throw Refusal(*last);
}

/// What can be said of a refused tuple when those around it are known.
asio::awaitable<void> look_around(Examination& on, LaneName lane, std::uint64_t behind) {
  const Refusal& refusal = on.bad.back().refusal;
  const bool is_data =
      refusal.state.in_class("22") || refusal.state.in_class("23") || refusal.state.in_class("44");
  const bool is_alike = refusal.state == on.bad.front().refusal.state.code();
  if (on.takes_some || is_data || !is_alike || is_of_a_tuple(refusal)) {
    on.takes_some = true;
    co_return;
  }
  if (++on.refused_alike == limits::refused_alike_max) co_await probe_all_over(on, lane, behind);
}

/// Puts the good tuples of a lane in, and collects the bad ones.
asio::awaitable<End> sift(Examination& on, LaneName lane) {
  tuple::TupleCutter cutter(on.batch, lane);
  Splitter splitter(on.batch.lane(lane).tuples);
  while (!splitter.done()) {
    const auto [first, end] = splitter.range();
    const tuple::TupleRange range = cutter.cut(first, end);
    std::optional<Refusal> refusal;
    try {
      on.counts += co_await on.writer.put(on.connection, on.chunk, range);
    } catch (const Refusal& error) {
      if (error.nature() != ErrorNature::data) throw;
      refusal = error;
    }
    if (!refusal) {
      on.takes_some = true;
      splitter.accepted();
      continue;
    }
    if (!on.is_probed && !is_of_a_tuple(*refusal)) co_await probe_without_tuples(on, lane);
    std::optional<Splitter::Range> named;
    if (refusal->names_tuples()) named = {first + refusal->first, first + refusal->end};
    if (!splitter.refused(named)) continue;
    if (order_may_matter(on, *refusal)) co_return End::order_matters;
    on.bad.push_back({{lane, first}, std::move(*refusal)});
    if (!on.may_go_on) co_return End::finished;
    co_await look_around(on, lane, end);
    if (on.may_go_on(on.bad.size())) continue;
    on.is_complete = false;
    co_return End::stopped;
  }
  co_return End::finished;
}

/// Both lanes. Where the order matters `ordered` takes the chunk as one lane, and is sifted
/// instead.
asio::awaitable<void> sift(Resources resources, Examination& on, const Plan& plan,
                           const source::Chunk& chunk, tuple::Batch& ordered) {
  bool by_lanes = !on.writer.needs_file_order();
  for (const LaneName lane : {LaneName::slow, LaneName::fast}) {
    if (!by_lanes) break;
    const End end = co_await sift(on, lane);
    if (end == End::stopped) co_return;
    if (end == End::finished) continue;
    co_await on.writer.start_over(on.connection);
    by_lanes = false;
  }
  if (by_lanes) co_return;
  const auto encode = [&plan, &chunk, &ordered] {
    tuple::Encoder(plan.encoder)
        .encode(chunk.parse_input(), ordered, chunk.start.record, tuple::Lanes::only_slow);
  };
  co_await async::offload(resources.cpu, encode);
  Examination again = examine(on.connection, on.writer, on.chunk, ordered, on.may_go_on);
  co_await sift(again, LaneName::slow);
  on.lanes = tuple::Lanes::only_slow;
  on.counts = again.counts;
  on.bad = std::move(again.bad);
  on.is_complete = again.is_complete;
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
  if (!refusal.table.empty()) return std::nullopt;  // a row is at fault, not a value
  // COPY's context ends "..., column fare" or "..., column fare: "12x""; an input function's own
  // lines stand above it. The longest column name that stands there wins.
  const std::string& line = refusal.copy_line;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].ignored) continue;
    const std::size_t at = line.find(" " + fields[i].column);
    if (at == std::string::npos) continue;
    const char behind = at + 1 + fields[i].column.size() < line.size()
                            ? line[at + 1 + fields[i].column.size()]
                            : '\0';
    if (behind != '\0' && behind != ':' && behind != ' ') continue;
    if (!best || fields[i].column.size() > fields[*best].column.size()) best = i;
  }
  if (best || !refusal.state.in_class("22")) return best;
  return found.unsure_field;
}

tuple::Reject reject_of(const Plan& plan, const tuple::FoundRecord& found, const Refusal& refusal) {
  tuple::Reject reject;
  reject.begin = found.begin;
  reject.size = found.size;
  reject.position.record = found.record;
  reject.sql_state = refusal.state.code();
  reject.constraint = refusal.constraint;
  reject.message = refusal.message;
  if (!refusal.detail.empty()) reject.message += " (" + refusal.detail + ")";
  if (const auto field = blamed_field(plan, found, refusal)) {
    reject.column = plan.encoder.fields[*field].column;
    if (*field < found.values.size()) reject.value = found.values[*field];
  }
  return reject;
}

/// All bad records of a chunk: those that could not be read, and those that the server refused.
std::vector<tuple::Reject> describe(const Examination& on, const Plan& plan,
                                    const source::Chunk& chunk) {
  std::vector<tuple::Reject> rejects = on.batch.rejects;
  std::vector<tuple::TupleName> names;
  for (const BadTuple& bad : on.bad) names.push_back(bad.name);
  const auto found = tuple::Encoder(plan.encoder).find(chunk.parse_input(), names, on.lanes);
  for (std::size_t i = 0; i < found.size(); ++i)
    rejects.push_back(reject_of(plan, found[i], on.bad[i].refusal));
  std::ranges::sort(rejects, {}, &tuple::Reject::begin);
  source::PositionCounter positions(chunk, plan.encoder.line_end);
  for (tuple::Reject& reject : rejects)
    reject.position = positions.at(reject.begin, reject.position.record);
  return rejects;
}

std::string shown(const std::string& value) {
  if (value.size() <= limits::value_shown_bytes) return value;
  std::size_t end = limits::value_shown_bytes;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0U) == 0x80)
    --end;  // not inside a character
  return value.substr(0, end) + "...";
}

}  // namespace

asio::awaitable<Salvaged> salvage(Resources on, pg::Connection& connection,
                                  const writer::Writer& writer, const Plan& plan,
                                  const source::Chunk& chunk, const tuple::Batch& batch,
                                  std::function<bool(std::size_t)> may_go_on) {
  Examination examination = examine(connection, writer, chunk.number, batch, std::move(may_go_on));
  tuple::Batch ordered;
  co_await sift(on, examination, plan, chunk, ordered);
  const auto describe_all = [&examination, &plan, &chunk] {
    return describe(examination, plan, chunk);
  };
  Salvaged salvaged{examination.counts};
  salvaged.is_complete = examination.is_complete;
  salvaged.rejects = co_await async::offload(on.cpu, describe_all);
  co_return salvaged;
}

asio::awaitable<std::optional<tuple::Reject>> find_first_bad(
    Resources on, pg::Connection& connection, const writer::Writer& writer, const Plan& plan,
    const source::Chunk& chunk, const tuple::Batch& batch, const std::optional<Refusal>& refusal) {
  ledger::ChunkEntry entry;
  entry.number = chunk.number;
  const bool begun = co_await writer.begin(connection, entry);
  if (!begun) throw Refusal(*refusal);
  Salvaged found = co_await salvage(on, connection, writer, plan, chunk, batch, {});
  co_await writer.roll_back(connection);
  if (found.rejects.empty()) co_return std::nullopt;
  co_return std::move(found.rejects.front());
}

std::function<bool(tuple::Reject&)> each_of(const std::vector<tuple::Reject>& rejects) {
  return [at = rejects.begin(), end = rejects.end()](tuple::Reject& reject) mutable {
    if (at == end) return false;
    reject = *at++;
    return true;
  };
}

std::string text_of(const std::string& source, const tuple::Reject& reject) {
  std::string text = at(source, reject.position.line) + ": ";
  if (!reject.column.empty()) {
    text += fmt::format("column \"{}\": ", reject.column);
    if (!reject.value.empty()) text += fmt::format("value \"{}\": ", shown(reject.value));
  }
  return text + reject.message;
}

}  // namespace sluice::load
