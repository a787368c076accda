#include "rejects/salvage.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/characters.hpp"
#include "rejects/splitter.hpp"
#include "tuple/tuple_range.hpp"

namespace sluice::rejects {
namespace {

using tuple::LaneName;
using writer::Refusal;

/// One chunk under examination.
struct Examination {
  const Sifting& what;
  const tuple::Batch& batch;                   ///< that of the chunk, or the one in file order
  std::function<bool(std::size_t)> may_go_on;  ///< none: only the first bad one of each lane counts
  RowCounts counts;
  Refused refused;
  SqlState first_state;  ///< of these
  bool is_complete = true;
  bool is_probed = false;              ///< a part without tuples was not refused
  std::size_t named_rightly = 0;       ///< tuples that were named were then refused alone
  bool takes_some = false;             ///< a tuple was taken, or it does not matter
  std::uint64_t refused_alike = 0;     ///< one behind the other, with the first one's SQLSTATE
  const Foretold* foretold = nullptr;  ///< of the slow lane
};

Examination examine(const Sifting& what, const tuple::Batch& batch,
                    std::function<bool(std::size_t)> may_go_on) {
  return {what, batch, std::move(may_go_on), {}, {}, {}};
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

/// The server's verdict on that one tuple, which its neighbours have no part in: it would be
/// refused alone too.
bool is_of_one_alone(const Examination& on, const Refusal& refusal) {
  const bool is_of_values = refusal.state.in_class(sql_class::data_exception) ||
                            refusal.state == sql_state::check_violation ||
                            refusal.state == sql_state::not_null_violation;
  return is_of_values && refusal.end == refusal.first + 1 && !on.what.reading.table.has_row_trigger;
}

/// What is said of a tuple when it is sent alone. That is not done any more where it would be what
/// was said of it among others, and names have proved to be right.
class Named {
 public:
  explicit Named(Examination& on) : on_(on) {}

  /// A part from `first` on was refused.
  void hear(std::uint64_t first, const Refusal& refusal) {
    refusal_.reset();
    if (!is_of_one_alone(on_, refusal)) return;
    tuple_ = first + refusal.first;
    refusal_ = refusal;
    refusal_->first = 0;
    refusal_->end = 1;
  }
  /// What is known of a part of one tuple.
  std::optional<Refusal> of(std::uint64_t first, std::uint64_t end) const {
    const bool is_known = refusal_ && end == first + 1 && first == tuple_;
    return is_known && on_.named_rightly >= limits::names_proved_min ? refusal_ : std::nullopt;
  }
  /// It was sent, and refused.
  void prove(std::uint64_t tuple) {
    if (refusal_ && tuple == tuple_) ++on_.named_rightly;
  }

 private:
  Examination& on_;
  std::uint64_t tuple_ = 0;
  std::optional<Refusal> refusal_;
};

/// Throws what the server says to a part without tuples: rights, a table that is gone, a trigger of
/// the statement.
asio::awaitable<void> probe_without_tuples(Examination& on, LaneName lane) {
  on.is_probed = true;
  const tuple::TupleRange none = tuple::TupleCutter(on.batch, lane).cut(0, 0);
  std::optional<Refusal> refusal =
      co_await on.what.writer.probe(on.what.connection, on.what.chunk.number, none);
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
    last = co_await on.what.writer.probe(on.what.connection, on.what.chunk.number, one);
    if (!last || !(last->state == on.first_state.code())) co_return;
  }
  last->hint +=
      (last->hint.empty() ? "" : "\n") +
      std::string(
          "Every row that was tried is refused like this, so it is not a single one's fault.");
  throw Refusal(*last);
}

/// What can be said of a refused tuple when those around it are known.
asio::awaitable<void> look_around(Examination& on, const Refusal& refusal, LaneName lane,
                                  std::uint64_t behind) {
  const bool is_data = refusal.state.in_class(sql_class::data_exception) ||
                       refusal.state.in_class(sql_class::integrity_constraint_violation) ||
                       refusal.state.in_class(sql_class::with_check_option_violation);
  const bool is_alike = refusal.state == on.first_state.code();
  if (on.takes_some || is_data || !is_alike || is_of_a_tuple(refusal)) {
    on.takes_some = true;
    co_return;
  }
  if (++on.refused_alike == limits::refused_alike_max) co_await probe_all_over(on, lane, behind);
}

/// Puts tuples in; why they were refused, or nothing.
asio::awaitable<std::optional<Refusal>> put(Examination& on, const tuple::TupleRange& tuples) {
  std::optional<Refusal> refusal;
  try {
    on.counts += co_await on.what.writer.put(on.what.connection, on.what.chunk.number, tuples);
  } catch (const Refusal& error) {
    if (error.nature() != ErrorNature::data) throw;
    refusal = error;
  }
  co_return refusal;
}

/// All of the slow lane but what is foretold, at once. False where something else in it is refused.
asio::awaitable<bool> put_but_foretold(Examination& on) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, refusal] : *on.foretold) numbers.push_back(number);
  const tuple::Batch rest = tuple::slow_without(on.batch, numbers);
  if (rest.slow.tuples == 0) co_return true;
  const std::optional<Refusal> refusal = co_await put(on, tuple::whole(rest, LaneName::slow));
  co_return !refusal;
}

/// Collects what is foretold, as far as it may go on.
End take_foretold(Examination& on) {
  on.takes_some = true;
  on.first_state = on.foretold->front().second.state;
  for (const auto& [number, refusal] : *on.foretold) {
    on.refused.of(LaneName::slow).add(number, refusal);
    if (!on.may_go_on) return End::finished;
    if (on.may_go_on(on.refused.count())) continue;
    on.is_complete = false;
    return End::stopped;
  }
  return End::finished;
}

/// Puts the good tuples of a lane in, and collects the bad ones. What was foretold wrongly counts
/// for nothing.
asio::awaitable<End> sift(Examination& on, LaneName lane) {
  if (lane == LaneName::slow && on.foretold != nullptr && !on.foretold->empty()) {
    const bool is_put = co_await put_but_foretold(on);
    if (is_put) co_return take_foretold(on);
  }
  tuple::TupleCutter cutter(on.batch, lane);
  Splitter splitter(on.batch.lane(lane).tuples);
  Named known(on);
  while (!splitter.done()) {
    const auto [first, end] = splitter.range();
    const tuple::TupleRange range = cutter.cut(first, end);
    std::optional<Refusal> refusal = known.of(first, end);
    if (!refusal) {
      refusal = co_await put(on, range);
      if (!refusal) {
        on.takes_some = true;
        splitter.accepted();
        continue;
      }
      if (end == first + 1)
        known.prove(first);
      else
        known.hear(first, *refusal);
    }
    if (!on.is_probed && !is_of_a_tuple(*refusal)) co_await probe_without_tuples(on, lane);
    std::optional<Splitter::Range> named;
    if (refusal->names_tuples()) named = {first + refusal->first, first + refusal->end};
    if (!splitter.refused(named)) continue;
    if (order_may_matter(on, *refusal)) co_return End::order_matters;
    if (on.refused.count() == 0) on.first_state = refusal->state;
    on.refused.of(lane).add(first, *refusal);
    if (!on.may_go_on) co_return End::finished;
    co_await look_around(on, *refusal, lane, end);
    if (on.may_go_on(on.refused.count())) continue;
    on.is_complete = false;
    co_return End::stopped;
  }
  co_return End::finished;
}

/// Both lanes. Where the order matters `ordered` takes the chunk as one lane, and is sifted
/// instead.
asio::awaitable<void> sift(Examination& on, tuple::Batch& ordered) {
  const Sifting& what = on.what;
  bool by_lanes = !what.writer.needs_file_order();
  for (const LaneName lane : {LaneName::slow, LaneName::fast}) {
    if (!by_lanes) break;
    const End end = co_await sift(on, lane);
    if (end == End::stopped) co_return;
    if (end == End::finished) continue;
    co_await what.writer.start_over(what.connection);
    by_lanes = false;
  }
  if (by_lanes) co_return;
  const auto encode = [&what, &ordered] {
    tuple::Encoder(what.reading.encoder)
        .encode(what.chunk.parse_input(), ordered, what.chunk.start, tuple::Lanes::only_slow);
  };
  co_await async::offload(what.cpu, encode);
  Examination again = examine(what, ordered, on.may_go_on);
  co_await sift(again, LaneName::slow);
  again.refused.lanes = tuple::Lanes::only_slow;
  on.counts = again.counts;
  on.refused = std::move(again.refused);
  on.is_complete = again.is_complete;
}

std::string shown(const std::string& value) {
  if (value.size() <= limits::value_shown_bytes) return value;
  return value.substr(0, whole_characters(value, limits::value_shown_bytes)) + "...";
}

}  // namespace

asio::awaitable<Salvaged> salvage(const Sifting& what, std::function<bool(std::size_t)> may_go_on) {
  Examination examination = examine(what, what.batch, std::move(may_go_on));
  examination.foretold = what.foretold;
  tuple::Batch ordered;
  co_await sift(examination, ordered);
  Salvaged salvaged;
  salvaged.counts = examination.counts;
  salvaged.is_complete = examination.is_complete;
  salvaged.rejects = what.batch.rejects + examination.refused.count();
  salvaged.refused = std::move(examination.refused);
  salvaged.refused.encoder = what.batch.made_by;
  co_return salvaged;
}

asio::awaitable<std::optional<tuple::Reject>> find_first_bad(
    const Sifting& what, const std::optional<Refusal>& refusal) {
  ledger::ChunkEntry entry;
  entry.number = what.chunk.number;
  const bool begun = co_await what.writer.begin(what.connection, entry);
  if (!begun) throw Refusal(*refusal);
  Salvaged found = co_await salvage(what, {});
  co_await what.writer.roll_back(what.connection);
  tuple::Reject first;
  const auto describe = [&what, &found, &first] {
    return BadRecords(what.reading, what.chunk, &found.refused).next(first);
  };
  const bool is_found = co_await async::offload(what.cpu, describe);
  if (!is_found) co_return std::nullopt;
  co_return first;
}

std::string text_of(const std::string& source, const tuple::Reject& reject) {
  std::string text = at(source, reject.position.line) + ": ";
  if (!reject.column.empty()) {
    text += fmt::format("column \"{}\": ", reject.column);
    if (!reject.value.empty()) text += fmt::format("value \"{}\": ", shown(reject.value));
  }
  return text + reject.message;
}

}  // namespace sluice::rejects
