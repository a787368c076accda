#include "pg/pipeline.hpp"

namespace sluice::pg {
namespace {

/// About what a command's messages take beside its text and its parameters.
constexpr std::size_t command_overhead_bytes = 64;

}  // namespace

Pipeline::Pipeline(Connection& connection, OnResult on_result, PipelineWindow window)
    : connection_(connection), on_result_(std::move(on_result)), window_(window) {
  connection_.begin_command();
  if (PQenterPipelineMode(connection_.connection_.get()) != 1)
    throw PgError::from(connection_.connection_.get(), Phase::query);
}

asio::awaitable<std::size_t> Pipeline::prepare(std::string name, std::string sql,
                                               std::span<const std::uint32_t> types) {
  static_assert(sizeof(Oid) == sizeof(std::uint32_t));
  const int accepted =
      PQsendPrepare(connection_.connection_.get(), name.c_str(), sql.c_str(),
                    static_cast<int>(types.size()), types.empty() ? nullptr : types.data());
  return queued(accepted == 1, sql.size());
}

asio::awaitable<std::size_t> Pipeline::execute_prepared(std::string name,
                                                        const RawParameters& parameters) {
  const int accepted =
      PQsendQueryPrepared(connection_.connection_.get(), name.c_str(), parameters.count(),
                          parameters.values(), parameters.lengths(), parameters.formats(), 0);
  return queued(accepted == 1, parameters.bytes());
}

asio::awaitable<std::size_t> Pipeline::execute(std::string sql, const RawParameters& parameters) {
  const int accepted = PQsendQueryParams(
      connection_.connection_.get(), sql.c_str(), parameters.count(), parameters.types(),
      parameters.values(), parameters.lengths(), parameters.formats(), 0);
  return queued(accepted == 1, sql.size() + parameters.bytes());
}

asio::awaitable<std::size_t> Pipeline::queued(bool accepted, std::size_t bytes) {
  if (!accepted) throw PgError::from(connection_.connection_.get(), Phase::query);
  in_flight_.push_back({bytes, false});
  bytes_in_flight_ += bytes;
  unsent_bytes_ += bytes + command_overhead_bytes;
  synced_ = false;
  const std::size_t number = commands_++;
  co_await await_room();
  co_return number;
}

asio::awaitable<void> Pipeline::sync() {
  PGconn* const raw = connection_.connection_.get();
  if (PQpipelineSync(raw) != 1) throw PgError::from(raw, Phase::query);
  in_flight_.push_back({0, true});
  synced_ = true;
  unsent_bytes_ = 0;
  co_await connection_.flush(Phase::query);
}

/// Waits until the next command fits into the window. What is queued is sent when there is enough
/// of it: a system call for each command would cost more than the commands.
asio::awaitable<void> Pipeline::await_room() {
  const bool is_full =
      in_flight_.size() >= window_.commands_max || bytes_in_flight_ >= window_.bytes_max;
  if (!is_full && unsent_bytes_ < limits::pipeline_send_bytes) co_return;
  PGconn* const raw = connection_.connection_.get();
  // A server answers when it is asked to, or when its buffer is full.
  if (is_full && PQsendFlushRequest(raw) != 1) throw PgError::from(raw, Phase::query);
  co_await connection_.flush(Phase::query);
  unsent_bytes_ = 0;
  read_what_has_come();
  if (!is_full) co_return;
  // Down to half, so that the next request is not at the next command.
  while (in_flight_.size() > window_.commands_max / 2 || bytes_in_flight_ > window_.bytes_max / 2)
    co_await read_one();
}

asio::awaitable<std::optional<PipelineError>> Pipeline::finish() {
  if (!synced_) co_await sync();
  while (!in_flight_.empty()) co_await read_one();
  PGconn* const raw = connection_.connection_.get();
  if (PQexitPipelineMode(raw) != 1) throw PgError::from(raw, Phase::query);
  co_return error_;
}

/// Waits until at least one result has come, and takes it.
asio::awaitable<void> Pipeline::read_one() {
  co_await connection_.await_result(Phase::query);
  take_result();
}

void Pipeline::read_what_has_come() {
  PGconn* const raw = connection_.connection_.get();
  connection_.has_input_ = false;
  if (!connection_.read_input(Phase::query)) throw PgError::from(raw, Phase::query);
  while (!in_flight_.empty() && PQisBusy(raw) == 0) take_result();
}

/// Takes what PQgetResult has next: a result, the end of a command, or a sync.
/// REQUIRES: it would not block, and something is in flight.
void Pipeline::take_result() {
  PGconn* const raw = connection_.connection_.get();
  Result result(connection_.take_result(Phase::query).release(), connection_.trust_);
  if (result.is_nothing()) {
    end_command(false);
    return;
  }
  if (++results_of_command_ > limits::extra_results_max) connection_.trust_.lose("it has no end");
  switch (result.status()) {
    case PGRES_PIPELINE_SYNC: end_command(true); return;
    case PGRES_PIPELINE_ABORTED: return;
    case PGRES_BAD_RESPONSE:
    case PGRES_FATAL_ERROR:
      if (PQstatus(raw) == CONNECTION_BAD) throw result.error(Phase::query);
      if (!error_)
        error_ = PipelineError{answered_, connection_.in_utf8(result.error(Phase::query))};
      return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: connection_.trust_.lose("it begins a COPY");
    default:
      if (on_result_) on_result_(answered_, std::move(result));
      return;
  }
}

/// The server has answered a command, or a sync: the one that is next.
void Pipeline::end_command(bool is_sync) {
  // libpq believes a server that says more often than it was asked to that it is ready.
  if (in_flight_.front().is_sync != is_sync)
    connection_.trust_.lose("answers come in another order than questions");
  results_of_command_ = 0;
  bytes_in_flight_ -= in_flight_.front().bytes;
  in_flight_.pop_front();
  if (!is_sync) ++answered_;
}

}  // namespace sluice::pg
