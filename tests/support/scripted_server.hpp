#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

/// A message of the server's side of the protocol, well-formed or not.
/// https://www.postgresql.org/docs/current/protocol-message-formats.html
struct ServerMessage {
  static constexpr std::uint32_t for_ever = 0;

  char type = 0;
  std::string body;
  bool goes_on = false;     ///< the next one follows at once, although this one ends an answer
  std::uint32_t times = 1;  ///< how often it is sent
  std::int8_t excess = 0;   ///< the length that it tells is so much too large
};

/// What a connection is answered: up to a message that ends an answer (ready for query, COPY,
/// a request for a password) each time when it asks.
using Answers = std::vector<ServerMessage>;

/// A server that says what it is told to, whatever it is asked, on a Unix socket. The n-th
/// connection gets the n-th answers, those behind the last none: it is hung up on, as is who has
/// heard all. It has a thread of its own.
class ScriptedServer {
 public:
  /// What it said that means that rows were stored.
  struct Said {
    std::uint64_t copies_begun = 0;
    std::uint64_t rows_copied = 0;  ///< the sum of all tags "COPY n"
    std::vector<std::vector<std::string>> rows;
  };

  explicit ScriptedServer(const std::string& folder);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string conninfo() const;

  void play(std::vector<Answers> dialogue);
  /// Hangs up on everybody.
  Said stop();
  /// Nobody will hear anything more.
  bool is_over() const { return over_; }

  /// Who asks nothing for so long is hung up on.
  std::chrono::milliseconds patience{std::chrono::seconds(30)};

 private:
  struct Client;

  void serve();
  void hear(Client& client);
  void answer(Client& client);
  bool send(Client& client, const std::string& bytes);
  void note(const ServerMessage& message);

  std::string folder_;
  int listener_ = -1;
  std::vector<Answers> dialogue_;
  Said said_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace sluice::test
