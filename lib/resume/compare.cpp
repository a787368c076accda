#include "resume/compare.hpp"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "async/offload.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "resume/counted_mark.hpp"
#include "source/marked_source.hpp"
#include "source/starts.hpp"

namespace sluice::resume {
namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

Range range_of(const ledger::ChunkEntry& chunk) {
  return {chunk.start.byte_offset, chunk.byte_count, chunk.digest};
}

/// In each of these the ranges rise.
std::vector<std::vector<Range>> lanes_of(const std::vector<Range>& ranges) {
  std::vector<std::vector<Range>> lanes(1);
  for (const Range& range : ranges) {
    const auto is_behind = [&range](const std::vector<Range>& lane) {
      return lane.empty() || lane.back().end() <= range.begin;
    };
    auto lane = std::ranges::find_if(lanes, is_behind);
    if (lane == lanes.end()) lane = lanes.emplace(lane);
    lane->push_back(range);
  }
  return lanes;
}

/// Reads until nothing is open any more, and one byte further. True at the end of the source.
asio::awaitable<bool> read_on(ComparisonOn on, Comparison& comparison) {
  std::string buffer(limits::MiB, '\0');
  bool ended = false;
  const auto read_part = [&] {
    const bool is_open = comparison.is_open();
    const std::size_t wanted =
        is_open ? std::min<std::uint64_t>(buffer.size(), comparison.bytes_wanted()) : 1;
    const std::size_t got = on.source.read(buffer.data(), wanted);
    comparison.feed(buffer.data(), got);
    ended = got < wanted;
    return is_open && !ended;
  };
  const auto read = [&] {
    const std::uint64_t begin = comparison.bytes();
    while (comparison.bytes() - begin < buffer.size())
      if (!read_part()) return false;
    return true;
  };
  while (co_await async::offload(on.reader, read)) {
    if (on.stopped()) break;
  }
  co_return ended;
}

/// Whether the source begins with all of the file that an unfinished load is of, as far as that
/// one's fingerprint says.
asio::awaitable<bool> begins_with_file(ComparisonOn on, const ledger::KnownLoad& load) {
  if (load.finished() || !load.source_bytes) co_return false;
  std::optional<std::string> first;
  const auto find = [&on, &load, &first] {
    first = source::fingerprint_of_first(on.source, on.beginning, *load.source_bytes,
                                         load.counts_mark ? source::utf8_mark : "");
  };
  co_await async::offload(on.reader, find);
  co_return first == load.fingerprint;
}

/// The first range of each of these loads; none of one that has no chunk.
asio::awaitable<std::vector<std::vector<Range>>> first_ranges(
    ComparisonOn on, Chains& chains, const std::vector<Candidate>& candidates,
    const std::vector<std::size_t>& which) {
  std::vector<LoadId> loads;
  for (const std::size_t i : which) loads.push_back(candidates[i].load.id);
  const auto first = co_await ledger::first_chunks(on.connection, loads);
  std::vector<std::vector<Range>> ranges(which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    const ledger::KnownLoad& load = candidates[which[i]].load;
    if (load.behind_load) {
      const std::vector<Range> all = co_await chains.ranges_of(load);
      if (!all.empty()) ranges[i].push_back(all.front());
    } else if (const auto found = first.find(load.id.value); found != first.end()) {
      ledger::StoredChunks chunk{{0, found->second}};
      chunk = without_mark(std::move(chunk), load.counts_mark);
      ranges[i].push_back(range_of(chunk.begin()->second));
    }
  }
  co_return ranges;
}

/// Those of them whose first range the source has.
asio::awaitable<std::vector<std::size_t>> that_begin_alike(ComparisonOn on, Chains& chains,
                                                           const std::vector<Candidate>& candidates,
                                                           std::vector<std::size_t> which) {
  std::vector<std::vector<Range>> ranges = co_await first_ranges(on, chains, candidates, which);
  Comparison beginning(std::move(ranges));
  co_await read_on(on, beginning);
  std::vector<std::size_t> alike;
  for (std::size_t i = 0; i < which.size(); ++i)
    if (beginning.agrees(i)) alike.push_back(which[i]);
  co_return alike;
}

bool has_limit(const ledger::LoadEntry& load) {
  const auto options = nlohmann::json::parse(load.options, nullptr, false);
  return options.is_object() && options.contains("limit");
}

}  // namespace

struct Comparison::Track {
  explicit Track(std::vector<Range> ranges_) : ranges(std::move(ranges_)) {
    XXH3_64bits_reset(state.get());
  }

  bool is_open() const { return agrees && next < ranges.size(); }

  void feed(std::uint64_t at, std::string_view bytes) {
    while (is_open() && !bytes.empty()) {
      const Range& range = ranges[next];
      if (at < range.begin) {
        const std::size_t skipped = std::min<std::uint64_t>(bytes.size(), range.begin - at);
        bytes.remove_prefix(skipped);
        at += skipped;
        continue;
      }
      const std::size_t part = std::min<std::uint64_t>(bytes.size(), range.end() - at);
      XXH3_64bits_update(state.get(), bytes.data(), part);
      bytes.remove_prefix(part);
      at += part;
      if (at < range.end()) continue;
      agrees = XXH3_64bits_digest(state.get()) == range.digest;
      XXH3_64bits_reset(state.get());
      ++next;
    }
  }

  std::vector<Range> ranges;
  std::unique_ptr<XXH3_state_t, FreeState> state{XXH3_createState()};
  std::size_t next = 0;
  bool agrees = true;
};

Comparison::Comparison(std::vector<std::vector<Range>> ranges) {
  for (const std::vector<Range>& of_load : ranges) {
    tracks_.emplace_back();
    for (std::vector<Range>& lane : lanes_of(of_load))
      tracks_.back().push_back(std::make_shared<Track>(std::move(lane)));
  }
}

void Comparison::feed(const char* bytes, std::size_t size) {
  for (const auto& of_load : tracks_)
    for (const auto& track : of_load) track->feed(at_, {bytes, size});
  at_ += size;
}

bool Comparison::is_open() const {
  const auto is_track_open = [](const auto& track) { return track->is_open(); };
  return std::ranges::any_of(tracks_, [&is_track_open](const auto& of_load) {
    return std::ranges::any_of(of_load, is_track_open);
  });
}

std::uint64_t Comparison::bytes_wanted() const {
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
  for (const auto& of_load : tracks_)
    for (const auto& track : of_load)
      if (track->is_open()) end = std::min(end, track->ranges[track->next].end());
  return std::max<std::uint64_t>(end - at_, 1);
}

bool Comparison::agrees(std::size_t load) const {
  return std::ranges::all_of(tracks_[load], [](const auto& track) {
    return track->agrees && track->next == track->ranges.size();
  });
}

std::uint64_t Comparison::end(std::size_t load) const {
  std::uint64_t end = 0;
  for (const auto& track : tracks_[load])
    if (!track->ranges.empty()) end = std::max(end, track->ranges.back().end());
  return end;
}

namespace {

/// Sets what reading the source tells of those candidates.
asio::awaitable<void> compare(ComparisonOn on, std::vector<Candidate>& candidates,
                              std::vector<std::size_t> which) {
  on.source.rewind();
  for (const std::size_t i : which) candidates[i].match = Match::other;
  Chains chains(on.connection, on.now);
  if (!on.source.comes_once())
    which = co_await that_begin_alike(on, chains, candidates, std::move(which));
  std::vector<std::size_t> left;
  std::vector<std::vector<Range>> ranges;
  for (const std::size_t i : which) {
    Candidate& candidate = candidates[i];
    std::vector<Range> of_load = co_await chains.ranges_of(candidate.load);
    const bool has_chunks = !of_load.empty();
    if (on.source.length() || !has_chunks)
      candidate.begins_with_file = co_await begins_with_file(on, candidate.load);
    if (!has_chunks && !candidate.load.finished() && candidate.load.source_bytes) {
      if (candidate.begins_with_file) candidate.match = Match::prefix;
      continue;
    }
    left.push_back(i);
    ranges.push_back(std::move(of_load));
  }
  if (left.empty() || on.stopped() || !on.source.rewind()) co_return;

  Comparison whole(std::move(ranges));
  const bool ended = co_await read_on(on, whole);
  for (std::size_t i = 0; i < left.size(); ++i) {
    Candidate& candidate = candidates[left[i]];
    if (on.stopped() || !whole.agrees(i)) continue;
    const bool is_all = ended && whole.bytes() == whole.end(i);
    const bool is_empty = whole.end(i) == 0;
    const bool same_file = candidate.load.fingerprint == on.now.fingerprint;
    if (is_all || (same_file && (is_empty || has_limit(candidate.load)))) {
      candidate.match = Match::same;
    } else if (!is_empty) {
      candidate.match = Match::prefix;
    }
  }
}

}  // namespace

asio::awaitable<Verdict> judge_by_content(ComparisonOn on, History& history) {
  Verdict verdict = judge(history, on.now);
  while (verdict.kind == Verdict::Kind::compare && !on.stopped()) {
    std::vector<std::size_t> which = std::move(verdict.compare);
    co_await compare(on, history.loads, std::move(which));
    verdict = judge(history, on.now);
  }
  co_return verdict;
}

}  // namespace sluice::resume
