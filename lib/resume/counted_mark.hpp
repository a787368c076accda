#pragma once

#include <optional>

#include "ledger/loads.hpp"

/// Former versions took a byte-order mark in front of a text in UTF-8 for content: what they have
/// entered in the ledger begins with it, and its places are counted from it.
namespace sluice::resume {

/// Makes a load that was entered so, of this content or of what that was before it grew, one of the
/// content without the mark: its digests, lengths and options, and where its content begins and
/// ends. Its chunks stay as they are in the ledger (KnownLoad::counts_mark).
void leave_mark_out(ledger::KnownLoad& load, const ledger::NewLoad& now);

/// Whether a load of this content, or of what that was before it grew, was entered so. Nothing
/// where its head does not say it.
std::optional<bool> counts_mark_in(const ledger::LoadEntry& load, const ledger::NewLoad& now);

/// The chunks of a load, as they are in the ledger, counted as those of others.
ledger::StoredChunks without_mark(ledger::StoredChunks chunks, bool counts_mark);

}  // namespace sluice::resume
