#include "pg/pool.hpp"

#include <algorithm>
#include <span>

#include "async/deadline.hpp"
#include "async/gather.hpp"
#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "pg/array_insert.hpp"
#include "pg/pipeline.hpp"

namespace sluice::pg {
namespace {

/// One statement a row, all in one transaction. Throws RowError.
asio::awaitable<std::uint64_t> execute_each(Connection& on, std::string statement,
                                            std::span<const Row> rows) {
  std::uint64_t touched = 0;
  const auto on_result = [&touched](std::size_t, const Result& result) {
    touched += result.affected();
  };
  Pipeline pipeline(on, on_result);
  std::span<const std::uint32_t> any_types;
  co_await pipeline.prepare("", std::move(statement), any_types);
  for (const Row& row : rows) {
    const RawParameters parameters(row);
    co_await pipeline.execute_prepared("", parameters);
    if (pipeline.error()) break;
  }
  std::optional<PipelineError> failed = co_await pipeline.finish();
  if (!failed) co_return touched;
  // Command 0 is the preparation; a statement that cannot be prepared fails for every row.
  throw RowError(std::move(failed->error), failed->command == 0 ? 0 : failed->command - 1);
}

/// The types of the statement's arrays; none where one of them has no arrays, or the server refuses
/// the statement.
asio::awaitable<std::vector<std::uint32_t>> array_types(Connection& on, const ArrayInsert& insert) {
  std::vector<std::uint32_t> types;
  try {
    const Sql question = insert.types_query();
    const Results results = co_await on.query_in_user_path(question);
    const Result& answer = results.last(1);
    for (std::size_t row = 0; row < answer.rows(); ++row)
      types.push_back(static_cast<std::uint32_t>(answer.integer(row, 0)));
  } catch (const PgError& error) {
    if (error.nature() == ErrorNature::lost) throw;
  }
  const bool has_all =
      types.size() == insert.parameters() && std::ranges::find(types, 0U) == types.end();
  if (!has_all) types.clear();
  co_return types;
}

/// Inserts many rows with each statement, all in one transaction. Nothing where the statement or
/// its types do not allow that, or a row is refused: which one it is, one statement a row will
/// tell.
asio::awaitable<std::optional<std::uint64_t>> insert_arrays(Connection& on,
                                                            const std::string& statement,
                                                            std::span<const Row> rows) {
  const std::optional<ArrayInsert> insert = ArrayInsert::of(statement);
  if (!insert) co_return std::nullopt;
  for (const Row& row : rows)
    if (row.size() != insert->parameters()) co_return std::nullopt;
  const std::vector<std::uint32_t> types = co_await array_types(on, *insert);
  if (types.empty()) co_return std::nullopt;
  std::uint64_t inserted = 0;
  const auto on_result = [&inserted](std::size_t, const Result& result) {
    inserted += result.affected();
  };
  Pipeline pipeline(on, on_result);
  co_await pipeline.prepare("", insert->statement(), types);
  ArraysOfRows arrays(insert->parameters());
  for (const Row& row : rows) {
    arrays.add(row);
    const bool is_full = arrays.rows() == limits::batch_rows_default ||
                         arrays.bytes() >= limits::batch_bytes_max || &row == &rows.back();
    if (!is_full) continue;
    const Row values = arrays.take();
    const RawParameters parameters(values);
    co_await pipeline.execute_prepared("", parameters);
    if (pipeline.error()) break;
  }
  const std::optional<PipelineError> failed = co_await pipeline.finish();
  if (failed) co_return std::nullopt;
  co_return inserted;
}

}  // namespace

Lease::~Lease() {
  if (pool_ != nullptr) pool_->put_back(std::move(connection_));
}

Pool::Pool(const asio::any_io_executor& executor, ConnectOptions connect, PoolOptions options)
    : connect_(std::move(connect)),
      options_(options),
      turns_(executor, options.connections_max),
      returned_(executor) {}

asio::awaitable<Lease> Pool::acquire() {
  const auto asked = async::Clock::now();
  const bool is_patient = options_.acquire_timeout.count() > 0;
  std::exception_ptr late;
  try {
    asio::awaitable<Lease> turn = acquire_in_turn();
    if (is_patient) turn = async::with_deadline(std::move(turn), asked + options_.acquire_timeout);
    Lease lease = co_await std::move(turn);
    ++counts_.acquired;
    counts_.time_waited += async::Clock::now() - asked;
    co_return lease;
  } catch (const async::TimedOut&) {
    late = std::current_exception();
  }
  throw PgError(Phase::connect, SqlState(sql_state::too_many_connections),
                "no connection was to be had within " + format_duration(options_.acquire_timeout));
}

asio::awaitable<Lease> Pool::acquire_in_turn() {
  async::Semaphore::Permit turn = co_await turns_.acquire();
  for (std::size_t failures = 0;;) {
    if (std::unique_ptr<Connection> connection = co_await take_idle())
      co_return lend(std::move(connection), std::move(turn));
    // One that is being opened ahead will do, and may be the last that is allowed.
    if (turns_.taken() + opening_ > options_.connections_max && opening_ > 0) {
      co_await returned_.wait();
      continue;
    }
    if (is_parked() && size() > 0) {
      co_await returned_.wait(parked_);
      continue;
    }
    std::optional<std::chrono::milliseconds> delay;
    try {
      std::unique_ptr<Connection> connection = co_await open();
      co_return lend(std::move(connection), std::move(turn));
    } catch (const PgError& error) {
      if (error.state == sql_state::too_many_connections && size() > 0) {
        note_refusal();
        continue;
      }
      const ErrorNature nature = error.nature();
      const bool may_pass = nature == ErrorNature::lost || nature == ErrorNature::transient;
      if (options_.acquire_timeout.count() == 0 || !may_pass) throw;
      delay = options_.reopen.delay(failures++, async::random_share());
    }
    co_await async::sleep_for(*delay);
  }
}

/// The connection that was not used for the longest time: chunks go round the connections in the
/// order of the file, which keeps them together at the right edge of an index.
asio::awaitable<std::unique_ptr<Connection>> Pool::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.front());
    idle_.pop_front();
    if (options_.lifetime_max.count() > 0 && connection->age() > options_.lifetime_max) {
      ++counts_.expired;
      continue;
    }
    if (co_await lives(*connection)) co_return connection;
    ++counts_.broken;
  }
  co_return nullptr;
}

std::vector<std::unique_ptr<Connection>> Pool::take_all_idle() {
  std::vector<std::unique_ptr<Connection>> fit;
  for (std::unique_ptr<Connection>& connection : std::exchange(idle_, {}))
    if (connection->is_clean() && connection->seems_connected())
      fit.push_back(std::move(connection));
  return fit;
}

asio::awaitable<bool> Pool::lives(Connection& connection) {
  if (!connection.is_clean() || !connection.seems_connected()) co_return false;
  if (connection.idle_time() <= options_.idle_check_after) co_return true;
  try {
    co_await connection.query("");
    co_return true;
  } catch (const PgError&) {
    co_return false;
  }
}

/// Settings that have led to a server once are right: where they do no more, somebody is changing
/// what they name (a service file, a certificate), and that may pass as a server's absence does.
asio::awaitable<std::unique_ptr<Connection>> Pool::open() {
  std::optional<PgError> away;
  try {
    std::unique_ptr<Connection> connection = co_await Connection::open(connect_);
    ++counts_.opened;
    co_return connection;
  } catch (PgError& error) {
    ++counts_.not_opened;
    if (counts_.opened == 0 || !error.is_given_up) throw;
    error.is_given_up = false;
    away = error;
  } catch (const Failure& failure) {
    ++counts_.not_opened;
    if (counts_.opened == 0) throw;
    away = PgError(Phase::connect, SqlState(), failure.what());
  }
  throw PgError(*away);
}

asio::awaitable<std::uint64_t> Pool::execute(std::string sql, Row parameters) {
  Lease connection = co_await acquire();
  const Result result = co_await connection->execute(std::move(sql), std::move(parameters));
  co_return result.affected();
}

asio::awaitable<Result> Pool::fetch(std::string sql, Row parameters) {
  Lease connection = co_await acquire();
  co_return co_await connection->execute(std::move(sql), std::move(parameters));
}

asio::awaitable<std::uint64_t> Pool::executemany(std::string sql, std::vector<Row> rows) {
  Lease connection = co_await acquire();
  if (rows.size() >= ArrayInsert::rows_min) {
    const std::optional<std::uint64_t> inserted = co_await insert_arrays(*connection, sql, rows);
    if (inserted) co_return *inserted;
  }
  co_return co_await execute_each(*connection, std::move(sql), rows);
}

bool Pool::is_parked() const {
  return parked_.at != async::Clock::time_point::max() && !parked_.passed();
}

void Pool::note_refusal() {
  ++refusals_;
  parked_ = async::Deadline::after(limits::park_time);
}

asio::awaitable<void> Pool::open_ahead() {
  if (turns_.taken() + idle_.size() + opening_ >= options_.connections_max || is_parked())
    co_return;
  ++opening_;
  std::exception_ptr cancelled;
  try {
    idle_.push_back(co_await open());
  } catch (const PgError& error) {
    // acquire() will say it.
    if (error.state == sql_state::too_many_connections) note_refusal();
  } catch (...) {
    cancelled = std::current_exception();
  }
  --opening_;
  returned_.notify();
  if (cancelled) std::rethrow_exception(cancelled);
}

asio::awaitable<void> Pool::open_min() {
  std::vector<asio::awaitable<std::unique_ptr<Connection>>> tasks;
  for (std::size_t i = size(); i < options_.connections_min; ++i) tasks.push_back(open());
  for (std::unique_ptr<Connection>& connection : co_await async::gather(std::move(tasks)))
    put(std::move(connection));
}

void Pool::put(std::unique_ptr<Connection> connection) {
  idle_.push_back(std::move(connection));
  returned_.notify();
}

void Pool::allow(std::size_t connections_max) {
  options_.connections_max = connections_max;
  turns_.resize(connections_max);
  returned_.notify();
}

Lease Pool::lend(std::unique_ptr<Connection> connection, async::Semaphore::Permit turn) {
  in_use_.push_back(connection.get());
  return {*this, std::move(connection), std::move(turn)};
}

std::vector<int> Pool::backends() const {
  std::vector<int> backends;
  for (const Connection* connection : in_use_) backends.push_back(connection->backend());
  return backends;
}

std::vector<Cancel> Pool::cancel_leased() {
  std::vector<Cancel> cancels;
  for (Connection* connection : in_use_)
    if (!connection->is_being_cancelled()) cancels.push_back(connection->cancel());
  return cancels;
}

void Pool::put_back(std::unique_ptr<Connection> connection) {
  std::erase(in_use_, connection.get());
  if (connection->is_clean()) {
    connection->note_use();
    idle_.push_back(std::move(connection));
  } else {
    ++counts_.broken;
  }
  returned_.notify();
}

PoolStatistics Pool::statistics() const {
  PoolStatistics s = counts_;
  s.leased = in_use_.size();
  s.idle = idle_.size();
  s.waiting = turns_.waiting();
  return s;
}

}  // namespace sluice::pg
