#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "http/exchange.hpp"
#include "http/request.hpp"

namespace sluice::http {

/// Sends small requests, one at a time, and waits for their answers. Blocking.
class Client {
 public:
  explicit Client(Connecting connecting,
                  std::chrono::milliseconds answer_max = limits::fetch_answer_max)
      : connecting_(std::move(connecting)), answer_max_(answer_max) {}

  /// The answer, whatever its status is. Redirects of a GET are followed to the same server alone,
  /// as its headers may be secrets of that one; other ones are the answer, and so are all where
  /// requests are signed. Throws Failure where there is none, and where it is longer than
  /// limits::small_answer_bytes_max. `called`: in place of the URL in what is said of it.
  Response send(const Request& request, const std::string& called = {});

  /// As what takes one wants it. The client outlives it.
  Send sender() {
    return [this](const Request& request) { return send(request); };
  }

  /// Makes a call that waits, and all later ones, fail (thread-safe).
  void stop();

 private:
  Carrier& carrier();

  Connecting connecting_;
  std::chrono::milliseconds answer_max_;
  std::mutex mutex_;
  std::optional<Carrier> carrier_;  ///< once there is a request: curl is loaded then
  std::atomic<bool> stopped_ = false;
};

}  // namespace sluice::http
