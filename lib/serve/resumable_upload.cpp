#include "serve/resumable_upload.hpp"

#include <openssl/rand.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/hex.hpp"
#include "base/limits.hpp"
#include "script/checksum.hpp"
#include "serve/query.hpp"

namespace sluice::serve {
namespace {

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

constexpr const char* mismatch =
    "https://iana.org/assignments/http-problem-types#mismatching-upload-offset";

/// What is kept of a content: {"length": 17, "name": "trips.csv"}, or less.
struct Described {
  std::optional<std::uint64_t> length;
  std::string name;
};

Described described_in(const std::string& content) {
  const auto json = nlohmann::json::parse(content, nullptr, false);
  Described described;
  if (!json.is_object()) return described;
  if (const auto length = json.find("length"); length != json.end() && length->is_number_unsigned())
    described.length = length->get<std::uint64_t>();
  if (const auto name = json.find("name"); name != json.end() && name->is_string())
    described.name = name->get<std::string>();
  return described;
}

std::string new_id() {
  std::array<unsigned char, 16> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw Failure(FailureKind::failed, "no random number can be had");
  return hex_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// Whoever guesses an address has still to be the one who began it.
std::string key_of_id(const std::string& owner, const std::string& id) {
  return script::sha256(owner + "\n~" + id);
}

Headers offset_headers(std::uint64_t offset, bool is_complete) {
  return {{"Upload-Offset", std::to_string(offset)},
          {"Upload-Complete", is_complete ? "?1" : "?0"}};
}

[[noreturn]] void refuse_unknown() {
  throw Refused{404, "there is no such upload, or it has ended a week ago"};
}

}  // namespace

bool boolean_of(std::string_view name, std::string_view value) {
  if (value == "?1") return true;
  if (value == "?0") return false;
  throw Refused{400, std::string(name) + " is ?1 or ?0, and not \"" + std::string(value) + "\""};
}

std::uint64_t integer_of(std::string_view name, std::string_view value) {
  if (const auto number = digits_of(value)) return static_cast<std::uint64_t>(*number);
  throw Refused{400, std::string(name) + " is a number of bytes"};
}

ResumableUpload ResumableUpload::begun_by(pg::Pool& pool, Uploads& uploads, std::string owner,
                                          std::string target, std::string query) {
  std::string id = new_id();
  ledger::KnownUpload now;
  now.key = key_of_id(owner, id);
  now.owner = std::move(owner);
  now.target = std::move(target);
  now.arguments = std::move(query);
  now.is_new = true;
  return {pool, uploads, std::move(id), std::move(now)};
}

asio::awaitable<ResumableUpload> ResumableUpload::find(pg::Pool& pool, Uploads& uploads,
                                                       std::string owner, std::string id) {
  ledger::KnownUpload asked;
  asked.key = key_of_id(owner, id);
  ResumableUpload upload(pool, uploads, std::move(id), std::move(asked));
  co_await upload.refresh();
  if (upload.known_.owner != owner) refuse_unknown();
  co_return upload;
}

asio::awaitable<void> ResumableUpload::refresh() {
  std::optional<ledger::KnownUpload> found;
  const Asking finding = [&](pg::Connection& on) -> asio::awaitable<void> {
    found = co_await ledger::find_upload(on, key());
  };
  co_await ask(finding);
  if (!found) refuse_unknown();
  known_ = std::move(*found);
  Described described = described_in(known_.content);
  length_ = described.length;
  file_name_ = std::move(described.name);
}

/// Places in the ledger are counted behind a byte-order mark.
std::uint64_t ResumableUpload::offset() const {
  if (!known_.load || known_.load->stored_end == 0) return 0;
  return known_.load->stored_end + (known_.has_mark ? utf8_mark.size() : 0);
}

/// One sender feeds it at a time: who asks again has lost what he had.
asio::awaitable<void> ResumableUpload::end_former() {
  if (const std::shared_ptr<Upload> former = uploads_->find_named(key())) {
    former->cut();
    const async::Deadline deadline = async::Deadline::after(limits::serve_question_max);
    co_await former->wait_for_end(deadline);
    if (!former->has_ended())
      throw Refused{503, "what has come of this upload is being stored", {{"Retry-After", "5"}}};
    co_await refresh();
  }
  co_await require_not_elsewhere();
}

bool ResumableUpload::is_being_stored() const {
  return known_.load && known_.load->is_running && known_.answer.empty();
}

/// REQUIRES: nothing feeds it here. A process has gone before its session in the database has.
asio::awaitable<void> ResumableUpload::require_not_elsewhere() {
  const async::Deadline patience = async::Deadline::after(limits::lock_patience);
  while (is_being_stored() && !patience.passed()) {
    co_await async::sleep_for(limits::lock_poll);
    co_await refresh();
  }
  if (is_being_stored())
    throw Refused{
        503, "another server is storing what has come of this upload", {{"Retry-After", "5"}}};
}

/// What was stored may be lost, by a crash of a server that does not wait for its disk, or as
/// somebody has emptied the table: an offset never goes back.
asio::awaitable<void> ResumableUpload::require_offset() {
  if (offset() < known_.told_offset) {
    const Asking forgetting = [&](pg::Connection& on) -> asio::awaitable<void> {
      co_await ledger::forget_upload(on, key());
    };
    co_await ask(forgetting);
    throw Refused{410,
                  "what was stored of this upload is not there any more: send it as a new one"};
  }
  const Asking telling = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::note_told(on, key(), offset());
  };
  co_await ask(telling);
}

asio::awaitable<Answer> ResumableUpload::look_up() {
  co_await end_former();
  Answer answer{.status = 204};
  if (!known_.answer.empty()) {
    answer.headers = offset_headers(known_.told_offset, true);
    co_return answer;
  }
  co_await require_offset();
  answer.headers = offset_headers(offset(), false);
  co_return answer;
}

asio::awaitable<std::optional<Answer>> ResumableUpload::go_on(std::uint64_t offset) {
  co_await end_former();
  const bool has_ended = !known_.answer.empty();
  if (!has_ended) co_await require_offset();
  const std::uint64_t wanted = has_ended ? known_.told_offset : this->offset();
  if (offset != wanted) {
    Answer answer =
        answer_of(409, {{"type", mismatch},
                        {"title", "offset from request does not match offset of resource"},
                        {"status", 409},
                        {"detail", "this upload goes on at byte " + std::to_string(wanted)},
                        {"expected-offset", wanted},
                        {"provided-offset", offset}});
    answer.headers = offset_headers(wanted, has_ended);
    answer.type = "application/problem+json";
    co_return answer;
  }
  if (has_ended) co_return answer_of_json(known_.answer);
  offset_ = offset;
  co_return std::nullopt;
}

asio::awaitable<void> ResumableUpload::give_up() {
  if (const std::shared_ptr<Upload> former = uploads_->find_named(key())) {
    former->stop("it was given up by DELETE " + path());
    co_await former->wait_for_end();
    co_await refresh();
  }
  co_await require_not_elsewhere();
  if (known_.load && known_.load->waits_in_stage) co_await uploads_->forget(known_.load->id.value);
  const Asking forgetting = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::forget_upload(on, key());
  };
  co_await ask(forgetting);
}

void ResumableUpload::set_length(std::uint64_t length) {
  const std::optional<std::uint64_t> said = described_in(known_.content).length;
  if (said && *said != length)
    throw Refused{400, "Upload-Length was " + std::to_string(*said) + " when this upload began"};
  length_ = length;
  describe();
}

void ResumableUpload::set_file_name(std::string name) {
  file_name_ = std::move(name);
  describe();
}

void ResumableUpload::describe() {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (length_) json["length"] = *length_;
  if (!file_name_.empty()) json["name"] = file_name_;
  known_.content = text_for_ledger(json);
}

void ResumableUpload::require_length(std::uint64_t bytes) const {
  if (!length_) return;
  const std::uint64_t end = offset_ + bytes;
  if (is_complete_ ? end == *length_ : end <= *length_) return;
  throw Refused{400, "this body ends at byte " + std::to_string(end) + " of the upload, " +
                         (is_complete_ ? "and is said to be its last" : "which is behind its end") +
                         "; Upload-Length is " + std::to_string(*length_)};
}

asio::awaitable<void> ResumableUpload::enter() {
  const Asking entering = [&](pg::Connection& on) -> asio::awaitable<void> {
    const std::int64_t others = co_await ledger::count_open_uploads(on, known_.owner);
    if (others >= limits::serve_open_uploads_max)
      throw Refused{429, std::to_string(others) +
                             " uploads have begun and not ended: go on with one, or DELETE one"};
    known_ = co_await ledger::enter_upload(on, known_);
  };
  co_await ask(entering);
}

asio::awaitable<std::optional<Answer>> ResumableUpload::look(std::string_view first) {
  if (first.empty() && !is_complete_) co_return co_await answer_to_part();
  co_return std::nullopt;
}

std::size_t ResumableUpload::kept_bytes() const {
  return offset_ == 0 ? limits::stream_kept_bytes : 0;
}

asio::awaitable<void> ResumableUpload::keep(std::string bytes) {
  known_.kept_bytes = bytes.size();
  known_.has_mark = bytes.starts_with(utf8_mark);
  const Asking keeping = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::keep_beginning(on, key(), bytes);
  };
  co_await ask(keeping);
}

/// What is behind the beginning that is kept comes as if nothing were in between.
asio::awaitable<std::string> ResumableUpload::front() {
  std::string beginning;
  if (offset_ == 0) co_return beginning;
  const Asking reading = [&](pg::Connection& on) -> asio::awaitable<void> {
    beginning = co_await ledger::beginning_of_upload(on, key());
  };
  co_await ask(reading);
  beginning.resize(std::min<std::uint64_t>(offset_, beginning.size()));
  co_return beginning;
}

void ResumableUpload::add_to(process::Call& call) const {
  nlohmann::json json{{"key", key()}, {"resumable", true}};
  if (comes_behind_kept()) {
    json["kept"] = known_.kept_bytes;
    json["offset"] = offset_;
  }
  call.environment.push_back(variable(json.dump()));
}

asio::awaitable<void> ResumableUpload::note_end(const Upload& upload) {
  const Answer answer = upload.answer();
  const bool is_stored = answer.status < 300;
  // What is wrong with it stays wrong; what failed here, or was cut off, may be gone on with.
  const bool is_over = answer.status == 422 || answer.status == 400 || answer.status == 404;
  if (!is_stored && !is_over) co_return;
  const std::string text = is_stored ? json_of(answer) : std::string();
  const Asking noting = [&](pg::Connection& on) -> asio::awaitable<void> {
    if (!is_stored) co_return co_await ledger::forget_upload(on, key());
    const std::optional<ledger::KnownUpload> now = co_await ledger::find_upload(on, key());
    if (now && now->load) known_.load = now->load;
    co_await ledger::note_told(on, key(), offset());
    co_await ledger::note_answer(on, key(), text);
  };
  co_await ask(noting);
}

asio::awaitable<Answer> ResumableUpload::answer_to_part() {
  const bool is_new = known_.is_new;
  co_await refresh();
  co_await require_offset();
  Answer answer{.status = is_new ? 201 : 204};
  answer.headers = offset_headers(offset(), false);
  answer.headers.emplace_back("Location", path());
  co_return answer;
}

}  // namespace sluice::serve
