#pragma once

#include <functional>

namespace bench {

/// Listens on a port of loopback, prints it, and hands over each connection that comes with one to
/// the server: two sockets, which `take` closes. Returns an exit code where it cannot; otherwise
/// never.
int serve_each(const char* host, const char* port,
               const std::function<void(int client, int server)>& take);

}  // namespace bench
