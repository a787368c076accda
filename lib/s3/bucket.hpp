#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "http/request.hpp"
#include "s3/address.hpp"
#include "s3/credentials.hpp"
#include "s3/error_answer.hpp"
#include "s3/machine.hpp"

namespace sluice::s3 {

struct ObjectName {
  std::string key;      ///< plain, nothing encoded
  std::string version;  ///< empty for the newest
};

/// A bucket, and how it is asked: requests that are made here can be sent as they are, within the
/// minutes that a signature holds. The signature is for the URL as it stands (no dots taken out of
/// its path, no redirect followed). Any thread.
class Bucket {
 public:
  /// `keys` is shared by the buckets of a run; without them nothing is signed. `settings` are
  /// settled.
  Bucket(const Address& address, const Settings& settings, std::shared_ptr<KeyRing> keys,
         std::function<std::chrono::sys_seconds()> now);

  /// A GET of an object, or of the part that the headers ask for. Throws Failure where there are no
  /// keys.
  http::Request get(const ObjectName& object, http::Headers headers = {}) const;
  /// A GET of one page of a listing. `token` is what the page before has said; empty for the first.
  http::Request list(const std::string& prefix, const std::string& token) const;
  /// The same request, signed now.
  http::Request sign_anew(http::Request request) const { return sign(std::move(request), place()); }
  /// The user's, for one that is not Amazon's or Google's; else empty.
  const std::string& endpoint() const { return settings_.endpoint; }
  /// Where it is asked, for people: "http://127.0.0.1:9000", "https://s3.eu-west-1.amazonaws.com".
  std::string server() const;

  /// Learns from an answer that is no success to what was sent: the bucket's region, that the keys
  /// are too old, or, once, what time it is. True where what is known now is not what was sent by,
  /// so that the request is worth being made anew: by get() or list(), as its URL may be another
  /// one. Throws Failure where new keys are not to be had.
  bool learn(const http::Request& sent, const http::Response& response);
  /// Told how far the server's clock is ahead of this machine's, when that is learned.
  void on_clock(std::function<void(std::chrono::seconds ahead)> told) { told_ = std::move(told); }
  /// What an answer means for people; `what` is in front of it. Nothing of the keys is in it.
  Failure failure(const http::Response& response, const std::string& what) const;

 private:
  http::Request sign(http::Request request, const Place& place) const;
  bool has_newer_keys(const http::Request& sent);
  std::chrono::seconds clock_ahead() const;
  bool learn_time(const http::Response& response);
  bool learn_region(const http::Request& sent, const ErrorAnswer& error);
  bool is_of_this_region(const http::Request& sent) const;
  std::vector<std::string> secrets() const;
  Place place() const;

  Address address_;
  Settings settings_;
  std::shared_ptr<KeyRing> keys_;
  std::function<std::chrono::sys_seconds()> now_;
  mutable std::mutex mutex_;
  Place place_;
  mutable Keys last_keys_;
  int regions_learned_ = 0;
  std::chrono::seconds clock_ahead_{0};
  std::function<void(std::chrono::seconds)> told_;
};

}  // namespace sluice::s3
