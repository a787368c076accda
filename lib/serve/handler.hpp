#pragma once

#include <functional>
#include <string>

#include "ledger/loads.hpp"
#include "pg/pool.hpp"
#include "serve/exchange.hpp"
#include "serve/ledger_view.hpp"
#include "serve/target.hpp"
#include "serve/tokens.hpp"
#include "serve/uploads.hpp"

namespace sluice::serve {

/// A line of the log.
struct Event {
  std::string what;  ///< listening, answered, failed, stopping, ...
  std::string peer;
  std::string who;  ///< the token's name
  std::string method;
  std::string path;  ///< without its query, which may have values of the user's
  int status = 0;
  double seconds = 0;
  std::string message;
};

/// What requests are answered by.
struct HandlerOptions {
  pg::ConnectOptions connect;  ///< handed to the processes that load
  UploadLimits uploads;
  Permission anybody;  ///< where there are no tokens
  /// Names that a request may be for (its Host), where whoever runs on this machine is let in:
  /// a page of somebody else, whose name leads here, has another one. Empty: any.
  std::vector<std::string> hosts;
  std::uint64_t unpacked_bytes_max = 0;  ///< of a packed body; 0: any
  std::function<void(const Event&)> log;
};

/// The API: what is asked for, by whom, and what is answered. Knows no sockets. One thread.
class Handler {
 public:
  Handler(const asio::any_io_executor& executor, pg::Pool& pool, HandlerOptions options,
          Tokens tokens);

  /// Answers it; throws Cut where who asked has gone.
  asio::awaitable<void> handle(Exchange& exchange);

  /// Those who come from here on are known by these.
  void use(Tokens tokens);

  Uploads& uploads() { return uploads_; }
  /// Counts what was answered, also to what was no request.
  void note_answer(int status) { metrics_.note_answer(status); }
  /// What is asked for from here on is that it is being left.
  void end();

  std::size_t connections = 0;  ///< as the server counts them

 private:
  /// A request, understood.
  struct Asked {
    Target target;
    Permission permission;
  };
  asio::awaitable<void> route(Exchange& exchange, Asked& asked);
  asio::awaitable<void> route_load(Exchange& exchange, const Asked& asked);
  asio::awaitable<void> upload(Exchange& exchange, const Asked& asked);
  asio::awaitable<void> begin_resumable(Exchange& exchange, const Asked& asked,
                                        Uploads::Wanted wanted);
  asio::awaitable<void> route_upload(Exchange& exchange, const Asked& asked);
  asio::awaitable<void> go_on(Exchange& exchange, const Asked& asked);
  Uploads::Wanted wanted_load(const std::string& table, const Query& query,
                              const Permission& permission) const;
  asio::awaitable<void> events(Exchange& exchange, const Asked& asked);
  asio::awaitable<Answer> cancel(const Asked& asked);
  asio::awaitable<ledger::LoadEntry> seen_load(const Asked& asked);
  asio::awaitable<void> forget(std::int64_t load);
  asio::awaitable<Answer> ready();
  const Permission& permission_of(const Request& request) const;
  asio::awaitable<void> inspect(Exchange& exchange, const Asked& asked);

  pg::Pool& pool_;
  HandlerOptions options_;
  Tokens tokens_;
  Metrics metrics_;
  Uploads uploads_;
  std::size_t inspections_ = 0;
  bool is_ending_ = false;
  async::Deadline ready_until_{async::Clock::time_point::min()};
};

}  // namespace sluice::serve
