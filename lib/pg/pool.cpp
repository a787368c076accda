#include "pg/pool.hpp"

namespace sluice::pg {

Lease::~Lease() {
  if (pool_ != nullptr) pool_->put_back(std::move(connection_));
}

Pool::Pool(const asio::any_io_executor& executor, ConnectOptions options,
           std::size_t connections_max)
    : options_(std::move(options)), connections_max_(connections_max), returned_(executor) {}

asio::awaitable<Lease> Pool::acquire() {
  for (;;) {
    while (leased_ >= connections_max_) co_await returned_.wait();
    if (std::unique_ptr<Connection> connection = take_idle()) {
      ++leased_;
      co_return lend(std::move(connection));
    }
    if (is_parked() && size() > 0) {
      co_await returned_.wait(parked_);
      continue;
    }
    ++leased_;
    std::exception_ptr failed;
    try {
      std::unique_ptr<Connection> connection = co_await Connection::open(options_);
      co_return lend(std::move(connection));
    } catch (const PgError& error) {
      failed = std::current_exception();
      if (error.state == sql_state::too_many_connections && size() > 0) {
        ++refusals_;
        parked_ = async::Deadline::after(limits::park_time);
        failed = nullptr;
      }
    } catch (...) {
      failed = std::current_exception();
    }
    --leased_;
    returned_.notify();
    if (failed) std::rethrow_exception(failed);
  }
}

std::unique_ptr<Connection> Pool::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.front());
    idle_.pop_front();
    if (connection->is_clean()) return connection;
  }
  return nullptr;
}

bool Pool::is_parked() const {
  return parked_.at != async::Clock::time_point::max() && !parked_.passed();
}

asio::awaitable<void> Pool::open_ahead() {
  if (leased_ + idle_.size() >= connections_max_ || is_parked()) co_return;
  ++leased_;
  std::exception_ptr cancelled;
  try {
    idle_.push_back(co_await Connection::open(options_));
  } catch (const PgError& error) {
    // acquire() will say it.
    if (error.state == sql_state::too_many_connections) {
      ++refusals_;
      parked_ = async::Deadline::after(limits::park_time);
    }
  } catch (...) {
    cancelled = std::current_exception();
  }
  --leased_;
  returned_.notify();
  if (cancelled) std::rethrow_exception(cancelled);
}

void Pool::put(std::unique_ptr<Connection> connection) {
  idle_.push_back(std::move(connection));
  returned_.notify();
}

void Pool::allow(std::size_t connections_max) {
  connections_max_ = connections_max;
  returned_.notify();
}

Lease Pool::lend(std::unique_ptr<Connection> connection) {
  in_use_.push_back(connection.get());
  return {*this, std::move(connection)};
}

std::vector<Cancel> Pool::cancel_leased() const {
  std::vector<Cancel> cancels;
  for (const Connection* connection : in_use_) cancels.push_back(connection->cancel());
  return cancels;
}

void Pool::put_back(std::unique_ptr<Connection> connection) {
  --leased_;
  std::erase(in_use_, connection.get());
  if (connection->is_clean()) idle_.push_back(std::move(connection));
  returned_.notify();
}

}  // namespace sluice::pg
