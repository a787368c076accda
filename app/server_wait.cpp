#include "app/server_wait.hpp"

#include <unistd.h>

#include "app/cli.hpp"
#include "base/failure.hpp"

namespace sluice::app {

void add_wait_option(CLI::App& command, std::optional<std::chrono::milliseconds>& wait,
                     const std::string& otherwise) {
  add_duration_option(command, "--wait", wait,
                      "how long to wait at the start for a server that is starting or not there "
                      "yet (default: " +
                          otherwise + ")");
}

std::chrono::milliseconds wait_of_command(const std::optional<std::chrono::milliseconds>& given) {
  if (given) return *given;
  const bool at_terminal = ::isatty(STDERR_FILENO) != 0;
  return at_terminal ? std::chrono::milliseconds::zero() : limits::server_wait;
}

void await_server(const pg::ConnectOptions& connect, pg::ServerWait wait,
                  const std::stop_token& stop) {
  if (wait.patience <= std::chrono::milliseconds::zero()) return;
  asio::io_context io(1);
  pg::Pool pool(io.get_executor(), connect, 1);
  asio::cancellation_signal end;
  std::exception_ptr failed;
  const auto on_end = [&failed](const std::exception_ptr& error) { failed = error; };
  asio::co_spawn(io, pg::await_server(pool, std::move(wait)),
                 asio::bind_cancellation_slot(end.slot(), on_end));
  const auto cancel = [&end] { end.emit(asio::cancellation_type::terminal); };
  const auto on_stop = [&io, &cancel] { asio::post(io, cancel); };
  const std::stop_callback heard(stop, on_stop);
  io.run();
  if (stop.stop_requested()) throw Failure(FailureKind::interrupted, "interrupted");
  if (failed) std::rethrow_exception(failed);
}

}  // namespace sluice::app
