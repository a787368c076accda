#include "serve/upload.hpp"

#include "base/exit_code.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "serve/outcome.hpp"

namespace sluice::serve {

asio::awaitable<void> Upload::run() {
  const process::Line line = [this](const std::string& text) { hear(text); };
  try {
    exit_code_ = co_await command_->run(line, report_);
  } catch (const std::exception& error) {
    said_ = error.what();
    exit_code_ = exit_failed;
  }
}

void Upload::end() {
  has_ended_ = true;
  changed_.notify();
}

/// A line of progress, or what it says to people.
void Upload::hear(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("stage")) {
    if (said_.size() < limits::job_message_bytes) said_ += printable_line(line) + "\n";
    return;
  }
  if (const auto id = json.find("load"); id != json.end() && id->is_number_integer())
    load_id_ = id->get<std::int64_t>();
  progress_ = line;
  ++news_;
  changed_.notify();
}

asio::awaitable<bool> Upload::feed(asio::const_buffer bytes) {
  if (has_ended() || was_cut_) co_return false;
  co_return co_await command_->feed(bytes);
}

void Upload::seal() {
  if (was_cut_) return;
  is_sealed_ = true;
  command_->seal();
}

void Upload::cut() {
  if (is_sealed_ || has_ended()) return;
  was_cut_ = true;
  command_->cut();
}

/// What is on its way is cancelled: the same content brings it.
void Upload::stop(const std::string& why) {
  if (stopped_by_.empty()) stopped_by_ = why;
  command_->stop(limits::job_second_signal, limits::stop_grace);
}

asio::awaitable<void> Upload::wait_for_end() {
  while (!has_ended()) co_await changed_.wait();
}

asio::awaitable<void> Upload::wait_for_end(async::Deadline deadline) {
  while (!has_ended() && !deadline.passed()) co_await changed_.wait(deadline);
}

asio::awaitable<void> Upload::wait_for_news(std::uint64_t seen, async::Deadline deadline) {
  while (!has_ended() && news_ == seen && !deadline.passed()) co_await changed_.wait(deadline);
}

asio::awaitable<void> Upload::wait_for_id() {
  while (!has_ended() && !load_id_) co_await changed_.wait();
}

Answer Upload::answer() const {
  if (exit_code() >= exit_signal && !stopped_by_.empty())
    return answer_of(
        Refused{409, stopped_by_ + "; what is stored stays, and the same upload goes on"});
  return answer_of_command(exit_code(), report_, said_);
}

std::optional<std::int64_t> Upload::staged_load() const {
  const auto json = nlohmann::json::parse(report_, nullptr, false);
  if (!json.is_object() || !json.contains("loads") || !json["loads"].is_array()) return {};
  for (const auto& load : json["loads"])
    if (load.is_object() && load.value("staged", nlohmann::json()) == true &&
        load.value("load", nlohmann::json()).is_number_integer())
      return load["load"].get<std::int64_t>();
  return {};
}

std::string Upload::problem() const {
  if (exit_code() == exit_ok || exit_code() == exit_rejected) return {};
  // What a client is not told too.
  std::string why = error_of_command(report_);
  if (why.empty()) {
    const auto json = nlohmann::json::parse(answer().body, nullptr, false);
    if (json.is_object()) why = json.value("detail", std::string());
  }
  return "exit code " + std::to_string(exit_code()) + ": " + why;
}

}  // namespace sluice::serve
