#pragma once

#include <cstdint>
#include <string>

#include "rejects/spill.hpp"
#include "writer/writer.hpp"

namespace sluice::rejects {

/// A tuple of a lane that the server refused alone, and what it said.
struct RefusedTuple {
  std::uint64_t number = 0;  ///< in its lane, from 0
  std::string sql_state;
  std::string constraint;
  std::string column;
  std::string message;    ///< with the detail
  std::string copy_line;  ///< as Refusal has it
  bool of_row = false;    ///< the server blames a row of a table, not a value
};

/// The refused tuples of a lane, in rising order: a chunk may have nearly a million, so those that
/// exceed a bound are kept on the disk.
class RefusedTuples {
 public:
  void add(std::uint64_t number, const writer::Refusal& refusal);
  std::uint64_t count() const { return count_; }

  class Reader {
   public:
    /// `tuples` must outlive it, and stay as they are.
    explicit Reader(const RefusedTuples& tuples) : left_(tuples.count_), bytes_(tuples.bytes_) {}
    /// False behind the last.
    bool next(RefusedTuple& tuple);

   private:
    std::uint64_t left_;
    Spill::Reader bytes_;
  };

 private:
  Spill bytes_{limits::refused_memory_bytes};
  std::uint64_t count_ = 0;
};

}  // namespace sluice::rejects
