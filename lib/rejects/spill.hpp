#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/file_descriptor.hpp"

namespace sluice::rejects {

/// Bytes that are written once and then read from their beginning. They are in memory, but where
/// there are more than `memory_max` of them in a temporary file (in TMPDIR) that has no name and
/// goes with the process. Used by one thread at a time; blocks. Throws Failure where the file
/// cannot be written or read.
class Spill {
 public:
  explicit Spill(std::size_t memory_max) : memory_max_(memory_max) {}

  void append(std::string_view bytes);
  std::uint64_t size() const { return file_size_ + memory_.size(); }

  /// Reads what a spill has. Several may, one after the other or by turns.
  class Reader {
   public:
    /// `spill` must outlive it, and stay as it is.
    explicit Reader(const Spill& spill) : spill_(spill) {}

    /// The next bytes, at most so many; empty at the end. Good until the next call.
    std::string_view read(std::size_t bytes_max);
    /// Exactly so many. REQUIRES: they are there.
    void read(char* to, std::size_t bytes);

   private:
    void fill();

    const Spill& spill_;
    std::uint64_t file_at_ = 0;
    bool is_in_memory_ = false;  ///< the file has been read
    std::string buffer_;
    std::string_view left_;
  };

 private:
  void write_out();

  std::size_t memory_max_;
  std::string memory_;
  std::uint64_t file_size_ = 0;
  source::FileDescriptor file_{-1};
};

}  // namespace sluice::rejects
