#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "async/channel.hpp"

namespace sluice::async {

/// A fixed number of reusable objects: whoever needs one waits for its turn. This is what bounds
/// memory. One thread. A lease returns its object when it is destroyed; the list must outlive its
/// leases.
template <class T>
class FreeList {
 public:
  struct Return {
    FreeList* list;
    void operator()(T* object) const { list->put_back(object); }
  };
  using Lease = std::unique_ptr<T, Return>;

  FreeList(const asio::any_io_executor& executor, std::size_t count) : free_(executor, count) {
    for (std::size_t i = 0; i < count; ++i) free_.try_send(std::make_unique<T>());
  }

  asio::awaitable<Lease> take() {
    std::optional<std::unique_ptr<T>> object = co_await free_.receive();
    co_return Lease(object->release(), Return{this});
  }

 private:
  void put_back(T* object) { free_.try_send(std::unique_ptr<T>(object)); }

  Channel<std::unique_ptr<T>> free_;
};

}  // namespace sluice::async
