#include "serve/keyed_upload.hpp"

#include <nlohmann/json.hpp>

#include "base/exit_code.hpp"
#include "script/checksum.hpp"

namespace sluice::serve {
namespace {

using nlohmann::json;

[[noreturn]] void refuse_other(const std::string& what) {
  throw Refused{422, "this Idempotency-Key was sent with " + what +
                         " before: another upload has another key"};
}

}  // namespace

KeyedUpload::KeyedUpload(pg::Pool& pool, const std::string& name, About about)
    : NamedUpload(pool, key_of_name(about.owner, name)), about_(std::move(about)) {}

/// By what is told of a content. Two that begin alike for 64 KiB, and of which not both tell their
/// length or digest, or tell the same, are taken for one.
void KeyedUpload::require_same(const ledger::KnownUpload& known, const std::string& head) const {
  const auto content = json::parse(known.content, nullptr, false);
  const auto text = [&content](const char* name) {
    const auto found = content.find(name);
    return found != content.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (known.target != about_.target) refuse_other("another table");
  if (json::parse(known.arguments, nullptr, false) != json::parse(about_.query))
    refuse_other("other flags");
  if (!content.is_object() || text("head") != head) refuse_other("another content");
  const auto length = content.find("length");
  if (about_.length && length != content.end() && length->is_number_unsigned() &&
      *length != *about_.length)
    refuse_other("a content of another length");
  if (!about_.digest.empty() && !text("digest").empty() && text("digest") != about_.digest)
    refuse_other("another digest");
}

asio::awaitable<std::optional<Answer>> KeyedUpload::look(std::string_view first) {
  const std::string head = script::sha256(std::string(first));
  nlohmann::ordered_json content{{"head", head}, {"digest", about_.digest}, {"length", nullptr}};
  if (about_.length) content["length"] = *about_.length;
  const ledger::NamedUpload now{.key = key(),
                                .owner = about_.owner,
                                .target = about_.target,
                                .arguments = about_.query,
                                .content = text_for_ledger(content)};
  ledger::KnownUpload known;
  const Asking entering = [&](pg::Connection& on) -> asio::awaitable<void> {
    known = co_await ledger::enter_upload(on, now);
  };
  co_await ask(entering);
  is_new_ = known.is_new;
  if (is_new_) co_return std::nullopt;
  require_same(known, head);
  if (!known.answer.empty()) {
    Answer answer = answer_of_json(known.answer);
    answer.headers.emplace_back("Idempotency-Replayed", "true");
    co_return answer;
  }
  if (known.load && known.load->is_running) refuse_running_upload();
  co_return std::nullopt;
}

asio::awaitable<void> KeyedUpload::give_back() {
  if (!is_new_) co_return;
  const Asking freeing = [&](pg::Connection& on) -> asio::awaitable<void> {
    const std::optional<ledger::KnownUpload> known = co_await ledger::find_upload(on, key());
    if (known && known->answer.empty() && !known->load) co_await ledger::forget_upload(on, key());
  };
  co_await ask(freeing);
}

void KeyedUpload::add_to(process::Call& call) const {
  call.environment.push_back(variable(json{{"key", key()}}.dump()));
}

/// What is stored is told from here on. Of what is not, and has left nothing, the key is free: what
/// is mended may come under it.
asio::awaitable<void> KeyedUpload::note_end(const Upload& upload) {
  const Answer answer = upload.answer();
  const bool is_stored = answer.status < 300 && !upload.is_refused();
  const std::string text = is_stored ? json_of(answer) : std::string();
  const Asking noting = [&](pg::Connection& on) -> asio::awaitable<void> {
    if (is_stored) co_return co_await ledger::note_answer(on, key(), text);
    const std::optional<ledger::KnownUpload> known = co_await ledger::find_upload(on, key());
    // Where another server stores it, it is for that one to say.
    const bool is_elsewhere = upload.exit_code() == exit_held && known && known->load;
    const bool is_free = known && known->answer.empty() && !is_elsewhere &&
                         (!known->load || known->load->stored_end == 0);
    if (is_free) co_await ledger::forget_upload(on, key());
  };
  co_await ask(noting);
}

}  // namespace sluice::serve
