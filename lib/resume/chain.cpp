#include "resume/chain.hpp"

#include <algorithm>

#include "resume/counted_mark.hpp"
#include "source/marked_source.hpp"

namespace sluice::resume {
namespace {

/// What goes on three bytes in front of the end of another load leaves out the mark that this one
/// counts.
bool begins_in_front_of_end(const std::vector<Range>& later, const ledger::StoredChunks& earlier) {
  if (later.empty() || earlier.empty()) return false;
  const ledger::ChunkEntry& last = earlier.rbegin()->second;
  return later.front().begin + source::utf8_mark.size() == last.start.byte_offset + last.byte_count;
}

}  // namespace

asio::awaitable<std::vector<Range>> Chains::ranges_of(const ledger::KnownLoad& load) {
  static constexpr int chain_max = 10'000;
  if (!links_.contains(load.id.value)) {
    ledger::StoredChunks chunks = co_await ledger::stored_chunks(on_, load.id);
    links_.emplace(load.id.value, link_of(load, std::move(chunks), load.counts_mark));
  }
  std::vector<const Link*> chain{&links_.at(load.id.value)};
  while (chain.back()->behind && chain.size() < chain_max) {
    const Link* const front = co_await link_in_front(*chain.back());
    if (front == nullptr) break;
    chain.push_back(front);
  }
  std::vector<Range> ranges;
  for (auto link = chain.rbegin(); link != chain.rend(); ++link)
    ranges.insert(ranges.end(), (*link)->ranges.begin(), (*link)->ranges.end());
  co_return ranges;
}

/// Of the load that `later` goes on behind; nullptr where the ledger has it no more.
asio::awaitable<const Chains::Link*> Chains::link_in_front(const Link& later) {
  const LoadId id = *later.behind;
  if (const auto found = links_.find(id.value); found != links_.end()) co_return &found->second;
  const std::optional<ledger::LoadEntry> load = co_await ledger::show_load(on_, id);
  if (!load) co_return nullptr;
  ledger::StoredChunks chunks = co_await ledger::stored_chunks(on_, id);
  // Where one counts the mark, all in front of it do.
  const bool counts_mark =
      later.counts_mark ||
      counts_mark_in(*load, now_).value_or(begins_in_front_of_end(later.ranges, chunks));
  co_return &links_.emplace(id.value, link_of(*load, std::move(chunks), counts_mark)).first->second;
}

Chains::Link Chains::link_of(const ledger::LoadEntry& load, ledger::StoredChunks chunks,
                             bool counts_mark) {
  Link link{{}, load.behind_load, counts_mark};
  chunks = without_mark(std::move(chunks), counts_mark);
  for (const auto& [number, chunk] : chunks)
    link.ranges.push_back({chunk.start.byte_offset, chunk.byte_count, chunk.digest});
  return link;
}

}  // namespace sluice::resume
