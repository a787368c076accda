#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process/call.hpp"
#include "process/ends.hpp"
#include "source/file_descriptor.hpp"

/// What a server and its worker say to each other, over a socket of their own (SOCK_SEQPACKET: a
/// message is there as a whole, or not at all).
namespace sluice::process {

/// A call as its worker has it.
struct Task {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  ///< NAME=value
  FedStreams streams;
  source::FileDescriptor folder;  ///< -1: where it runs anyway
};

/// How a call has ended.
struct Done {
  int exit_code = 0;
  bool is_last = false;  ///< the worker ends, and takes no more
};

/// Both ends. Throws Failure.
struct SocketPair {
  SocketPair();
  source::FileDescriptor ours;
  source::FileDescriptor theirs;
};

/// Does not wait. False where it does not go: too long for a message, or nobody there.
bool send(int socket, const Call& call, const FedStreams& streams, int folder);
/// Waits for it. Nothing where whoever sends has gone, or what came is no task.
std::optional<Task> receive_task(int socket);

/// False where nobody is there.
bool send(int socket, const Done& done);
/// Does not wait. Nothing where the worker has gone.
std::optional<Done> receive_done(int socket);

}  // namespace sluice::process
