#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/cli.hpp"
#include "app/hangup.hpp"
#include "app/log_line.hpp"
#include "app/signals.hpp"
#include "base/exit_code.hpp"
#include "pg/conninfo.hpp"
#include "pg/error.hpp"
#include "pg/pool.hpp"
#include "serve/load_flags.hpp"
#include "serve/server.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

struct ServeFlags {
  CommonOptions common;
  std::string listen = "127.0.0.1:8432";
  std::string tokens;
  std::vector<std::string> allow;
  serve::TlsFiles tls;
  bool is_behind_proxy = false;
  serve::UploadLimits uploads;
  std::size_t connections = limits::serve_connections_default;
  std::size_t body_bytes = 0;
  std::size_t unpacked_bytes = 0;
  std::size_t rate_min = serve::ServerOptions().body_rate_min;
  std::chrono::milliseconds idle = limits::serve_idle_default;
  std::chrono::milliseconds grace = 30s;
};

void print_event(const serve::Event& event) {
  LogLine line{.event = event.what, .details = {}, .words = event.what, .message = event.message};
  const auto add = [&line](const char* name, const std::string& value) {
    if (value.empty()) return;
    line.details[name] = value;
    line.words += " " + value;
  };
  add("peer", event.peer);
  add("who", event.who);
  add("method", event.method);
  add("path", event.path);
  if (event.status != 0) {
    line.details["status"] = event.status;
    line.details["seconds"] = event.seconds;
    line.words += " " + std::to_string(event.status);
  }
  print_log_line(line);
}

struct Listen {
  std::string address;
  std::uint16_t port = 0;
  bool is_loopback = false;
};

/// "127.0.0.1:8432", "[::1]:8432".
Listen listen_of(const std::string& text) {
  const auto refuse = [&text]() -> Listen {
    throw Failure(FailureKind::usage, "--listen: \"" + text +
                                          "\" is no address with a port; write 127.0.0.1:8432 or "
                                          "[::1]:8432");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return refuse();
  Listen listen{.address = text.substr(0, colon)};
  if (listen.address.starts_with('[') && listen.address.ends_with(']'))
    listen.address = listen.address.substr(1, listen.address.size() - 2);
  const std::string port = text.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() < 6 &&
                         std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number || std::stoul(port) > UINT16_MAX) return refuse();
  listen.port = static_cast<std::uint16_t>(std::stoul(port));
  if (listen.address == "localhost") listen.address = "127.0.0.1";
  listen.is_loopback = listen.address.starts_with("127.") || listen.address == "::1";
  return listen;
}

std::string contents_of(const std::string& flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.is_open() && !file.bad()) return text;
  throw Failure(FailureKind::usage, flag + " " + path + ": cannot be read");
}

serve::Tokens read_tokens(const ServeFlags& flags) {
  if (flags.tokens.empty()) return {};
  serve::Tokens tokens = serve::Tokens::read(contents_of("--tokens", flags.tokens), flags.tokens);
  if (tokens.is_empty())
    throw Failure(FailureKind::usage, "--tokens " + flags.tokens + ": has no line with a token");
  return tokens;
}

/// Whoever can reach what is open to all could load into any table.
void require_closed(const ServeFlags& flags, const Listen& listen) {
  if (flags.tls.certificate.empty() != flags.tls.key.empty())
    throw Failure(FailureKind::usage, "--tls-cert and --tls-key belong together");
  if (!flags.tls.client_ca.empty() && flags.tls.certificate.empty())
    throw Failure(FailureKind::usage,
                  "--client-ca is about TLS: it wants --tls-cert and --tls-key");
  if (!flags.tokens.empty() && !flags.allow.empty())
    throw Failure(FailureKind::usage,
                  "--allow is for who has no token: with --tokens each line says its flags");
  if (flags.is_behind_proxy && flags.tokens.empty())
    throw Failure(FailureKind::usage,
                  "--behind-proxy: whoever reaches the proxy could load, so --tokens says who may");
  if (listen.is_loopback) return;
  if (flags.tokens.empty())
    throw Failure(FailureKind::usage,
                  "--listen " + flags.listen +
                      ": others than this machine can reach that, so --tokens says who may load");
  if (flags.tls.certificate.empty() && !flags.is_behind_proxy)
    throw Failure(FailureKind::usage,
                  "--listen " + flags.listen +
                      ": tokens would go over the network as they are: --tls-cert and --tls-key "
                      "encrypt it, or --behind-proxy says that a proxy does");
}

/// The command while it runs.
class ServeRun {
 public:
  explicit ServeRun(const ServeFlags& flags)
      : flags_(flags),
        io_(1),
        signals_(io_),
        hangup_(io_),
        log_([this](const serve::Event& event) { print_event(event); }),
        pool_(io_.get_executor(), flags_.common.connect, 4) {}

  int run() {
    const Listen listen = listen_of(flags_.listen);
    require_closed(flags_, listen);
    pg::keywords_of(flags_.common.connect);
    serve::HandlerOptions options{.connect = flags_.common.connect,
                                  .uploads = flags_.uploads,
                                  .anybody = {.flags = {flags_.allow.begin(), flags_.allow.end()}},
                                  .unpacked_bytes_max = flags_.unpacked_bytes,
                                  .log = log_};
    if (flags_.tokens.empty())
      options.hosts = {"localhost", listen.address, "[" + listen.address + "]"};
    serve::Handler handler(io_.get_executor(), pool_, std::move(options), read_tokens(flags_));
    serve::Server server(io_.get_executor(), handler, server_options(listen), log_);
    handler_ = &handler;
    server_ = &server;
    signals_.listen({.soon = [this] { stop(); }, .now = [this] { stop_now(); }}, flags_.grace);
    hangup_.listen([this] { reload(); });
    log_({.what = "listening", .message = server.url()});
    std::exception_ptr failed;
    const auto on_end = [&](const std::exception_ptr& error) {
      failed = error;
      signals_.end();
      ended_ = true;
      hangup_.end();
    };
    asio::co_spawn(io_, serve_all(), on_end);
    io_.run();
    if (failed) std::rethrow_exception(failed);
    log_({.what = "stopped"});
    return interrupted_ ? exit_signal + signals_.number() : exit_ok;
  }

 private:
  serve::ServerOptions server_options(const Listen& listen) const {
    serve::ServerOptions options{.address = listen.address,
                                 .port = listen.port,
                                 .connections_max = flags_.connections,
                                 .idle_max = flags_.idle,
                                 .body_rate_min = flags_.rate_min};
    if (!flags_.tls.certificate.empty()) options.tls = flags_.tls;
    if (flags_.body_bytes > 0) options.body_bytes_max = flags_.body_bytes;
    return options;
  }

  asio::awaitable<void> serve_all() {
    co_await server_->run();
    co_await handler_->uploads().join();
    co_await server_->end();
  }

  void stop() {
    log_({.what = "stopping",
          .message = "no new request; uploads that run have their grace period (again: at once)"});
    handler_->end();
    server_->stop();
  }

  void stop_now() {
    interrupted_ = handler_->uploads().running() > 0;
    handler_->uploads().stop();
    asio::co_spawn(io_, cancel_when_stopped(), asio::detached);
  }

  /// Who uploads hears how it ended; who does not listen is left.
  asio::awaitable<void> cancel_when_stopped() {
    while (handler_->uploads().running() > 0) co_await async::sleep_for(50ms);
    co_await async::sleep_for(1s);
    if (!ended_) server_->cancel();
  }

  /// Files of which one is wrong leave what was in force before.
  void reload() {
    try {
      serve::Tokens tokens = read_tokens(flags_);
      server_->read_certificates();
      handler_->use(std::move(tokens));
      std::string files;
      for (const std::string* file :
           {&flags_.tokens, &flags_.tls.certificate, &flags_.tls.key, &flags_.tls.client_ca})
        if (!file->empty()) files += (files.empty() ? "" : ", ") + *file;
      log_({.what = "reloaded", .message = files});
    } catch (const Failure& failure) {
      log_({.what = "not reloaded", .message = failure.what()});
    }
  }

  const ServeFlags& flags_;
  asio::io_context io_;
  Signals signals_;
  Hangup hangup_;
  std::function<void(const serve::Event&)> log_;
  pg::Pool pool_;
  serve::Handler* handler_ = nullptr;
  serve::Server* server_ = nullptr;
  bool ended_ = false;
  bool interrupted_ = false;
};

void add_access(CLI::App& c, ServeFlags& flags) {
  const std::string group = "Who may";
  c.add_option("--listen", flags.listen,
               "where (default: 127.0.0.1:8432); elsewhere than on this machine with --tokens, and "
               "TLS or --behind-proxy")
      ->option_text("ADDRESS:PORT")
      ->group(group);
  not_empty(*c.add_option("--tokens", flags.tokens,
                          "a line for each: NAME SHA256 ROLE TABLES FLAGS; SIGHUP reads it again"))
      .option_text("FILE")
      ->group(group);
  add_list_option(
      c, "--allow", flags.allow, true,
      "without --tokens, flags that whoever uploads may give: " + serve::flags_to_allow())
      .option_text("A,B")
      ->group(group);
  not_empty(*c.add_option("--tls-cert", flags.tls.certificate,
                          "certificate, with those between it and its authority, in PEM"))
      .option_text("FILE")
      ->group(group);
  not_empty(*c.add_option("--tls-key", flags.tls.key, "its key")).option_text("FILE")->group(group);
  not_empty(*c.add_option("--client-ca", flags.tls.client_ca,
                          "who signs the certificates that clients must have"))
      .option_text("FILE")
      ->group(group);
  c.add_flag("--behind-proxy", flags.is_behind_proxy, "a proxy in front encrypts the network")
      ->group(group);
}

void add_limits(CLI::App& c, ServeFlags& flags) {
  const std::string group = "Limits";
  const auto number = [&c, &group](const char* flag, std::size_t& value, std::uint64_t min,
                                   std::uint64_t max, const std::string& help) {
    add_number_option(
        c, flag, {min, max}, [&value](const std::uint64_t& given) { value = given; }, help)
        .group(group);
  };
  number("--max-loads", flags.uploads.running_max, 1, limits::jobs_max,
         "uploads that are loaded at once (default: 4)");
  number("--max-queue", flags.uploads.waiting_max, 0, 100'000,
         "uploads that wait for their turn; more are sent away with 503 (default: 64)");
  number("--max-connections", flags.connections, 1, 100'000, "connections at once (default: 512)");
  add_size_option(c, "--max-body", flags.body_bytes, "largest upload (default: no limit)")
      .group(group);
  add_size_option(c, "--max-unpacked", flags.unpacked_bytes,
                  "what a packed upload may unpack to (default: no limit)")
      .group(group);
  add_duration_option(c, "--idle-timeout", flags.idle,
                      "how long an upload may be silent (default: 60s)")
      .group(group);
  number("--min-rate", flags.rate_min, 0, UINT32_MAX,
         "bytes a second that an upload has to send, over --idle-timeout of the time in which they "
         "are waited for; 0: none (default: 100)");
  add_duration_option(c, "--grace", flags.grace,
                      "after SIGTERM, how long what runs may take before it is stopped, from where "
                      "the same upload goes on (default: 30s)")
      .group(group);
}

int run_serve(const ServeFlags& flags) {
  for (const std::string& flag : flags.allow)
    if (!serve::is_flag_to_allow(flag))
      throw Failure(FailureKind::usage, "--allow " + flag + ": not among what may be allowed: " +
                                            serve::flags_to_allow());
  try {
    return ServeRun(flags).run();
  } catch (const pg::PgError& error) {
    throw Failure(error.phase == pg::Phase::connect ? FailureKind::connect : FailureKind::failed,
                  error.full());
  }
}

}  // namespace

Run add_serve_command(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App& c =
      *app.add_subcommand("serve", "take uploads over HTTP, and tell what became of them");
  c.set_help_flag("--help", "print this help and exit");
  add_access(c, *flags);
  add_limits(c, *flags);
  add_connection_options(c, flags->common);
  add_log_option(c, "stderr, with a line a request");
  c.footer(
      "curl -T trips.csv -H 'Content-Type: text/csv' -X POST "
      "http://127.0.0.1:8432/v1/tables/public.trips/loads\n"
      "docs/service.md has the API. SIGTERM and SIGINT: no new request, and the grace period for "
      "what runs; again: at once.\nExit codes: 0 ended, 2 wrong usage, 130/143 an upload was "
      "interrupted (can be resumed).");
  return [flags] { return run_serve(*flags); };
}

}  // namespace sluice::app
