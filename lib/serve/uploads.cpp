#include "serve/uploads.hpp"

#include <algorithm>
#include <vector>

#include "async/run_beside.hpp"
#include "base/exit_code.hpp"
#include "base/limits.hpp"
#include "serve/digest.hpp"

namespace sluice::serve {
namespace {

/// What is said that the bytes are.
struct Digests {
  DigestCheck content;
  DigestCheck repr;

  explicit operator bool() const { return content || repr; }
  void add(std::string_view bytes) {
    content.add(bytes);
    repr.add(bytes);
  }
  bool are_right() {
    const bool is_content = content.is_right();
    return repr.is_right() && is_content;
  }
};

/// A body as it comes.
struct Body {
  Exchange& exchange;
  Digests digests;
  std::uint64_t& bytes;  ///< counts what has come
  std::vector<char> buffer;
  std::size_t count = 0;     ///< of the buffer, that have come last; 0: that was all
  std::uint64_t length = 0;  ///< so far

  std::string_view some() const { return {buffer.data(), count}; }
};

/// What comes next: with `fills` until the buffer is full, or all is there.
asio::awaitable<void> read_some(Body& body, bool fills = false) {
  body.count = 0;
  do {
    const asio::mutable_buffer room(body.buffer.data() + body.count,
                                    body.buffer.size() - body.count);
    const std::size_t got = co_await body.exchange.read(room);
    body.count += got;
    if (got == 0) break;
  } while (fills && body.count < body.buffer.size());
  body.digests.add(body.some());
  body.bytes += body.count;
  body.length += body.count;
}

/// So much of the beginning, with what has been read already, or all where there is less.
asio::awaitable<std::string> beginning_of(Body& body, std::size_t bytes) {
  std::string beginning;
  for (;;) {
    beginning += body.some();
    if (body.count == 0 || beginning.size() >= bytes) break;
    co_await read_some(body);
  }
  if (body.count > 0) co_await read_some(body);
  co_return beginning;
}

/// What a process is fed of an upload with a name before the rest of its body.
asio::awaitable<std::string> front_of(NamedUpload& name, Body& body) {
  std::string front = co_await name.front();
  if (const std::size_t kept = name.kept_bytes(); kept > 0) {
    front = co_await beginning_of(body, kept);
    std::string beginning = front;
    co_await name.keep(std::move(beginning));
  }
  co_return front;
}

/// A body on its way to a process.
struct Feeding {
  Body& body;
  Upload& upload;
  std::string& front;    ///< what is fed before what is in the body's buffer
  bool is_read = false;  ///< all of it was there
  bool is_fed = false;   ///< ... and was handed over
};

/// Hands over what comes until its end, or that of the process. Where bytes are compared with their
/// digest, those are read too that it does not want.
asio::awaitable<void> feed(Feeding& f) {
  Body& body = f.body;
  bool is_taken = true;
  if (!f.front.empty()) is_taken = co_await f.upload.feed(asio::buffer(f.front));
  f.front = {};
  while (body.count > 0) {
    const asio::const_buffer bytes(body.buffer.data(), body.count);
    if (is_taken) is_taken = co_await f.upload.feed(bytes);
    if (!is_taken && !body.digests) co_return;
    try {
      co_await read_some(body);
    } catch (const boost::system::system_error&) {
      // Whoever sends may be silent for long: the process has ended meanwhile.
      if (!f.upload.has_ended()) throw;
      co_return;
    }
  }
  f.is_read = true;
  f.is_fed = is_taken;
}

/// A process that ended has something to say, whatever still comes.
asio::awaitable<void> end_reading_with(Upload& upload, Exchange& exchange) {
  try {
    co_await upload.wait_for_end();
  } catch (const boost::system::system_error&) {
    co_return;  // all of it was read
  }
  exchange.stop_reading();
}

/// Of a load that was stopped as its bytes are others, with its address, if it has one.
Answer answer_to_others(const Upload& upload) {
  Headers headers = upload.answer().headers;
  std::erase_if(headers, [](const auto& header) { return header.first != "Location"; });
  const bool had_ended = upload.exit_code() < exit_signal;
  return answer_of(Refused{
      400,
      std::string("these are not the bytes of the digest that was sent with them: the load ") +
          (had_ended ? "had ended, with what has come" : "was stopped"),
      std::move(headers)});
}

Answer accepted(const Upload& upload) {
  Answer answer = answer_of(202, {{"load", *upload.load_id()}, {"status", "running"}});
  answer.headers.emplace_back("Location", "/v1/loads/" + std::to_string(*upload.load_id()));
  answer.headers.emplace_back("Preference-Applied", "respond-async");
  return answer;
}

}  // namespace

/// What comes twice at once is loaded once.
void Uploads::require_alone(const NamedUpload& name) const {
  if (find_named(name.key())) refuse_running_upload();
}

std::shared_ptr<Upload> Uploads::start(const asio::any_io_executor& executor, const Wanted& wanted,
                                       Turns::Turn turn) {
  Upload::Owner owner = wanted.owner;
  if (wanted.name) owner.key = wanted.name->key();
  auto upload = std::make_shared<Upload>(executor, workers_.start(wanted.call), std::move(owner));
  running_.push_back(upload);
  running_group_.spawn(run(upload, wanted.name, std::move(turn)));
  return upload;
}

/// The turn is over when the process is.
asio::awaitable<void> Uploads::run(std::shared_ptr<Upload> upload,
                                   std::shared_ptr<NamedUpload> name, Turns::Turn) {
  const async::Clock::time_point began = async::Clock::now();
  co_await upload->run();
  // What is wrong is not gone on with, and what comes instead of it is another content: nothing
  // that waits to be published stands in its way. Whoever waits for the end waits for that too.
  const std::optional<std::int64_t> staged = upload->staged_load();
  if (staged && (upload->is_refused() || upload->answer().status == 422)) co_await forget_(*staged);
  if (name) co_await note_end(*upload, *name);
  note_failure(*upload);
  upload->end();
  std::erase(running_, upload);
  metrics_.note_load(upload->exit_code(), upload->report(), async::Clock::now() - began);
  const std::string problem = upload->problem();
  if (!problem.empty() && !upload->was_cut()) log_(*upload, problem);
}

/// What is not given back is free in a week.
asio::awaitable<void> Uploads::give_back(NamedUpload& name) {
  try {
    co_await name.give_back();
  } catch (const std::exception&) {
  }
}

/// What is not noted is found in the ledger when the same comes again.
asio::awaitable<void> Uploads::note_end(const Upload& upload, NamedUpload& name) {
  std::string why;
  try {
    co_await name.note_end(upload);
  } catch (const std::exception& error) {
    why = error.what();
  }
  if (!why.empty()) log_(upload, "how this upload ended cannot be noted: " + why);
}

asio::awaitable<void> Uploads::take(Exchange& exchange, Wanted wanted) {
  Body body{exchange, Digests{DigestCheck(wanted.content_digest), DigestCheck(wanted.repr_digest)},
            metrics_.bytes_received, std::vector<char>(limits::serve_read_bytes)};
  const std::string& token = wanted.owner.name;
  turns_.require_room(token);
  // Who sends nothing has no turn.
  co_await read_some(body, wanted.name != nullptr);
  if (wanted.name) {
    std::optional<Answer> known = co_await wanted.name->look(body.some());
    if (known) co_return co_await exchange.answer(std::move(*known));
    require_alone(*wanted.name);
  }
  const auto executor = co_await asio::this_coro::executor;
  std::string front;
  std::shared_ptr<Upload> upload;
  std::exception_ptr failed;
  try {
    Turns::Turn turn = co_await turns_.take(exchange, token);
    if (wanted.name) {
      front = co_await front_of(*wanted.name, body);
      wanted.name->add_to(wanted.call);
      // From here on it is found by its name.
      require_alone(*wanted.name);
    }
    upload = start(executor, wanted, std::move(turn));
  } catch (...) {
    failed = std::current_exception();
  }
  if (failed) {
    if (wanted.name) co_await give_back(*wanted.name);
    std::rethrow_exception(failed);
  }
  Feeding feeding{body, *upload, front};
  try {
    async::TaskGroup beside(executor);
    beside.spawn(end_reading_with(*upload, exchange));
    asio::awaitable<void> task = feed(feeding);
    co_await async::run_beside(std::move(task), beside);
    if (wanted.name && feeding.is_read) wanted.name->require_length(body.length);
  } catch (...) {
    failed = std::current_exception();
  }
  body.buffer = {};
  const bool is_wrong = feeding.is_read && !body.digests.are_right();
  const bool is_part = !failed && feeding.is_fed && wanted.name && !wanted.name->is_complete();
  const bool is_whole = !failed && feeding.is_fed && !is_wrong && !is_part;
  if (is_whole) upload->seal();
  if (is_wrong) upload->refuse();
  if (is_part || (failed && wanted.name && wanted.name->stores_parts())) {
    upload->cut();
  } else if ((failed || is_wrong) && !upload->has_ended()) {
    upload->stop();
  }
  if (failed) std::rethrow_exception(failed);
  if (is_part) co_return co_await answer_to_part(exchange, *upload, *wanted.name);
  co_await answer_for(exchange, *upload, is_wrong, is_whole && wanted.answers_at_once);
}

/// What is wrong with it is told like that of a whole one.
asio::awaitable<void> Uploads::answer_to_part(Exchange& exchange, Upload& upload,
                                              NamedUpload& name) {
  co_await upload.wait_for_end();
  Answer answer = upload.answer();
  if (answer.status >= 500) answer = co_await name.answer_to_part();
  co_await exchange.answer(std::move(answer));
}

/// When it has ended, or earlier.
asio::awaitable<void> Uploads::answer_for(Exchange& exchange, Upload& upload, bool is_wrong,
                                          bool at_once) {
  if (at_once) co_await upload.wait_for_id();
  Answer answer;
  if (at_once && upload.load_id() && !upload.has_ended()) {
    answer = accepted(upload);
    co_return co_await exchange.answer(std::move(answer));
  }
  co_await upload.wait_for_end();
  answer = is_wrong ? answer_to_others(upload) : upload.answer();
  co_await exchange.answer(std::move(answer));
}

void Uploads::note_failure(const Upload& upload) {
  const Answer answer = upload.answer();
  if (answer.status < 300 || !upload.load_id() || answer.body.size() > limits::serve_end_bytes)
    return;
  ends_.emplace_back(*upload.load_id(), answer.body);
  if (ends_.size() > limits::serve_ends_max) ends_.pop_front();
}

const std::string* Uploads::end_of(std::int64_t load_id) const {
  const auto found = std::ranges::find(ends_.rbegin(), ends_.rend(), load_id,
                                       [](const auto& end) { return end.first; });
  return found == ends_.rend() ? nullptr : &found->second;
}

std::shared_ptr<Upload> Uploads::find(std::int64_t load_id) const {
  const auto found = std::ranges::find_if(
      running_, [load_id](const auto& upload) { return upload->load_id() == load_id; });
  return found == running_.end() ? nullptr : *found;
}

std::shared_ptr<Upload> Uploads::find_named(const std::string& key) const {
  const auto found = std::ranges::find_if(
      running_, [&key](const auto& upload) { return upload->owner().key == key; });
  return found == running_.end() ? nullptr : *found;
}

bool Uploads::expects_id() const {
  return std::ranges::any_of(running_, [](const auto& upload) { return !upload->load_id(); });
}

void Uploads::stop() {
  for (const auto& upload : running_) upload->stop();
}

asio::awaitable<void> Uploads::join() {
  co_await running_group_.join();
  co_await workers_.end();
}

}  // namespace sluice::serve
