#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <vector>

#include "async/event.hpp"
#include "load/at_once.hpp"

namespace sluice::load {

/// Thrown by a load that has a seat, before it has done anything: its group is not stored together,
/// or it is none that may be. It goes by itself then.
struct NotTogether : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Small loads of one command that are stored in one transaction: a group of them shares the
/// question to the ledger, the COPY, the entry and the commit, each of which costs more than the
/// rows of a small file do.
///
/// Each load has a seat. It brings its chunk there and waits, or leaves; when none is waited for,
/// what is there is stored. On the I/O thread only.
class Together {
 public:
  /// `lengths` outlive it.
  Together(Resources on, std::size_t seats, ledger::Lengths& lengths,
           const asio::any_io_executor& executor);

  /// Stores what the loads bring. Run beside them; it ends when all have their answer.
  asio::awaitable<void> run();

  /// A load's place in the group. Left when it ends, if not before.
  class Seat {
   public:
    explicit Seat(Together& group) : group_(group) {}
    ~Seat() { leave(); }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    /// Stores the chunk with those of the others. Throws NotTogether, and Failure where what came
    /// of the group is wrong. A cancellation reaches run() alone, which uses what was brought.
    asio::awaitable<StoredAtOnce> store(const OneChunk& chunk);
    void leave();

   private:
    Together& group_;
    bool is_taken_ = true;
  };

 private:
  struct Brought {
    const OneChunk& chunk;
    std::optional<StoredAtOnce> stored = {};
    std::exception_ptr failed = {};  ///< for all of those it was stored with
  };

  asio::awaitable<void> store_all();
  std::vector<Brought*> without_alike() const;
  asio::awaitable<void> store(const std::vector<Brought*>& alike);

  Resources on_;
  ledger::Lengths& lengths_;
  std::size_t awaited_;  ///< loads that have neither brought their chunk nor left
  std::vector<Brought*> brought_;
  bool is_over_ = false;  ///< nothing more is stored
  async::Event changed_;
};

}  // namespace sluice::load
