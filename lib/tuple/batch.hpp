#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"

namespace sluice::tuple {

/// Tuples in one of COPY's formats, complete with the format's header and trailer.
struct Lane {
  Buffer buffer;
  std::size_t size = 0;
  std::uint64_t tuples = 0;

  std::string_view bytes() const { return {buffer.bytes(), size}; }
};

enum class LaneName {
  fast,  ///< COPY's binary format
  slow,  ///< COPY's text format: records with a value that only the server can judge
};

/// The keys of a batch's tuples as hashes. Equal keys have equal hashes; the other way round they
/// nearly always do.
struct KeySet {
  std::vector<std::uint64_t> hashes;  ///< in rising order, each once
  bool may_repeat = false;            ///< two tuples may have the same key
  bool is_complete = true;            ///< false where a key could not be hashed: it may be any
  bool is_rising = false;             ///< each tuple's key is behind the one's before, in one lane
};

struct EncoderPlan;

/// All tuples of one chunk: the unit of write, retry and ledger.
struct Batch {
  Lane fast;
  Lane slow;
  std::uint64_t records = 0;
  std::uint64_t blank_lines = 0;  ///< of the records: left out
  std::uint64_t rejects = 0;      ///< of the records: no table could take them; Encoder::search()
                                  ///< says which and why
  std::uint64_t ragged = 0;       ///< of the rejects: too few or too many values
  std::uint64_t suspects = 0;     ///< of the slow tuples: in the fast lane but for a Check
  const EncoderPlan* made_by = nullptr;  ///< which decides what is in which lane

  KeySet keys;  ///< empty where the plan names no key

  const Lane& lane(LaneName name) const { return name == LaneName::fast ? fast : slow; }
  std::uint64_t tuples() const { return fast.tuples + slow.tuples; }
};

}  // namespace sluice::tuple
