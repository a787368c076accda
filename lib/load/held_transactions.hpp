#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "async/semaphore.hpp"
#include "ledger/ledger.hpp"
#include "ledger/prepared.hpp"
#include "load/finishing.hpp"
#include "load/run.hpp"
#include "pg/pool.hpp"
#include "writer/writer.hpp"

namespace sluice::load {

/// Asks the table whether chunks can be parts of larger transactions there, and the server whether
/// these can be prepared: where they cannot, they wait in a stage, or Failure(usage) is thrown to
/// whoever has asked for it all the same. REQUIRES: plan.strategy.is_held().
asio::awaitable<void> choose_way(Run& run, plan::Plan& plan);

/// As many connections as the server has room to prepare transactions for; throws Failure where
/// that is none. Behind the end of what former runs have left.
asio::awaitable<void> fit_to_room(Run& run, plan::Plan& plan);

/// The transactions that the chunks of a load are parts of, which end together: one
/// (plan::Strategy::in_one), or one for each connection, which are prepared and then committed
/// (plan::Strategy::prepared, ledger/prepared). They stay open from the first chunk to the end, and
/// whatever happens to one of them takes all of it back: the ledger has the load, unfinished and
/// without a chunk.
class HeldTransactions {
  struct Part {
    pg::Lease lease;
    int backend;  ///< of the server, behind whatever pooler
    bool is_busy = false;
  };

 public:
  /// All outlive it.
  HeldTransactions(Run& run, plan::Plan& plan, const ledger::NewLoad& entry,
                   const asio::any_io_executor& executor);

  /// Begins the first one, unless it is open. Throws NotAsPlanned. `writer` writes the chunks from
  /// here on, and outlives that.
  asio::awaitable<void> begin(writer::Writer& writer);

  /// One of them, for a chunk.
  class Turn {
   public:
    Turn(async::Semaphore::Permit permit, Part& part) : permit_(std::move(permit)), part_(&part) {
      part.is_busy = true;
    }
    Turn(Turn&& other) noexcept
        : permit_(std::move(other.permit_)), part_(std::exchange(other.part_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (part_ != nullptr) part_->is_busy = false;
    }

    pg::Connection& connection() const { return *part_->lease; }

   private:
    async::Semaphore::Permit permit_;
    Part* part_;
  };
  /// One that no chunk is at work in; a new one, where more are allowed and the server has room.
  asio::awaitable<Turn> take();

  /// Looks every second whether one of them waits for another, which the server cannot see: that
  /// one waits for its client. The statement is cancelled then, and recover() takes all of it into
  /// one transaction.
  asio::awaitable<void> watch();

  /// What they have of the load so far; nothing where none is open.
  asio::awaitable<ledger::StoredChunks> stored_chunks();

  /// Finishes the load in the ledger, with what ends it, and commits.
  asio::awaitable<Finished> finish(const Ending& ending);

  /// Takes all of it back, as far as it is not prepared.
  void give_up() { parts_.clear(); }

  /// Behind an error. True where the load is finished all the same, and reported so: its commit's
  /// answer was lost. False where all of the source is to be sent once more. Else throws the error.
  asio::awaitable<bool> recover(pg::PgError error);

 private:
  asio::awaitable<void> open_part(pg::Lease lease, Sql first);
  asio::awaitable<bool> open_another();
  asio::awaitable<bool> has_watcher();
  asio::awaitable<void> look_for_stuck(pg::Connection& connection);
  asio::awaitable<Finished> finish_in_one(const Ending& ending);
  asio::awaitable<Finished> finish_prepared(const Ending& ending);
  asio::awaitable<ledger::Totals> sum_up();
  asio::awaitable<std::size_t> prepare(LoadId load);
  asio::awaitable<std::optional<ledger::Totals>> ask_what_became_of_it();
  void go_on_in_one(const pg::PgError& error);

  Run& run_;
  plan::Plan& plan_;
  const ledger::NewLoad& entry_;
  writer::Writer* writer_ = nullptr;
  std::list<Part> parts_;
  async::Semaphore turns_;                   ///< as many as parts may be open
  async::Semaphore opening_;                 ///< of who opens another one
  ledger::Attempt attempt_;                  ///< where they are to be prepared
  std::unique_ptr<pg::Connection> watcher_;  ///< where there are several parts
  std::size_t attempts_ = 0;
  bool is_stuck_ = false;  ///< one of them waits for another
  int mishaps_ = 0;
};

}  // namespace sluice::load
