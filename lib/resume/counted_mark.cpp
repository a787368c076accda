#include "resume/counted_mark.hpp"

#include <algorithm>

#include "plan/meaning.hpp"
#include "source/marked_source.hpp"

namespace sluice::resume {
namespace {

constexpr std::uint64_t mark_bytes = source::utf8_mark.size();

/// The head of the content that the load has read behind a mark, where it is known.
const std::string* head_without_mark(const ledger::LoadEntry& load, const ledger::NewLoad& now) {
  // The oldest have no head.
  const bool is_whole = load.head == now.marked.head ||
                        (load.head.empty() && load.fingerprint == now.marked.fingerprint);
  if (is_whole) return &now.head;
  const auto& heads = now.marked.short_heads;
  const auto found = std::ranges::find(heads, load.head);
  if (found == heads.end()) return nullptr;
  return &now.short_heads[static_cast<std::size_t>(found - heads.begin())];
}

std::string options_without_mark(const std::string& options) {
  std::optional<Position> place = plan::beginning_of(options);
  if (!place || place->byte_offset < mark_bytes) return options;
  place->byte_offset -= mark_bytes;
  return plan::with_beginning(options, *place);
}

}  // namespace

void leave_mark_out(ledger::KnownLoad& load, const ledger::NewLoad& now) {
  if (!load.damage.empty() || load.counts_mark) return;
  const std::string* const head = head_without_mark(load, now);
  // Whose chunks begin in front of a mark's end is of a content that has one behind the first.
  const bool is_behind_mark = load.content_end == 0 || load.content_begin >= mark_bytes;
  if (head == nullptr || !is_behind_mark) return;
  load.counts_mark = true;
  load.head = *head;
  if (load.fingerprint == now.marked.fingerprint) load.fingerprint = now.fingerprint;
  load.options = options_without_mark(load.options);
  if (load.source_bytes)
    load.source_bytes = *load.source_bytes - std::min(*load.source_bytes, mark_bytes);
  if (load.content_end == 0) return;
  load.content_begin -= mark_bytes;
  load.content_end -= mark_bytes;
}

std::optional<bool> counts_mark_in(const ledger::LoadEntry& load, const ledger::NewLoad& now) {
  if (head_without_mark(load, now) != nullptr) return true;
  const bool is_unmarked = load.head == now.head ||
                           std::ranges::find(now.short_heads, load.head) != now.short_heads.end();
  return is_unmarked ? std::optional(false) : std::nullopt;
}

ledger::StoredChunks without_mark(ledger::StoredChunks chunks, bool counts_mark) {
  if (!counts_mark) return chunks;
  for (auto& [number, chunk] : chunks)
    chunk.start.byte_offset -= std::min(chunk.start.byte_offset, mark_bytes);
  return chunks;
}

}  // namespace sluice::resume
