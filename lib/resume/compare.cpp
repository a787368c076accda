#include "resume/compare.hpp"

#include <xxhash.h>

#include <algorithm>
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

bool begins_in_front_of_end(const std::vector<Range>& later, const ledger::StoredChunks& earlier) {
  if (later.empty() || earlier.empty()) return false;
  const ledger::ChunkEntry& last = earlier.rbegin()->second;
  return later.front().begin + source::utf8_mark.size() == last.start.byte_offset + last.byte_count;
}

/// Of a load, behind those of the loads that it goes on behind.
asio::awaitable<std::vector<Range>> ranges_of(pg::Connection& on, ledger::KnownLoad load) {
  std::vector<Range> ranges;
  // Loads that go on behind each other are a chain, newest first.
  static constexpr int chain_max = 10'000;
  std::optional<LoadId> next = load.id;
  for (int i = 0; next && i < chain_max; ++i) {
    ledger::StoredChunks chunks = co_await ledger::stored_chunks(on, *next);
    // What goes on three bytes in front of the end of another load leaves out the mark that this
    // one, and all in front of it, count.
    load.counts_mark = load.counts_mark || begins_in_front_of_end(ranges, chunks);
    chunks = without_mark(load, std::move(chunks));
    std::vector<Range> front;
    for (const auto& [number, chunk] : chunks) front.push_back(range_of(chunk));
    ranges.insert(ranges.begin(), front.begin(), front.end());
    if (next == load.id) {
      next = load.behind_load;
    } else {
      const auto entry = co_await ledger::show_load(on, *next);
      next = entry ? entry->behind_load : std::nullopt;
    }
  }
  co_return ranges;
}

/// Reads until nothing is open any more, and one byte further. True at the end of the source.
asio::awaitable<bool> read_on(ComparisonOn on, Comparison& comparison) {
  std::string buffer(limits::MiB, '\0');
  std::size_t got = 0;
  std::size_t wanted = 0;
  const auto read = [&] {
    wanted = comparison.is_open() ? buffer.size() : 1;
    got = on.source.read(buffer.data(), wanted);
    comparison.feed(buffer.data(), got);
    return got == wanted && wanted > 1;
  };
  while (co_await async::offload(on.reader, read)) {
    if (on.stopped()) break;
  }
  co_return got < wanted;
}

/// Of a load without a chunk: whether the source begins with the file that it is of.
asio::awaitable<Match> match_of_file(ComparisonOn on, const ledger::KnownLoad& load) {
  std::optional<std::string> first;
  const auto find = [&on, &load, &first] {
    first = source::fingerprint_of_first(on.source, on.beginning, *load.source_bytes,
                                         load.counts_mark ? source::utf8_mark : "");
  };
  if (load.finished() || !load.source_bytes) co_return Match::unread;
  co_await async::offload(on.reader, find);
  co_return first == load.fingerprint ? Match::prefix : Match::other;
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
      const std::size_t part = std::min<std::uint64_t>(bytes.size(), range.begin + range.size - at);
      XXH3_64bits_update(state.get(), bytes.data(), part);
      bytes.remove_prefix(part);
      at += part;
      if (at < range.begin + range.size) continue;
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
  for (std::vector<Range>& of_load : ranges)
    tracks_.push_back(std::make_shared<Track>(std::move(of_load)));
}

void Comparison::feed(const char* bytes, std::size_t size) {
  for (const auto& track : tracks_) track->feed(at_, {bytes, size});
  at_ += size;
}

bool Comparison::is_open() const {
  return std::ranges::any_of(tracks_, [](const auto& track) { return track->is_open(); });
}

bool Comparison::agrees(std::size_t load) const {
  return tracks_[load]->agrees && tracks_[load]->next == tracks_[load]->ranges.size();
}

std::uint64_t Comparison::end(std::size_t load) const {
  const std::vector<Range>& ranges = tracks_[load]->ranges;
  return ranges.empty() ? 0 : ranges.back().begin + ranges.back().size;
}

asio::awaitable<void> compare(ComparisonOn on, std::vector<Candidate>& candidates,
                              std::vector<std::size_t> which) {
  on.source.rewind();
  std::vector<LoadId> loads;
  for (const std::size_t i : which) loads.push_back(candidates[i].load.id);
  const auto first = co_await ledger::first_chunks(on.connection, loads);
  std::vector<std::vector<Range>> beginnings;
  for (const std::size_t i : which) {
    const auto found = first.find(candidates[i].load.id.value);
    beginnings.emplace_back();
    if (found == first.end()) continue;
    ledger::StoredChunks chunk{{0, found->second}};
    chunk = without_mark(candidates[i].load, std::move(chunk));
    beginnings.back().push_back(range_of(chunk.begin()->second));
  }
  Comparison beginning(std::move(beginnings));
  co_await read_on(on, beginning);
  std::vector<std::size_t> left;
  std::vector<std::vector<Range>> ranges;
  for (std::size_t i = 0; i < which.size(); ++i) {
    Candidate& candidate = candidates[which[i]];
    candidate.match = Match::other;
    if (!beginning.agrees(i)) continue;
    if (!first.contains(candidate.load.id.value)) {
      const Match match = co_await match_of_file(on, candidate.load);
      if (match != Match::unread) {
        candidate.match = match;
        continue;
      }
    }
    left.push_back(which[i]);
    std::vector<Range> of_load = co_await ranges_of(on.connection, candidate.load);
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

}  // namespace sluice::resume
