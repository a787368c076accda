#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "async/event.hpp"

namespace sluice::async {

/// So many permits: whoever needs one waits until there is one, in the order of asking. One thread.
class Semaphore {
 public:
  /// One unit of a semaphore, given back at the end of its life. The semaphore must outlive it.
  class Permit {
   public:
    explicit Permit(Semaphore& semaphore) : semaphore_(&semaphore) {}
    Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (semaphore_ != nullptr) semaphore_->give_back();
    }

   private:
    Semaphore* semaphore_;
  };

  Semaphore(const asio::any_io_executor& executor, std::size_t permits)
      : permits_(permits), changed_(executor) {}

  /// Throws operation_aborted if the coroutine is cancelled; its place in the line is free then.
  asio::awaitable<Permit> acquire();

  /// Changes how many there are: what is taken beyond it stays taken.
  void resize(std::size_t permits);

  std::size_t taken() const { return taken_; }
  std::size_t waiting() const { return line_.size(); }

 private:
  void give_back();
  bool is_free() const { return taken_ < permits_; }

  std::size_t permits_;
  std::size_t taken_ = 0;
  std::list<char> line_;  ///< who waits: a place is known by its address
  Event changed_;
};

}  // namespace sluice::async
