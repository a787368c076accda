// A server that is faster than any: a proxy on loopback which hands everything to PostgreSQL but
// the rows of a COPY, which it reads and forgets, so that what is measured is the client alone. The
// table stays empty; the ledger has its rows. Prints its port, and runs until it is ended.
//   bench_discard HOST PORT     (connect with sslmode=disable gssencmode=disable)
//
// What a client sends: a startup message (length, then that), and then messages of a byte that says
// which it is and a length that counts itself ("Message Formats" of PostgreSQL's manual).

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/loopback.hpp"

namespace {

constexpr std::size_t read_bytes = 1 << 20;
constexpr std::string_view signature{"PGCOPY\n\377\r\n\0", 11};
/// A CopyData message with a COPY in binary that has no rows: signature, flags, no extension, -1.
constexpr std::string_view no_rows{"d\0\0\0\x19PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\377\377", 26};

void send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// What a client sends, without the rows.
class Client {
 public:
  explicit Client(int server) : server_(server) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ == 0 && !begin_message(bytes)) continue;
      const std::string_view part = bytes.substr(0, std::min(left_, bytes.size()));
      if (!is_rows_) to_server(part);
      left_ -= part.size();
      bytes.remove_prefix(part.size());
    }
    send_all(server_, {out_.data(), out_.size()});
    out_.clear();
  }

 private:
  void to_server(std::string_view bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  /// Takes bytes of a header until there is one, and of rows the first ones too: those say whether
  /// they are binary.
  bool begin_message(std::string_view& bytes) {
    const std::size_t header_bytes = is_started_ ? 5 : 4;
    while (head_.size() < header_bytes && !bytes.empty()) {
      head_.push_back(bytes.front());
      bytes.remove_prefix(1);
    }
    if (head_.size() < header_bytes) return false;
    std::uint32_t length = 0;
    for (std::size_t i = header_bytes - 4; i < header_bytes; ++i)
      length = length << 8 | static_cast<unsigned char>(head_[i]);
    left_ = length - 4;
    is_rows_ = is_started_ && head_[0] == 'd';
    if (is_rows_) {
      if (is_first_ && bytes.starts_with(signature.substr(0, std::min(bytes.size(), left_))))
        to_server(no_rows);
      is_first_ = false;
    } else {
      is_first_ = true;
      to_server({head_.data(), head_.size()});
    }
    head_.clear();
    is_started_ = true;
    return left_ > 0;
  }

  int server_;
  std::vector<char> out_;
  std::vector<char> head_;
  std::size_t left_ = 0;  ///< of the message
  bool is_started_ = false;
  bool is_rows_ = false;
  bool is_first_ = true;  ///< the next CopyData is the first one of its COPY
};

template <class Take>
void read_until_end(int from, Take take) {
  std::vector<char> buffer(read_bytes);
  for (;;) {
    const ssize_t n = ::recv(from, buffer.data(), buffer.size(), 0);
    if (n <= 0) return;
    take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
}

void serve(int client, int server) {
  std::thread answers([client, server] {
    read_until_end(server, [client](std::string_view bytes) { send_all(client, bytes); });
    ::shutdown(client, SHUT_WR);
  });
  Client sent(server);
  read_until_end(client, [&sent](std::string_view bytes) { sent.take(bytes); });
  ::shutdown(server, SHUT_WR);
  answers.join();
  ::close(client);
  ::close(server);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "bench_discard HOST PORT\n");
    return 2;
  }
  return bench::serve_each(argv[1], argv[2], [](int client, int server) {
    std::thread(serve, client, server).detach();
  });
}
