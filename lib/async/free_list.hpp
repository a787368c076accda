#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "async/channel.hpp"

namespace sluice::async {

/// A number of reusable objects: whoever needs one waits for its turn. This is what bounds memory.
/// One thread. A lease returns its object when it is destroyed; the list must outlive its leases.
template <class T>
class FreeList {
 public:
  struct Return {
    FreeList* list;
    void operator()(T* object) const { list->put_back(object); }
  };
  using Lease = std::unique_ptr<T, Return>;

  FreeList(const asio::any_io_executor& executor, std::size_t count)
      : FreeList(executor, count, count) {}
  /// Of `count` to begin with; allow() makes it `most` of them at most.
  FreeList(const asio::any_io_executor& executor, std::size_t count, std::size_t most)
      : free_(executor, most) {
    allow(count);
  }

  /// Changes how many there are. What is too many ends as it comes back.
  void allow(std::size_t count) {
    allowed_ = count;
    for (; made_ < allowed_; ++made_) free_.try_send(std::make_unique<T>());
  }

  asio::awaitable<Lease> take() {
    std::optional<std::unique_ptr<T>> object = co_await free_.receive();
    co_return Lease(object->release(), Return{this});
  }

 private:
  void put_back(T* object) {
    std::unique_ptr<T> free(object);
    if (made_ > allowed_) {
      --made_;
    } else {
      free_.try_send(std::move(free));
    }
  }

  Channel<std::unique_ptr<T>> free_;
  std::size_t allowed_ = 0;
  std::size_t made_ = 0;
};

}  // namespace sluice::async
