#pragma once

#include <optional>
#include <string>

#include "chunk/chunk.hpp"
#include "rejects/refused_tuples.hpp"
#include "tuple/encoder.hpp"
#include "tuple/table.hpp"

namespace sluice::rejects {

/// The tuples of a chunk that the server refused, of each lane into which it was encoded.
struct Refused {
  RefusedTuples fast;
  RefusedTuples slow;
  tuple::Lanes lanes = tuple::Lanes::both;
  const tuple::EncoderPlan* encoder = nullptr;  ///< by which it was; nullptr: the reading's

  RefusedTuples& of(tuple::LaneName lane) { return lane == tuple::LaneName::fast ? fast : slow; }
  std::uint64_t count() const { return fast.count() + slow.count(); }
};

/// How the records of a chunk are read, and for which table. All outlive whoever has it.
struct Reading {
  const tuple::EncoderPlan& encoder;
  const tuple::Table& table;
  const std::string& data_encoding;  ///< of the source, as PostgreSQL names it
};

/// The bad records of a chunk, one after the other in file order: those that reading refuses and
/// those that the server has refused. Nothing of them is kept: the chunk is read once more, which
/// costs time only where there are bad ones. Blocks where the refused tuples are on the disk.
class BadRecords {
 public:
  /// `refused`: none where only reading has judged. All outlive it.
  BadRecords(Reading reading, const chunk::Chunk& chunk, const Refused* refused);

  /// The next one, complete; false behind the last.
  bool next(tuple::Reject& reject);

 private:
  /// The next tuple that is looked for in a lane.
  struct Cursor {
    std::optional<RefusedTuples::Reader> reader;
    RefusedTuple tuple;
    bool is_there = false;

    void start(const RefusedTuples& tuples);
    void forward() { is_there = reader && reader->next(tuple); }
    std::optional<std::uint64_t> number() const;
  };

  void say_in_encoding(tuple::Reject& reject) const;
  tuple::Reject reject_of(const tuple::FoundRecord& found, const RefusedTuple& refused) const;

  Reading reading_;
  const chunk::Chunk& chunk_;
  tuple::Encoder encoder_;
  chunk::PositionCounter positions_;
  Cursor fast_;
  Cursor slow_;
};

}  // namespace sluice::rejects
