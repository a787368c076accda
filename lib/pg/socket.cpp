#include "pg/socket.hpp"

#include <poll.h>
#include <sys/ioctl.h>

#include <boost/asio/posix/stream_descriptor.hpp>

namespace sluice::pg {

struct Socket::State {
  State(const asio::any_io_executor& executor, int fd)
      : descriptor(executor, fd), changed(executor) {}

  asio::posix::stream_descriptor descriptor;
  async::Event changed;
  bool read_armed = false;
  bool write_armed = false;
  Ready ready;
};

Socket::Socket(asio::any_io_executor executor) : executor_(std::move(executor)) {}

Socket::~Socket() { detach(); }

void Socket::attach(int fd) {
  if (state_ && state_->descriptor.native_handle() == fd) return;
  detach();
  state_ = std::make_shared<State>(executor_, fd);
}

void Socket::detach() {
  if (!state_) return;
  state_->descriptor.release();  // libpq closes it
  state_->changed.notify();
  state_.reset();
}

void Socket::move_to(asio::any_io_executor executor) {
  executor_ = std::move(executor);
  if (!state_) return;
  const int fd = state_->descriptor.native_handle();
  detach();
  attach(fd);
}

bool Socket::is_readable_now() const {
  if (!state_) return false;
  pollfd socket{state_->descriptor.native_handle(), POLLIN, 0};
  return ::poll(&socket, 1, 0) > 0;
}

std::size_t Socket::bytes_to_read() const {
  int bytes = 0;
  if (!state_ || ::ioctl(state_->descriptor.native_handle(), FIONREAD, &bytes) != 0) return 0;
  return static_cast<std::size_t>(bytes);
}

asio::awaitable<Socket::Ready> Socket::wait(bool for_write, async::Deadline deadline) {
  const std::shared_ptr<State> state = state_;
  // A wait for reading stays armed from one call to the next: re-arming costs a system call.
  if (!state->read_armed) {
    state->read_armed = true;
    const auto on_readable = [state](boost::system::error_code error) {
      state->read_armed = false;
      state->ready.readable = !error;
      state->changed.notify();
    };
    state->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, on_readable);
  }
  if (for_write && !state->write_armed) {
    state->write_armed = true;
    const auto on_writable = [state](boost::system::error_code error) {
      state->write_armed = false;
      state->ready.writable = !error;
      state->changed.notify();
    };
    state->descriptor.async_wait(asio::posix::stream_descriptor::wait_write, on_writable);
  }
  while (!state->ready.readable && !(for_write && state->ready.writable) && !deadline.passed() &&
         state == state_) {
    co_await state->changed.wait(deadline);
  }
  const Ready ready = state->ready;
  state->ready = {};
  co_return ready;
}

}  // namespace sluice::pg
