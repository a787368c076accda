#include "serve/handler.hpp"

#include <algorithm>

#include "async/deadline.hpp"
#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "ledger/forget.hpp"
#include "pg/error.hpp"
#include "serve/database_metrics.hpp"
#include "serve/ledger_view.hpp"
#include "serve/page.hpp"
#include "serve/permission_view.hpp"
#include "serve/query.hpp"
#include "serve/rejects_view.hpp"
#include "serve/target.hpp"
#include "serve/views.hpp"

namespace sluice::serve {
namespace {

/// How often it is looked for a load that has just begun.
constexpr int looks_max = 20;

void require_get(const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") refuse_method("GET, HEAD");
}

std::string event_of(const std::string& name, std::uint64_t number, std::string_view json) {
  std::string text = "event: " + name + "\nid: " + std::to_string(number) + "\ndata: ";
  // A line of its own would begin another field.
  for (const char c : json) text += c == '\n' || c == '\r' ? ' ' : c;
  return text + "\n\n";
}

/// What a failure that nobody has foreseen is to a client: what went wrong inside is in the log.
Refused refused_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Refused& refused) {
    return refused;
  } catch (const async::TimedOut&) {
    return {503, "the database does not answer", {{"Retry-After", "5"}}};
  } catch (const pg::PgError&) {
    return {503, "the database cannot be asked", {{"Retry-After", "5"}}};
  } catch (const Failure& failure) {
    return {500, failure.problem()};
  } catch (const std::exception&) {
    return {500, "something failed that should not; the server's log has it"};
  }
}

/// For the log: what a client is not told. Empty for what it is.
std::string untold(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Refused&) {
    return {};
  } catch (const std::exception& failure) {
    return failure.what();
  } catch (...) {
    return "what nobody knows";
  }
}

/// Another site's page that a browser of this machine shows reaches what listens here: by a name of
/// its own that leads here, ...
void require_own_host(const std::vector<std::string>& hosts, const Request& request) {
  if (hosts.empty()) return;
  std::string host = in_small_letters(request.header("host"));
  if (const std::size_t colon = host.rfind(':'); colon != host.npos && !host.ends_with(']'))
    host.erase(colon);
  if (std::ranges::find(hosts, host) == hosts.end())
    throw Refused{421, "this server is not \"" + host + "\""};
}

/// ... or by a request that it may send without asking.
void require_own_page(const std::vector<std::string>& hosts, const Request& request) {
  if (hosts.empty()) return;
  const std::string_view site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none")
    throw Refused{403, "a page of another site has sent this"};
}

}  // namespace

Handler::Handler(const asio::any_io_executor& executor, pg::Pool& pool, HandlerOptions options,
                 Tokens tokens)
    : pool_(pool),
      options_(std::move(options)),
      tokens_(std::move(tokens)),
      uploads_(
          executor, options_.uploads, metrics_,
          [this](const Upload& upload, const std::string& problem) {
            options_.log({.what = "failed",
                          .who = upload.owner().name,
                          .path = upload.owner().table.name,
                          .message = problem});
          },
          [this](std::int64_t load) { return forget(load); }) {
  uploads_.share(tokens_.are_several());
}

void Handler::use(Tokens tokens) {
  tokens_ = std::move(tokens);
  uploads_.share(tokens_.are_several());
}

void Handler::end() {
  is_ending_ = true;
  uploads_.end();
}

asio::awaitable<void> Handler::handle(Exchange& exchange) {
  const Request& request = exchange.request();
  Asked asked;
  std::exception_ptr failed;
  try {
    asked.target = target_of(request.target);
    co_await route(exchange, asked);
  } catch (const Cut&) {
    throw;
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    failed = std::current_exception();
  } catch (...) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  if (const std::string why = untold(failed); !why.empty())
    options_.log({.what = "failed",
                  .peer = request.peer,
                  .path = request.target.substr(0, request.target.find('?')),
                  .message = why});
  Answer answer = answer_of(refused_of(failed));
  co_await exchange.answer(std::move(answer));
}

const Permission& Handler::permission_of(const Request& request) const {
  if (tokens_.is_empty()) return options_.anybody;
  const std::string_view field = request.header("authorization");
  const std::string_view scheme = field.substr(0, field.find(' '));
  if (in_small_letters(scheme) == "bearer") {
    std::string_view token = field.substr(std::min(scheme.size() + 1, field.size()));
    if (const Permission* const found = tokens_.find(token)) return *found;
  }
  throw Refused{401,
                field.empty() ? "a token is wanted: Authorization: Bearer TOKEN"
                              : "nobody is known by this token",
                {{"WWW-Authenticate", "Bearer"}}};
}

asio::awaitable<void> Handler::route(Exchange& exchange, Asked& asked) {
  const Request& request = exchange.request();
  const std::vector<std::string>& path = asked.target.path;
  require_own_host(options_.hosts, request);
  // Others may link to it, and it asks for the rest itself.
  if (std::optional<Answer> page = page_of(request, asked.target)) {
    Answer answer = std::move(*page);
    co_return co_await exchange.answer(std::move(answer));
  }
  require_own_page(options_.hosts, request);
  if (path.size() == 1 && path[0] == "healthz") {
    require_get(request);
    Answer answer = answer_of(200, {{"status", "ok"}});
    co_return co_await exchange.answer(std::move(answer));
  }
  if (path.size() == 1 && path[0] == "readyz") {
    require_get(request);
    Answer answer = co_await ready();
    co_return co_await exchange.answer(std::move(answer));
  }
  if (is_ending_) throw Refused{503, "this server is stopping", {{"Retry-After", "5"}}};
  asked.permission = permission_of(request);
  exchange.who = asked.permission.name;
  if (path.size() == 1 && path[0] == "metrics") {
    require_get(request);
    const DatabaseFacts facts =
        co_await database_facts(pool_, may_see_jobs_counted(asked.permission));
    Answer answer{.body = metrics_.text({.connections = connections,
                                         .running = uploads_.running(),
                                         .waiting = uploads_.waiting(),
                                         .database_connections = pool_.statistics().leased}) +
                          text_of(facts),
                  .type = "text/plain; version=0.0.4"};
    co_return co_await exchange.answer(std::move(answer));
  }
  if (path.size() == 4 && path[0] == "v1" && path[1] == "tables" &&
      (path[3] == "loads" || path[3] == "check"))
    co_return co_await upload(exchange, asked);
  if (path.size() == 2 && path[0] == "v1" && path[1] == "inspect")
    co_return co_await inspect(exchange, asked);
  if (path.size() == 2 && path[0] == "v1" && path[1] == "permissions") {
    require_get(request);
    Answer answer = answer_of(asked.permission);
    co_return co_await exchange.answer(std::move(answer));
  }
  if (path.size() >= 2 && path[0] == "v1" && path[1] == "loads")
    co_return co_await route_load(exchange, asked);
  if (path.size() == 3 && path[0] == "v1" && path[1] == "uploads")
    co_return co_await route_upload(exchange, asked);
  if (is_view(path)) {
    require_get(request);
    asio::awaitable<Answer> view = view_of(pool_, asked.target, asked.permission);
    const auto deadline = async::Clock::now() + limits::serve_question_max;
    Answer answer = co_await async::with_deadline(std::move(view), deadline);
    co_return co_await exchange.answer(std::move(answer));
  }
  throw Refused{404, "there is nothing here; docs/service.md lists what is"};
}

asio::awaitable<void> Handler::route_load(Exchange& exchange, const Asked& asked) {
  const Request& request = exchange.request();
  const std::vector<std::string>& path = asked.target.path;
  Answer answer;
  if (path.size() == 2) {
    require_get(request);
    const auto deadline = async::Clock::now() + limits::serve_question_max;
    asio::awaitable<Answer> list = list_loads(
        pool_, loads_page_of(asked.target.query, asked.permission.name), asked.permission);
    answer = co_await async::with_deadline(std::move(list), deadline);
    co_return co_await exchange.answer(std::move(answer));
  }
  const auto id = digits_of(path[2]);
  const bool is_events = path.size() == 4 && path[3] == "events";
  const bool is_rejects =
      path.size() == 4 && (path[3] == "rejects.csv" || path[3] == "rejects.jsonl");
  if (id.value_or(0) == 0 || (path.size() != 3 && !is_events && !is_rejects))
    throw Refused{404, "there is no load \"" + path[2] + "\""};
  if (is_events) {
    require_get(request);
    co_return co_await events(exchange, asked);
  }
  if (request.method == "DELETE" && !is_rejects) {
    answer = co_await cancel(asked);
    co_return co_await exchange.answer(std::move(answer));
  }
  if (is_rejects) require_get(request);
  if (request.method != "GET" && request.method != "HEAD") refuse_method("GET, HEAD, DELETE");
  const ledger::LoadEntry load = co_await seen_load(asked);
  if (is_rejects) {
    const std::string ending = path[3].substr(path[3].rfind('.'));
    co_return co_await send_rejects(exchange, pool_, load, ending);
  }
  answer = answer_of(load, uploads_.end_of(load.id.value));
  co_await exchange.answer(std::move(answer));
}

/// The load that the address names, if it may be seen.
asio::awaitable<ledger::LoadEntry> Handler::seen_load(const Asked& asked) {
  const std::int64_t id = *digits_of(asked.target.path[2]);
  const auto deadline = async::Clock::now() + limits::serve_question_max;
  asio::awaitable<ledger::LoadEntry> asking = find_load(pool_, id, asked.permission);
  co_return co_await async::with_deadline(std::move(asking), deadline);
}

asio::awaitable<Answer> Handler::cancel(const Asked& asked) {
  const std::int64_t id = *digits_of(asked.target.path[2]);
  const ledger::LoadEntry load = co_await seen_load(asked);
  std::shared_ptr<Upload> upload = uploads_.find(id);
  // The ledger may know of it before its process has told us.
  for (int looks = 0; !upload && uploads_.expects_id() && looks < looks_max; ++looks) {
    co_await async::sleep_for(limits::lock_poll);
    upload = uploads_.find(id);
  }
  if (!upload) {
    throw Refused{409, load.is_running ? "load " + std::to_string(id) +
                                             " is run by somebody else, who alone can stop it"
                                       : "load " + std::to_string(id) + " is not running"};
  }
  upload->stop("it was stopped by DELETE " + asked.target.path[0] + "/loads/" + std::to_string(id));
  co_await upload->wait_for_end();
  co_return answer_of(200, {{"load", id}, {"exit_code", upload->exit_code()}});
}

asio::awaitable<void> Handler::events(Exchange& exchange, const Asked& asked) {
  const std::int64_t id = *digits_of(asked.target.path[2]);
  Answer head{.headers = {{"X-Accel-Buffering", "no"}}, .type = "text/event-stream"};
  const ledger::LoadEntry load = co_await seen_load(asked);
  const std::shared_ptr<Upload> upload = uploads_.find(id);
  if (!upload) {
    const std::string* const end = uploads_.end_of(id);
    const bool is_over = load.is_left() && end != nullptr;
    const std::string json = is_over ? *end : answer_of(load, nullptr).body;
    co_await exchange.begin(std::move(head));
    std::string last = event_of(load.is_running ? "running" : "end", 0, json);
    co_return co_await exchange.write(std::move(last));
  }
  const std::string_view last_seen = exchange.request().header("last-event-id");
  auto seen = static_cast<std::uint64_t>(digits_of(last_seen).value_or(0));
  co_await exchange.begin(std::move(head));
  if (exchange.request().method == "HEAD") co_return;
  while (!upload->has_ended()) {
    const async::Deadline ping = async::Deadline::after(limits::serve_ping_every);
    co_await upload->wait_for_news(seen, ping);
    if (upload->has_ended()) break;
    const bool is_news = upload->news() != seen;
    seen = upload->news();
    std::string part = is_news ? event_of("progress", seen, upload->progress()) : ": ping\n\n";
    co_await exchange.write(std::move(part));
  }
  std::string last = event_of("end", upload->news() + 1, upload->answer().body);
  co_await exchange.write(std::move(last));
}

/// The lock of a run that has just ended may be held for a moment.
asio::awaitable<void> Handler::forget(std::int64_t load) {
  std::string why;
  bool is_held = true;
  for (int looks = 0; is_held && looks < looks_max; ++looks) {
    if (looks > 0) co_await async::sleep_for(limits::lock_poll);
    try {
      pg::Lease connection = co_await pool_.acquire();
      co_await ledger::forget(*connection, LoadId{load}, false);
      co_return;
    } catch (const Failure& failure) {
      why = failure.problem();
      is_held = failure.kind() == FailureKind::held;
    } catch (const pg::PgError& failure) {
      why = failure.message;
      is_held = false;
    } catch (const std::exception& failure) {
      why = failure.what();
      is_held = false;
    }
  }
  options_.log(
      {.what = "failed", .message = "cannot give up load " + std::to_string(load) + ": " + why});
}

asio::awaitable<Answer> Handler::ready() {
  if (is_ending_) throw Refused{503, "this server is stopping"};
  Answer answer = answer_of(200, {{"status", "ready"}});
  // Anybody may ask, however often.
  if (!ready_until_.passed()) co_return answer;
  asio::awaitable<void> asking = ask_for_nothing(pool_);
  const auto deadline = async::Clock::now() + limits::serve_question_max / 5;
  co_await async::with_deadline(std::move(asking), deadline);
  ready_until_ = async::Deadline::after(limits::serve_ready_kept);
  co_return answer;
}

}  // namespace sluice::serve
