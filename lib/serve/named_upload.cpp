#include "serve/named_upload.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "async/deadline.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "jobs/handed.hpp"
#include "script/checksum.hpp"

namespace sluice::serve {
namespace {

constexpr std::size_t name_bytes_max = 255;

}  // namespace

asio::awaitable<void> NamedUpload::keep(std::string) { co_return; }

asio::awaitable<std::string> NamedUpload::front() { co_return std::string(); }

asio::awaitable<void> NamedUpload::give_back() { co_return; }

asio::awaitable<Answer> NamedUpload::answer_to_part() {
  co_return answer_of(Refused{400, "the body ends before it is all there"});
}

asio::awaitable<void> NamedUpload::ask_without_end(Asking asking) {
  pg::Lease connection = co_await pool_.acquire();
  co_await asking(*connection);
}

asio::awaitable<void> NamedUpload::ask(Asking asking) {
  asio::awaitable<void> task = ask_without_end(std::move(asking));
  const auto deadline = async::Clock::now() + limits::serve_question_max;
  co_await async::with_deadline(std::move(task), deadline);
}

std::string NamedUpload::variable(const std::string& json) const {
  return std::string(jobs::handed_upload) + "=" + json;
}

std::string text_for_ledger(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string json_of(const Answer& answer) {
  nlohmann::ordered_json headers = nlohmann::ordered_json::array();
  for (const auto& [name, value] : answer.headers) headers.push_back({name, value});
  const nlohmann::ordered_json json{{"status", answer.status},
                                    {"headers", std::move(headers)},
                                    {"type", answer.type},
                                    {"body", answer.body}};
  return text_for_ledger(json);
}

void refuse_running_upload() {
  throw Refused{409, "an upload of this name is being loaded", {{"Retry-After", "5"}}};
}

Answer answer_of_json(const std::string& text) {
  Answer answer;
  try {
    const auto json = nlohmann::json::parse(text);
    answer.status = json.at("status").get<int>();
    answer.type = json.at("type").get<std::string>();
    answer.body = json.at("body").get<std::string>();
    for (const auto& pair : json.at("headers"))
      answer.headers.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  } catch (const nlohmann::json::exception&) {
    throw Failure(FailureKind::failed, "what was answered to this upload cannot be read");
  }
  // The table is others' too: what stands there is no way to write headers.
  const auto is_odd = [](const auto& header) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
    return header.first != "Location" || std::ranges::any_of(header.second, is_control);
  };
  std::erase_if(answer.headers, is_odd);
  answer.type = answer.status < 300 ? "application/json" : "application/problem+json";
  return answer;
}

std::string key_of_name(const std::string& owner, const std::string& name) {
  return script::sha256(owner + "\n=" + name);
}

std::string idempotency_name(std::string_view field) {
  const bool is_quoted = field.size() >= 2 && field.starts_with('"') && field.ends_with('"');
  const std::string_view name = is_quoted ? field.substr(1, field.size() - 2) : field;
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; };
  if (name.empty() || name.size() > name_bytes_max || !std::ranges::all_of(name, is_plain))
    throw Refused{400,
                  "an Idempotency-Key is 1 to 255 visible characters of ASCII, such as a UUID"};
  return std::string(name);
}

}  // namespace sluice::serve
