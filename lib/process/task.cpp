#include "process/task.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/failure.hpp"

namespace sluice::process {
namespace {

using source::FileDescriptor;

constexpr std::size_t descriptors_max = 5;

/// "2 load\0-\0NAME=value\0": how many arguments, and all texts. None of them has a NUL, which no
/// process could be started with.
std::string message_of(const Call& call) {
  std::string message = std::to_string(call.arguments.size()) + " ";
  for (const auto* texts : {&call.arguments, &call.environment})
    for (const std::string& text : *texts) message += text + '\0';
  return message;
}

bool read_message(std::string_view message, Task& task) {
  std::size_t arguments = 0;
  const char* const end = message.data() + message.size();
  const auto [at, error] = std::from_chars(message.data(), end, arguments);
  if (error != std::errc() || at == end || *at != ' ') return false;
  message.remove_prefix(static_cast<std::size_t>(at + 1 - message.data()));
  while (!message.empty()) {
    const std::size_t text = message.find('\0');
    if (text == message.npos) return false;
    auto& into = task.arguments.size() < arguments ? task.arguments : task.environment;
    into.emplace_back(message.substr(0, text));
    message.remove_prefix(text + 1);
  }
  return task.arguments.size() == arguments;
}

/// What came beside a message; they are closed if they are not wanted.
std::vector<FileDescriptor> descriptors_of(msghdr& header) {
  std::vector<FileDescriptor> all;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::array<int, descriptors_max> numbers{};
    std::memcpy(numbers.data(), CMSG_DATA(part), std::min(count, numbers.size()) * sizeof(int));
    for (std::size_t i = 0; i < std::min(count, numbers.size()); ++i) all.emplace_back(numbers[i]);
  }
  return all;
}

template <class Call>
ssize_t again_if_interrupted(const Call& call) {
  ssize_t got = -1;
  do got = call();
  while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

SocketPair::SocketPair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw Failure(FailureKind::failed, "cannot make a pair of sockets: " + errno_message(errno));
  ours = FileDescriptor(ends[0]);
  theirs = FileDescriptor(ends[1]);
}

bool send(int socket, const Call& call, const FedStreams& streams, int folder) {
  std::string message = message_of(call);
  std::vector<int> numbers{streams.input.get(), streams.result.get(), streams.said.get(),
                           streams.seal.get()};
  if (folder >= 0) numbers.push_back(folder);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_max * sizeof(int))> beside{};
  iovec text{message.data(), message.size()};
  msghdr header{.msg_iov = &text, .msg_iovlen = 1, .msg_control = beside.data()};
  header.msg_controllen = CMSG_SPACE(numbers.size() * sizeof(int));
  cmsghdr* const part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(numbers.size() * sizeof(int));
  std::memcpy(CMSG_DATA(part), numbers.data(), numbers.size() * sizeof(int));
  const auto say = [&] { return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT); };
  return again_if_interrupted(say) == static_cast<ssize_t>(message.size());
}

std::optional<Task> receive_task(int socket) {
  const auto ask = [&] { return ::recv(socket, nullptr, 0, MSG_PEEK | MSG_TRUNC); };
  const ssize_t size = again_if_interrupted(ask);
  if (size <= 0) return std::nullopt;
  std::string message(static_cast<std::size_t>(size), '\0');
  alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_max * sizeof(int))> beside{};
  iovec text{message.data(), message.size()};
  msghdr header{.msg_iov = &text,
                .msg_iovlen = 1,
                .msg_control = beside.data(),
                .msg_controllen = beside.size()};
  const auto hear = [&] { return ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC); };
  if (again_if_interrupted(hear) != size) return std::nullopt;
  std::vector<FileDescriptor> all = descriptors_of(header);
  Task task;
  if (all.size() < descriptors_max - 1 || !read_message(message, task)) return std::nullopt;
  task.streams = {.input = std::move(all[0]),
                  .result = std::move(all[1]),
                  .said = std::move(all[2]),
                  .seal = std::move(all[3])};
  if (all.size() == descriptors_max) task.folder = std::move(all[4]);
  return task;
}

bool send(int socket, const Done& done) {
  const auto say = [&] { return ::send(socket, &done, sizeof done, MSG_NOSIGNAL); };
  return again_if_interrupted(say) == sizeof done;
}

std::optional<Done> receive_done(int socket) {
  Done done;
  const auto hear = [&] { return ::recv(socket, &done, sizeof done, MSG_DONTWAIT); };
  if (again_if_interrupted(hear) != sizeof done) return std::nullopt;
  return done;
}

}  // namespace sluice::process
