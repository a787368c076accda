// A network between a client and a server on this machine: a proxy on loopback that forwards each
// byte after a delay, with any bandwidth or with so much of it for each connection and direction.
// Prints its port, and runs until it is ended.
//   bench_delay HOST PORT MILLISECONDS [MB/S]     (milliseconds in each direction: half of the
//   round trip)

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/loopback.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t read_bytes = 256 * 1024;
/// On the way at a time: enough for a gigabyte a second at 50 ms.
constexpr std::size_t bytes_on_the_way_max = 64 << 20;

/// What is between the two.
struct Network {
  Clock::duration delay;
  double bytes_per_second;  ///< of a connection, in each direction; 0: any number of them
};

/// One direction of a connection: bytes and when they arrive.
class Way {
 public:
  explicit Way(const Network& network) : network_(network) {}

  void put(std::vector<char> bytes) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return bytes_ < bytes_on_the_way_max; });
    bytes_ += bytes.size();
    free_at_ = std::max(free_at_, Clock::now()) + time_of(bytes.size());
    packets_.push_back({std::move(bytes), free_at_ + network_.delay});
    changed_.notify_all();
  }
  /// Waits until the next bytes arrive. An empty packet is the end.
  std::vector<char> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !packets_.empty(); });
    Packet packet = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= packet.bytes.size();
    changed_.notify_all();
    lock.unlock();
    std::this_thread::sleep_until(packet.arrival);
    return std::move(packet.bytes);
  }

 private:
  struct Packet {
    std::vector<char> bytes;
    Clock::time_point arrival;
  };

  Clock::duration time_of(std::size_t bytes) const {
    if (network_.bytes_per_second <= 0) return {};
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / network_.bytes_per_second));
  }

  Network network_;
  Clock::time_point free_at_;  ///< when the last byte that was put has left
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Packet> packets_;
  std::size_t bytes_ = 0;
};

/// A socket that is closed when both directions are done with it.
struct Socket {
  explicit Socket(int fd_) : fd(fd_) {}
  ~Socket() { ::close(fd); }
  int fd;
};

void forward(std::shared_ptr<Socket> from, std::shared_ptr<Socket> to, const Network& network) {
  const auto way = std::make_shared<Way>(network);
  std::thread([way, to] {
    for (;;) {
      const std::vector<char> bytes = way->take();
      if (bytes.empty()) break;
      for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t n = ::send(to->fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (n <= 0) break;
        done += static_cast<std::size_t>(n);
      }
    }
    ::shutdown(to->fd, SHUT_WR);
  }).detach();
  std::thread([way, from] {
    std::vector<char> buffer(read_bytes);
    for (;;) {
      const ssize_t n = ::recv(from->fd, buffer.data(), buffer.size(), 0);
      const auto count = n > 0 ? n : 0;
      way->put({buffer.begin(), buffer.begin() + count});
      if (count == 0) return;
    }
  }).detach();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "bench_delay HOST PORT MILLISECONDS [MB/S]\n");
    return 2;
  }
  const Network network{
      .delay = std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double, std::milli>(std::strtod(argv[3], nullptr))),
      .bytes_per_second = argc == 5 ? std::strtod(argv[4], nullptr) * 1e6 : 0};
  return bench::serve_each(argv[1], argv[2], [&network](int accepted, int connected) {
    const auto client = std::make_shared<Socket>(accepted);
    const auto server = std::make_shared<Socket>(connected);
    forward(client, server, network);
    forward(server, client, network);
  });
}
