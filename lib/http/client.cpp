#include "http/client.hpp"

#include <utility>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "http/address.hpp"
#include "http/answer.hpp"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;

struct Whole final : Receiver {
  void begin(const Response& headers) noexcept override { answer = headers; }
  Taken take(std::string_view bytes) noexcept override {
    if (bytes.size() > limits::small_answer_bytes_max - answer.body.size()) return Taken::refused;
    answer.body.append(bytes);
    return Taken::all;
  }
  Response answer;
};

Address next_address(const Address& from, const std::string& location, const Exchange& exchange) {
  try {
    return address_behind(from, location);
  } catch (const Failure& failure) {
    throw Failure(failure.kind(), name_of(from) + ": " + exchange.shown(failure.problem()));
  }
}

}  // namespace

Response Client::send(const Request& request, const std::string& called) {
  Address to = address_of(request.url);
  const std::string name = called.empty() ? name_of(to) : called;
  Request next = request;
  if (!connecting_.is_signed) next.url = to.url;
  for (std::size_t redirects = 0; redirects <= limits::redirects_max; ++redirects) {
    if (stopped_) throw Failure(FailureKind::interrupted, name + ": interrupted");
    Whole whole;
    Carrier& carrier = this->carrier();
    Exchange exchange(carrier, connecting_, whole);
    exchange.start(next, &to);
    const auto began = std::chrono::steady_clock::now();
    for (carrier.perform(); !exchange.is_over(); carrier.perform()) {
      if (stopped_) throw Failure(FailureKind::interrupted, name + ": interrupted");
      if (std::chrono::steady_clock::now() - began > answer_max_)
        throw Failure(FailureKind::failed, name + ": the server does not answer");
      carrier.wait(milliseconds{100});
    }
    const bool is_of_s3 = whole.answer.body.find("<Code>") != std::string::npos;
    if (exchange.proxy_status() && !is_of_s3) throw exchange.proxy_failure(name);
    if (exchange.result() != CURLE_OK)
      throw Failure(FailureKind::failed, name + ": " + exchange.words());
    const auto location = whole.answer.header("Location");
    if (connecting_.is_signed || request.method != "GET" || !is_redirect(whole.answer.status) ||
        !location)
      return std::move(whole.answer);
    Address behind = next_address(to, *location, exchange);
    if (behind.origin != to.origin) return std::move(whole.answer);
    next.url = behind.url;
    behind.has_login = to.has_login;
    behind.user = to.user;
    behind.password = to.password;
    to = std::move(behind);
  }
  throw Failure(FailureKind::failed, name + ": the server sends on too often");
}

Carrier& Client::carrier() {
  const std::lock_guard lock(mutex_);
  if (!carrier_) carrier_.emplace();
  return *carrier_;
}

void Client::stop() {
  stopped_ = true;
  const std::lock_guard lock(mutex_);
  if (carrier_) carrier_->wake();
}

}  // namespace sluice::http
