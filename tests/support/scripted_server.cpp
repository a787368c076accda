#include "support/scripted_server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t read_number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + size; ++i)
    value = value << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
  return value;
}

std::string bytes_of(const ServerMessage& message) {
  const auto length = static_cast<std::uint32_t>(static_cast<std::int64_t>(message.body.size()) +
                                                 4 + message.excess);
  std::string bytes(1, message.type);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes + message.body;
}

bool ends_answer(const ServerMessage& message) {
  const bool asks_for_password =
      message.type == 'R' && read_number(message.body, 0, 4) != 0 &&
      read_number(message.body, 0, 4) != 12;  // SASL's end says what the server proves
  return !message.goes_on && (asks_for_password || message.type == 'Z' || message.type == 'G' ||
                              message.type == 'W' || message.type == 'H');
}

std::vector<std::string> fields_of(std::string_view body) {
  std::vector<std::string> fields;
  for (std::size_t at = 2; at + 4 <= body.size() && fields.size() < read_number(body, 0, 2);) {
    const std::uint32_t length = read_number(body, at, 4);
    at += 4;
    const bool is_null = length > body.size();
    fields.emplace_back(is_null ? std::string_view() : body.substr(at, length));
    if (!is_null) at += length;
  }
  return fields;
}

}  // namespace

struct ScriptedServer::Client {
  int fd = -1;
  Answers answers;
  std::size_t next = 0;
  bool started = false;
  std::string heard;
  Clock::time_point last_heard = Clock::now();

  void hang_up() {
    ::close(fd);
    fd = -1;
  }
};

ScriptedServer::ScriptedServer(const std::string& folder) : folder_(folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + "/.s.PGSQL.5432";
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + " is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ::unlink(path.c_str());
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0)
    throw std::runtime_error("cannot listen on " + path);
}

ScriptedServer::~ScriptedServer() {
  stop();
  ::close(listener_);
}

std::string ScriptedServer::conninfo() const {
  return "host=" + folder_ + " port=5432 user=u dbname=d sslmode=disable gssencmode=disable";
}

void ScriptedServer::play(std::vector<Answers> dialogue) {
  stop();
  dialogue_ = std::move(dialogue);
  said_ = {};
  stopping_ = false;
  over_ = false;
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::Said ScriptedServer::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  return std::move(said_);
}

void ScriptedServer::serve() {
  std::vector<Client> clients;
  std::size_t accepted = 0;
  while (!stopping_) {
    std::vector<pollfd> waits{{listener_, POLLIN, 0}};
    for (const Client& client : clients) waits.push_back({client.fd, POLLIN, 0});
    ::poll(waits.data(), waits.size(), 5);
    for (std::size_t i = 1; i < waits.size(); ++i) {
      Client& client = clients[i - 1];
      if (waits[i].revents != 0) hear(client);
      if (client.fd >= 0 && Clock::now() - client.last_heard > patience) client.hang_up();
    }
    std::erase_if(clients, [](const Client& client) { return client.fd < 0; });
    if (waits[0].revents != 0) {
      Client client;
      client.fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client.fd < 0) continue;
      if (accepted < dialogue_.size()) client.answers = dialogue_[accepted];
      ++accepted;
      clients.push_back(std::move(client));
    }
    over_ = clients.empty() && accepted >= dialogue_.size();
  }
  for (Client& client : clients) client.hang_up();
  // Who came meanwhile is not the next dialogue's.
  for (int late = 0; (late = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
    ::close(late);
}

/// Takes what a client says; answers what asks for an answer.
void ScriptedServer::hear(Client& client) {
  constexpr std::uint32_t cancel = 80877102;
  constexpr std::uint32_t ssl = 80877103;
  constexpr std::uint32_t gss = 80877104;
  char buffer[16384];
  const ssize_t n = ::recv(client.fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n <= 0) {
    client.hang_up();
    return;
  }
  client.last_heard = Clock::now();
  client.heard.append(buffer, static_cast<std::size_t>(n));
  while (client.fd >= 0) {
    const std::size_t head = client.started ? 5 : 8;
    if (client.heard.size() < head) return;
    const std::size_t size =
        read_number(client.heard, client.started ? 1 : 0, 4) + (client.started ? 1U : 0U);
    if (client.heard.size() < size) return;
    const char type = client.heard.front();
    const std::uint32_t code = read_number(client.heard, 4, 4);
    client.heard.erase(0, size);
    if (client.started) {
      constexpr std::string_view asking = "QSHcfp";
      if (asking.contains(type)) answer(client);
    } else if (code == cancel) {
      client.hang_up();
    } else if (code == ssl || code == gss) {
      send(client, "N");
    } else {
      client.started = true;
      answer(client);
    }
  }
}

void ScriptedServer::answer(Client& client) {
  while (client.fd >= 0 && client.next < client.answers.size()) {
    const ServerMessage& message = client.answers[client.next++];
    note(message);
    const std::string bytes = bytes_of(message);
    if (message.times != ServerMessage::for_ever) {
      for (std::uint32_t i = 0; i < message.times && client.fd >= 0; ++i) send(client, bytes);
    } else {
      // In large pieces: the client shall be the slower one.
      std::string many;
      while (many.size() < 65536) many += bytes;
      while (client.fd >= 0 && !stopping_) send(client, many);
    }
    if (ends_answer(message)) return;
  }
  if (client.fd >= 0) client.hang_up();
}

bool ScriptedServer::send(Client& client, const std::string& bytes) {
  const Clock::time_point began = Clock::now();
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::send(client.fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      continue;
    }
    pollfd wait{client.fd, POLLOUT, 0};
    if (errno == EAGAIN && !stopping_ && Clock::now() - began < patience) {
      ::poll(&wait, 1, 5);
      continue;
    }
    client.hang_up();
    return false;
  }
  return true;
}

void ScriptedServer::note(const ServerMessage& message) {
  if (message.type == 'G') ++said_.copies_begun;
  if (message.type == 'D') said_.rows.push_back(fields_of(message.body));
  constexpr std::string_view copy = "COPY ";
  if (message.type != 'C' || !message.body.starts_with(copy)) return;
  std::uint64_t rows = 0;
  const char* const digits = message.body.data() + copy.size();
  std::from_chars(digits, message.body.data() + message.body.size(), rows);
  said_.rows_copied += rows * std::max(message.times, 1U);
}

}  // namespace sluice::test
