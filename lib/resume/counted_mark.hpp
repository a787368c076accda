#pragma once

#include "ledger/loads.hpp"

/// Former versions took a byte-order mark in front of a text in UTF-8 for content: what they have
/// entered in the ledger begins with it, and its places are counted from it.
namespace sluice::resume {

/// Makes a load that was entered so, of this content or of what that was before it grew, one of the
/// content without the mark: its digests, lengths and options, and where its content begins and
/// ends. Its chunks stay as they are in the ledger (KnownLoad::counts_mark).
void leave_mark_out(ledger::KnownLoad& load, const ledger::NewLoad& now);

/// The chunks of a load, as they are in the ledger, counted as those of others.
ledger::StoredChunks without_mark(const ledger::KnownLoad& load, ledger::StoredChunks chunks);

}  // namespace sluice::resume
