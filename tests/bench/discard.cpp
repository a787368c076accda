// A server that is faster than any: a proxy on loopback which hands everything to PostgreSQL but
// the rows of a COPY, which it reads and forgets, so that what is measured is the client alone. The
// table stays empty; the ledger has its rows, and the client is told that they were stored, as it
// counts them. Prints its port, and runs until it is ended.
//   bench_discard HOST PORT     (connect with sslmode=disable gssencmode=disable)
//
// What a client sends: a startup message (length, then that), and then messages of a byte that says
// which it is and a length that counts itself ("Message Formats" of PostgreSQL's manual).

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
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

/// Counts the tuples of a COPY in binary, as its bytes go by.
class Tuples {
 public:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (skipped_ > 0) {
        const std::size_t n = std::min(skipped_, bytes.size());
        skipped_ -= n;
        bytes.remove_prefix(n);
        continue;
      }
      number_ = number_ << 8 | static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (--missing_ == 0) take_number();
    }
  }
  std::uint64_t count() const { return count_; }

 private:
  /// The number of a tuple's fields, or the length of one.
  void take_number() {
    if (fields_ == 0) {
      fields_ = number_ == 0xffff ? 0 : number_;
      count_ += number_ == 0xffff ? 0 : 1;
    } else {
      --fields_;
      if (number_ != 0xffffffff) skipped_ = number_;
    }
    number_ = 0;
    missing_ = fields_ > 0 ? 4 : 2;
  }

  std::size_t skipped_ = signature.size() + 8;  ///< in front of the next number
  std::uint32_t number_ = 0;
  int missing_ = 2;  ///< bytes of the number
  std::uint32_t fields_ = 0;
  std::uint64_t count_ = 0;
};

/// What a server answers, with the rows that were thrown away in the tag of their COPY.
class Answers {
 public:
  Answers(int client, std::atomic<std::uint64_t>& thrown_away)
      : client_(client), thrown_away_(thrown_away) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ == 0) {
        message_.push_back(bytes.front());
        bytes.remove_prefix(1);
        if (message_.size() == 5) begin();
        continue;
      }
      const std::string_view part = bytes.substr(0, std::min(left_, bytes.size()));
      message_ += part;
      left_ -= part.size();
      bytes.remove_prefix(part.size());
      if (left_ == 0) end();
    }
    send_all(client_, out_);
    out_.clear();
  }

 private:
  void begin() {
    std::uint32_t length = 0;
    for (std::size_t i = 1; i < 5; ++i)
      length = length << 8 | static_cast<unsigned char>(message_[i]);
    left_ = length - 4;
    if (left_ == 0) end();
  }
  void end() {
    if (message_[0] == 'C' &&
        message_.compare(5, std::string::npos, std::string("COPY 0", 7)) == 0) {
      const std::string tag = "COPY " + std::to_string(thrown_away_.exchange(0));
      message_ = std::string("C\0\0\0", 4) + static_cast<char>(tag.size() + 5) + tag + '\0';
    }
    out_ += message_;
    message_.clear();
  }

  int client_;
  std::atomic<std::uint64_t>& thrown_away_;
  std::string message_;
  std::string out_;
  std::size_t left_ = 0;  ///< of the message
};

/// What a client sends, without the rows.
class Client {
 public:
  Client(int server, std::atomic<std::uint64_t>& thrown_away)
      : server_(server), thrown_away_(thrown_away) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ == 0 && !begin_message(bytes)) continue;
      const std::string_view part = bytes.substr(0, std::min(left_, bytes.size()));
      if (!is_rows_) {
        to_server(part);
      } else {
        tuples_.take(part);
      }
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
      if (!is_first_) {
        thrown_away_ = tuples_.count();
        tuples_ = {};
      }
      is_first_ = true;
      to_server({head_.data(), head_.size()});
    }
    head_.clear();
    is_started_ = true;
    return left_ > 0;
  }

  int server_;
  std::atomic<std::uint64_t>& thrown_away_;  ///< of the COPY that has ended
  Tuples tuples_;
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
  std::atomic<std::uint64_t> thrown_away = 0;
  std::thread answers([client, server, &thrown_away] {
    Answers answered(client, thrown_away);
    read_until_end(server, [&answered](std::string_view bytes) { answered.take(bytes); });
    ::shutdown(client, SHUT_WR);
  });
  Client sent(server, thrown_away);
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
