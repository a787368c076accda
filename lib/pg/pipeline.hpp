#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pg/connection.hpp"
#include "pg/parameter.hpp"

namespace sluice::pg {

/// How much may be on its way to the server before its answers are waited for.
struct PipelineWindow {
  std::size_t commands_max = limits::pipeline_commands_max;
  std::size_t bytes_max = limits::pipeline_bytes_max;
};

/// An error of one of the commands. Those behind it, up to the next sync, were not run.
struct PipelineError {
  std::size_t command = 0;  ///< as execute() and prepare() have counted
  PgError error;
};

/// libpq's pipeline mode, borrowed from an idle connection: many commands are on their way while
/// their results come back in order. Until finish() has returned nothing else may use the
/// connection; without it the connection is not clean afterwards.
/// https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
///
/// Outside a transaction block what stands between two syncs is one transaction. No COPY: libpq 15
/// lets it through, and then hangs.
class Pipeline {
 public:
  /// A result of a command; errors are not among them.
  using OnResult = std::function<void(std::size_t command, Result result)>;

  explicit Pipeline(Connection& connection, OnResult on_result = {}, PipelineWindow window = {});

  /// Queues a statement to be parsed under a name ("" is free to be replaced), and returns its
  /// number, from 0. Waits while the window is full. Throws PgError for a lost connection.
  asio::awaitable<std::size_t> prepare(std::string name, std::string sql,
                                       std::span<const std::uint32_t> types);
  /// Queues a prepared statement.
  asio::awaitable<std::size_t> execute_prepared(std::string name, const RawParameters& parameters);
  /// Queues a statement of one command.
  asio::awaitable<std::size_t> execute(std::string sql,
                                       const RawParameters& parameters = RawParameters(Row()));

  /// Ends a group of commands: an error does not reach beyond it.
  asio::awaitable<void> sync();

  /// Syncs if it must, waits for all results and gives the connection back. Returns the first
  /// error.
  asio::awaitable<std::optional<PipelineError>> finish();

  /// Commands queued so far: the number of the next one.
  std::size_t commands() const { return commands_; }

  /// The first error that has come back so far: a caller may stop sending.
  const std::optional<PipelineError>& error() const { return error_; }

 private:
  struct InFlight {
    std::size_t bytes = 0;
    bool is_sync = false;
  };

  asio::awaitable<std::size_t> queued(bool accepted, std::size_t bytes);
  asio::awaitable<void> await_room();
  asio::awaitable<void> read_one();
  void read_what_has_come();
  void take_result();
  void end_command(bool is_sync);

  Connection& connection_;
  OnResult on_result_;
  PipelineWindow window_;
  std::deque<InFlight> in_flight_;
  std::size_t bytes_in_flight_ = 0;
  std::size_t commands_ = 0;  ///< queued so far
  std::size_t answered_ = 0;  ///< commands whose results have all come
  std::size_t unsent_bytes_ = 0;
  std::size_t results_of_command_ = 0;  ///< of the one that is being answered
  bool synced_ = true;
  std::optional<PipelineError> error_;
};

}  // namespace sluice::pg
