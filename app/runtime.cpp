#include "app/runtime.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <exception>
#include <thread>

#include "app/kept_sessions.hpp"

namespace sluice::app {
namespace {

/// A thread begins with the name of the one that makes it: so `top -H` shows what it is for.
class NamedForChildren {
 public:
  explicit NamedForChildren(const char* name) {
    ::pthread_getname_np(::pthread_self(), own_.data(), own_.size());
    ::pthread_setname_np(::pthread_self(), name);
  }
  ~NamedForChildren() { ::pthread_setname_np(::pthread_self(), own_.data()); }
  NamedForChildren(const NamedForChildren&) = delete;
  NamedForChildren& operator=(const NamedForChildren&) = delete;

 private:
  std::array<char, 16> own_{};  ///< no name is longer in Linux
};

asio::thread_pool threads_named(const char* name, std::size_t count) {
  const NamedForChildren named(name);
  return asio::thread_pool(count);
}

}  // namespace

Runtime::Runtime(pg::ConnectOptions connect)
    : io_(1),
      cpu_(threads_named("pgsluice-encode", std::max(1U, std::thread::hardware_concurrency()))),
      reader_(threads_named("pgsluice-read", 1)),
      pool_(io_.get_executor(), std::move(connect),
            pg::PoolOptions{.connections_max = 1, .is_kept = kept_sessions() != nullptr}),
      signals_(io_) {
  if (kept_sessions() == nullptr) return;
  for (auto& session : kept_sessions()->take(pool_.options(), io_.get_executor()))
    pool_.put(std::move(session));
}

Runtime::~Runtime() {
  cpu_.join();
  reader_.join();
  if (kept_sessions() != nullptr) kept_sessions()->give(pool_.options(), pool_.take_all_idle());
}

void Runtime::on_signal(std::function<void()> stop, std::function<void()> cancel) {
  stop_ = std::move(stop);
  cancel_ = std::move(cancel);
}

void Runtime::end_on_signal() {
  on_signal([this] { cancel_command(); }, {});
}

void Runtime::cancel_command() {
  if (cancel_) cancel_();
  if (also_end_) also_end_();
  command_.emit(asio::cancellation_type::terminal);
}

void Runtime::run(asio::awaitable<void> command) {
  std::exception_ptr failed;
  const auto on_end = [this, &failed](const std::exception_ptr& error) {
    failed = error;
    signals_.end();
  };
  const auto stop_soon = [this] {
    if (stop_) stop_();
    if (also_end_) also_end_();
  };
  signals_.listen({.soon = stop_soon, .now = [this] { cancel_command(); }});
  asio::co_spawn(io_, std::move(command), asio::bind_cancellation_slot(command_.slot(), on_end));
  io_.run();
  io_.restart();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace sluice::app
