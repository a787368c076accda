#include "serve/uploads.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "base/limits.hpp"
#include "serve/digest.hpp"

namespace sluice::serve {
namespace {

[[noreturn]] void send_away(const std::string& why) {
  throw Refused{503, why, {{"Retry-After", "5"}}};
}

/// Hands over what comes until its end. False where the process took no more.
asio::awaitable<bool> feed(Exchange& exchange, Upload& upload, DigestCheck& digest,
                           std::span<char> buffer, std::size_t count, Metrics& metrics) {
  while (count > 0) {
    digest.add({buffer.data(), count});
    metrics.bytes_received += count;
    const asio::const_buffer bytes(buffer.data(), count);
    if (!co_await upload.feed(bytes)) co_return false;
    const asio::mutable_buffer room(buffer.data(), buffer.size());
    count = co_await exchange.read(room);
  }
  co_return true;
}

Answer accepted(const Upload& upload) {
  Answer answer = answer_of(202, {{"load", *upload.load_id()}, {"status", "running"}});
  answer.headers.emplace_back("Location", "/v1/loads/" + std::to_string(*upload.load_id()));
  answer.headers.emplace_back("Preference-Applied", "respond-async");
  return answer;
}

}  // namespace

asio::awaitable<async::Semaphore::Permit> Uploads::turn() {
  if (is_ending_) send_away("this server is stopping");
  if (turns_.taken() >= limits_.running_max && turns_.waiting() >= limits_.waiting_max)
    send_away("as many uploads wait for their turn as may (--max-queue)");
  async::Semaphore::Permit permit = co_await turns_.acquire();
  if (is_ending_) send_away("this server is stopping");
  co_return permit;
}

std::shared_ptr<Upload> Uploads::start(const asio::any_io_executor& executor, const Wanted& wanted,
                                       async::Semaphore::Permit turn) {
  auto upload = std::make_shared<Upload>(executor, wanted.call, wanted.owner);
  running_.push_back(upload);
  running_group_.spawn(run(upload, std::move(turn)));
  return upload;
}

/// The turn is over when the process is.
asio::awaitable<void> Uploads::run(std::shared_ptr<Upload> upload, async::Semaphore::Permit) {
  const async::Clock::time_point began = async::Clock::now();
  co_await upload->run();
  std::erase(running_, upload);
  metrics_.note_load(upload->exit_code(), upload->report(), async::Clock::now() - began);
}

asio::awaitable<void> Uploads::take(Exchange& exchange, Wanted wanted) {
  DigestCheck digest(wanted.digest);
  async::Semaphore::Permit permit = co_await turn();
  std::vector<char> buffer(limits::serve_read_bytes);
  const asio::mutable_buffer room(buffer.data(), buffer.size());
  // Who waited and has gone costs no process.
  const std::size_t count = co_await exchange.read(room);
  const auto executor = co_await asio::this_coro::executor;
  const std::shared_ptr<Upload> upload = start(executor, wanted, std::move(permit));
  bool is_whole = false;
  std::exception_ptr failed;
  try {
    is_whole = co_await feed(exchange, *upload, digest, buffer, count, metrics_);
  } catch (...) {
    failed = std::current_exception();
  }
  const bool is_right = is_whole && digest.is_right();
  if (is_right) {
    upload->seal();
  } else if (failed || is_whole) {
    upload->stop();
  }
  buffer = {};
  if (failed) std::rethrow_exception(failed);
  if (is_right && wanted.answers_at_once) co_await upload->wait_for_id();
  if (is_right && wanted.answers_at_once && upload->load_id() && !upload->has_ended()) {
    Answer answer = accepted(*upload);
    co_return co_await exchange.answer(std::move(answer));
  }
  co_await upload->wait_for_end();
  if (is_whole && !is_right)
    throw Refused{400,
                  "these are not the bytes of the digest that was sent with them: nothing "
                  "says that they are whole, and the load was stopped"};
  Answer answer = upload->answer();
  co_await exchange.answer(std::move(answer));
}

std::shared_ptr<Upload> Uploads::find(std::int64_t load_id) const {
  const auto found = std::ranges::find_if(
      running_, [load_id](const auto& upload) { return upload->load_id() == load_id; });
  return found == running_.end() ? nullptr : *found;
}

void Uploads::stop() {
  for (const auto& upload : running_) upload->stop();
}

asio::awaitable<void> Uploads::join() { co_await running_group_.join(); }

}  // namespace sluice::serve
