#include "serve/server.hpp"

#include <fcntl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <list>

#include "async/task_group.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "serve/connection.hpp"

namespace sluice::serve {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

constexpr auto settled = asio::as_tuple(asio::use_awaitable);
/// How long nothing is taken where the system has no more sockets.
constexpr auto breath = 100ms;

void use_file(const char* flag, const std::string& path, const std::function<void()>& use) {
  try {
    use();
  } catch (const boost::system::system_error& error) {
    throw Failure(FailureKind::usage,
                  std::string(flag) + " " + path + ": " + error.code().message());
  }
}

asio::ssl::context context_of(const TlsFiles& files) {
  using Context = asio::ssl::context;
  Context context(Context::tls_server);
  context.set_options(Context::default_workarounds | Context::no_sslv2 | Context::no_sslv3 |
                      Context::no_tlsv1 | Context::no_tlsv1_1);
  use_file("--tls-cert", files.certificate,
           [&] { context.use_certificate_chain_file(files.certificate); });
  use_file("--tls-key", files.key, [&] { context.use_private_key_file(files.key, Context::pem); });
  if (files.client_ca.empty()) return context;
  // A session that is resumed must be one of this server's, whose client showed a certificate.
  constexpr std::string_view name = "pgsluice";
  ::SSL_CTX_set_session_id_context(
      context.native_handle(), reinterpret_cast<const unsigned char*>(name.data()), name.size());
  use_file("--client-ca", files.client_ca, [&] { context.load_verify_file(files.client_ca); });
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  return context;
}

}  // namespace

struct Server::State {
  struct Open {
    bool is_late = false;  ///< it came behind stop()
    std::function<void()> close_idle;
  };

  State(const asio::any_io_executor& executor, Handler& handler_, ServerOptions options_,
        std::function<void(const Event&)> log_)
      : handler(handler_),
        options(std::move(options_)),
        log(std::move(log_)),
        acceptor(executor),
        changed(executor),
        group(executor) {}

  void listen();
  asio::awaitable<void> accept_all();
  asio::awaitable<void> accept_to_the_end();
  bool has_early() const { return !std::ranges::all_of(open, &Open::is_late); }
  asio::awaitable<void> serve(tcp::socket socket);

  Handler& handler;
  ServerOptions options;
  std::function<void(const Event&)> log;
  std::shared_ptr<asio::ssl::context> tls;
  tcp::acceptor acceptor;
  std::list<Open> open;
  async::Event changed;
  Seldom tls_failures;
  bool is_ending = false;  ///< behind stop()
  bool has_ended = false;  ///< behind end()
  async::TaskGroup group;
};

void Server::State::listen() {
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(options.address, error);
  if (error)
    throw Failure(FailureKind::usage, "--listen: \"" + printable_line(options.address) +
                                          "\" is no address of an interface; write 127.0.0.1:8432 "
                                          "or [::1]:8432");
  const tcp::endpoint where(address, options.port);
  acceptor.open(where.protocol(), error);
  if (!error) ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return;
  throw Failure(FailureKind::usage, "cannot listen on " + options.address + ":" +
                                        std::to_string(options.port) + ": " + error.message());
}

asio::awaitable<void> Server::State::accept_all() {
  while (!has_ended) {
    if (open.size() >= options.connections_max) {
      // Those that only might ask for something make room.
      const auto idle =
          std::ranges::find_if(open, [](const Open& one) { return !!one.close_idle; });
      if (idle != open.end()) idle->close_idle();
      co_await changed.wait();
      continue;
    }
    auto [error, socket] = co_await acceptor.async_accept(settled);
    if (error == asio::error::operation_aborted || has_ended) co_return;
    if (!error) {
      // Not for the processes that load (Linux before 5.11 has no close_range() for it).
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      group.spawn(serve(std::move(socket)));
      continue;
    }
    log({.what = "failed", .message = "cannot take a connection: " + error.message()});
    co_await async::sleep_for(breath);
  }
}

asio::awaitable<void> Server::State::accept_to_the_end() {
  try {
    co_await accept_all();
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) throw;
  }
}

/// Whatever becomes of one connection, the others go on.
asio::awaitable<void> Server::State::serve(tcp::socket socket) {
  const auto here = open.insert(open.end(), Open{.is_late = is_ending, .close_idle = nullptr});
  handler.connections = open.size();
  try {
    ConnectionWith with{.handler = handler,
                        .tls = tls,
                        .body_bytes_max = options.body_bytes_max,
                        .idle_max = options.idle_max,
                        .body_rate_min = options.body_rate_min,
                        .is_ending = is_ending,
                        .is_late = is_ending,
                        .tls_failures = tls_failures,
                        .log = log};
    co_await serve_connection(std::move(socket), std::move(with), here->close_idle);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted)
      log({.what = "failed", .message = error.what()});
  } catch (const std::exception& error) {
    log({.what = "failed", .message = error.what()});
  } catch (...) {
    log({.what = "failed", .message = "a connection, for a reason that nobody knows"});
  }
  open.erase(here);
  handler.connections = open.size();
  changed.notify();
}

Server::Server(const asio::any_io_executor& executor, Handler& handler, ServerOptions options,
               std::function<void(const Event&)> log)
    : state_(std::make_unique<State>(executor, handler, std::move(options), std::move(log))) {
  read_certificates();
  state_->listen();
}

Server::~Server() = default;

std::string Server::url() const {
  const tcp::endpoint where = state_->acceptor.local_endpoint();
  const bool is_v6 = where.address().is_v6();
  return std::string(state_->tls ? "https://" : "http://") + (is_v6 ? "[" : "") +
         where.address().to_string() + (is_v6 ? "]:" : ":") + std::to_string(where.port());
}

asio::awaitable<void> Server::run() {
  state_->group.spawn(state_->accept_to_the_end());
  while (!state_->is_ending || state_->has_early()) co_await state_->changed.wait();
}

asio::awaitable<void> Server::end() {
  state_->has_ended = true;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  state_->group.cancel();
  co_await state_->group.join();
}

void Server::read_certificates() {
  if (!state_->options.tls) return;
  state_->tls = std::make_shared<asio::ssl::context>(context_of(*state_->options.tls));
}

void Server::stop() {
  state_->is_ending = true;
  state_->changed.notify();
  for (State::Open& open : state_->open)
    if (open.close_idle) open.close_idle();
}

void Server::cancel() { state_->group.cancel(); }

}  // namespace sluice::serve
