#include "s3/bucket.hpp"

#include "http/answer.hpp"
#include "s3/sign.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

/// A server that sends from one region to the next does so no more often.
constexpr int regions_learned_max = 2;

constexpr const char* payer = "x-amz-request-payer";

}  // namespace

Bucket::Bucket(const Address& address, const Settings& settings, std::shared_ptr<KeyRing> keys,
               std::function<std::chrono::sys_seconds()> now)
    : address_(address),
      settings_(settings),
      keys_(std::move(keys)),
      now_(std::move(now)),
      place_(address, settings, settings.region) {}

Place Bucket::place() const {
  const std::lock_guard lock(mutex_);
  return place_;
}

std::string Bucket::server() const {
  if (!settings_.endpoint.empty()) return settings_.endpoint;
  const std::string url = place().bucket_url();
  return url.substr(0, url.find('/', url.find("://") + 3));
}

/// For the region of the place that its URL is of, whatever is learned meanwhile.
http::Request Bucket::sign(http::Request request, const Place& place) const {
  if (settings_.is_requester_paying && !address_.is_google) {
    std::erase_if(request.headers, [](const auto& header) { return header.first == payer; });
    request.headers.emplace_back(payer, "requester");
  }
  if (!keys_) return request;
  const Keys keys = keys_->current().keys;
  {
    const std::lock_guard lock(mutex_);
    last_keys_ = keys;
  }
  return s3::sign(std::move(request), keys, {.region = place.region()}, now_() + clock_ahead());
}

http::Request Bucket::get(const ObjectName& object, http::Headers headers) const {
  const Place at = place();
  http::Request request{.url = at.object_url(object.key, object.version),
                        .headers = std::move(headers)};
  return sign(std::move(request), at);
}

http::Request Bucket::list(const std::string& prefix, const std::string& token) const {
  // In the order in which they are signed: some servers sort nothing.
  std::string query;
  if (!token.empty()) query = "continuation-token=" + url_encoded(token) + "&";
  query += "encoding-type=url&list-type=2";
  if (!prefix.empty()) query += "&prefix=" + url_encoded(prefix);
  const Place at = place();
  http::Request request{.url = at.bucket_url() + "?" + query};
  return sign(std::move(request), at);
}

bool Bucket::learn(const http::Request& sent, const http::Response& response) {
  const ErrorAnswer error = error_answer(response, {});
  if (error.code == "RequestTimeTooSkewed") return learn_time(response);
  return error.are_keys_old ? has_newer_keys(sent) : learn_region(sent, error);
}

std::chrono::seconds Bucket::clock_ahead() const {
  const std::lock_guard lock(mutex_);
  return clock_ahead_;
}

/// Requests that were under way by the wrong time are made anew; whoever makes them ends that.
bool Bucket::learn_time(const http::Response& response) {
  constexpr std::chrono::seconds least{60};
  const std::optional<std::time_t> date = http::date_of(response);
  if (!date) return false;
  const auto ahead = std::chrono::sys_seconds(std::chrono::seconds(*date)) - now_();
  {
    const std::lock_guard lock(mutex_);
    if (clock_ahead_ != std::chrono::seconds{0}) return true;
    if (std::chrono::abs(ahead) < least) return false;
    clock_ahead_ = ahead;
  }
  if (told_) told_(ahead);
  return true;
}

/// Of several requests that were under way with old keys, the first one's answer gets new ones.
bool Bucket::has_newer_keys(const http::Request& sent) {
  if (!keys_) return false;
  const SignedBy by = signed_by(sent);
  const auto is_newer = [&by](const Keys& keys) {
    return keys.id != by.id || keys.token != by.token;
  };
  if (is_newer(keys_->current().keys)) return true;
  keys_->forget();
  return is_newer(keys_->current().keys);
}

bool Bucket::is_of_this_region(const http::Request& sent) const {
  if (keys_) return signed_by(sent).region == place_.region();
  return sent.url.starts_with(place_.bucket_url());
}

bool Bucket::learn_region(const http::Request& sent, const ErrorAnswer& error) {
  const std::lock_guard lock(mutex_);
  const bool may_be_elsewhere =
      error.status == 301 || error.status == 307 || error.status == 400 || error.status == 403;
  if (!may_be_elsewhere || error.region.empty()) return false;
  if (!is_of_this_region(sent)) return true;
  if (error.region == place_.region() || regions_learned_ == regions_learned_max) return false;
  ++regions_learned_;
  place_ = Place(address_, settings_, error.region);
  return true;
}

std::vector<std::string> Bucket::secrets() const {
  const std::lock_guard lock(mutex_);
  return {last_keys_.id, last_keys_.secret, last_keys_.token};
}

Failure Bucket::failure(const http::Response& response, const std::string& what) const {
  const ErrorAnswer error = error_answer(response, secrets());
  const Failure said = failure_of(error, what);
  if (error.code == "NoSuchBucket" && !settings_.endpoint.empty())
    return {said.kind(), said.problem() + ", by " + settings_.endpoint};
  if (error.status == 403 && !keys_)
    return {said.kind(), said.problem(),
            "Nobody has signed this: --s3-anonymous reads what is public. Without it keys are "
            "used."};
  const std::string name = address_.key.substr(address_.key.rfind('/') + 1);
  if (error.code == "NoSuchKey" && name.find('.') == std::string::npos && !address_.is_google)
    return {said.kind(), said.problem(),
            "If that is a folder: '" + what + (what.ends_with('/') ? "" : "/") +
                "*.csv' are the files in it."};
  return said;
}

}  // namespace sluice::s3
