#include "source/buckets.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <thread>
#include <utility>

#include "base/backoff.hpp"
#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "http/answer.hpp"
#include "http/client.hpp"
#include "s3/error_answer.hpp"
#include "s3/pattern.hpp"
#include "s3/providers.hpp"
#include "source/remote.hpp"

namespace sluice::source {
namespace {

using Clock = std::chrono::steady_clock;

/// Of who hands out keys: a service, and what is on this machine or beside it.
constexpr std::chrono::seconds keys_answer_max{20};
constexpr std::chrono::seconds near_answer_max{5};
constexpr std::chrono::seconds near_connect_timeout{1};

constexpr Backoff pauses{limits::retry_delay_min, limits::retry_delay_max};

/// A bucket of another server is no host of Amazon's.
std::string advice_on_unknown_host(const s3::Bucket& bucket) {
  return bucket.endpoint().empty() ? "--s3-endpoint URL says where buckets of other servers are."
                                   : "";
}

/// The requests for one object: each is signed when it is sent.
class SignedRequests final : public http::Requester {
 public:
  SignedRequests(std::shared_ptr<s3::Bucket> bucket, const s3::Address& address)
      : bucket_(std::move(bucket)),
        name_(text_of_path(address.text())),
        object_{.key = s3::plain_key(address.key), .version = address.version} {}

  http::Request get(http::Headers headers) override {
    return bucket_->get(object_, std::move(headers));
  }

  Next next(const http::Request& sent, const http::Response& answer) override {
    if (bucket_->learn(sent, answer)) return Next::now;
    return s3::error_answer(answer, {}).is_passing ? Next::late : Next::none;
  }

  Failure failure(const http::Response& answer) const override {
    return bucket_->failure(answer, name_);
  }

  std::string advice_on_unknown_host() const override {
    return source::advice_on_unknown_host(*bucket_);
  }

  const std::string& name() const override { return name_; }

 private:
  std::shared_ptr<s3::Bucket> bucket_;
  std::string name_;
  s3::ObjectName object_;
};

/// Tries again what passes by itself, once the server has answered anything: a host that is
/// mistyped does not get right. A signature holds for minutes, so each time has a new one.
class PatientClient {
 public:
  PatientClient(const s3::Bucket& bucket, const Buckets::Options& options, std::string what)
      : bucket_(bucket),
        client_({.ca_file = options.ca_file,
                 .connect_timeout = limits::fetch_connect_timeout,
                 .is_signed = true}),
        retry_for_(options.retry_for),
        on_retry_(options.on_retry),
        what_(std::move(what)) {}

  http::Response send(http::Request request) {
    const auto began = Clock::now();
    for (std::size_t attempt = 0;; ++attempt) {
      std::chrono::milliseconds delay = pauses.delay(attempt, random_share());
      const auto is_last = [&] { return Clock::now() - began + delay > retry_for_; };
      try {
        http::Response response = client_.send(request, what_);
        has_answered_ = true;
        const std::int64_t now = std::time(nullptr);
        delay = std::max(delay, http::retry_after_of(response, now).value_or(delay));
        if (is_last() || response.status < 400 || !s3::error_answer(response, {}).is_passing)
          return response;
        tell(bucket_.failure(response, what_).problem());
      } catch (const Failure& failure) {
        if (!has_answered_) throw with_hint(failure);
        if (is_last()) throw;
        tell(failure.problem());
      }
      std::this_thread::sleep_for(delay);
      request = bucket_.sign_anew(std::move(request));
    }
  }

 private:
  Failure with_hint(const Failure& failure) const {
    const bool is_unknown = failure.problem().find("resolve host") != std::string::npos;
    if (!is_unknown) return failure;
    return {failure.kind(), failure.problem(), advice_on_unknown_host(bucket_)};
  }

  void tell(const std::string& why) {
    if (on_retry_ && !std::exchange(has_told_, true)) on_retry_(why);
  }

  const s3::Bucket& bucket_;
  http::Client client_;
  std::chrono::milliseconds retry_for_;
  std::function<void(const std::string&)> on_retry_;
  std::string what_;
  bool has_told_ = false;
  bool has_answered_ = false;
};

/// Where it is and what it is called, whatever region was learned.
std::string place_in_stamps(const s3::Address& address, const s3::Bucket& bucket) {
  std::string store = address.is_google ? "gs:" : "s3:";
  store += bucket.endpoint() + "//" + address.bucket;
  std::string object = "/" + s3::plain_key(address.key);
  if (!address.version.empty()) object += "?versionId=" + address.version;
  return stamp_word(store) + " " + stamp_word(object);
}

}  // namespace

/// To those who hand out keys, one after the other.
struct Buckets::Calls {
  explicit Calls(const std::string& ca_file)
      : far({.ca_file = ca_file,
             .connect_timeout = limits::fetch_connect_timeout,
             .is_signed = true},
            keys_answer_max),
        near({.ca_file = {},
              .connect_timeout = near_connect_timeout,
              .is_signed = true,
              .is_near = true},
             near_answer_max) {}

  static http::Send sender(const std::shared_ptr<Calls>& calls, http::Client Calls::* client) {
    return [calls, client](const http::Request& request) {
      const std::lock_guard lock(calls->mutex);
      return ((*calls).*client).send(request);
    };
  }

  std::mutex mutex;
  http::Client far;
  http::Client near;
};

Buckets::Buckets(Options options)
    : options_(std::move(options)),
      calls_(std::make_shared<Calls>(options_.ca_file)),
      machine_(s3::this_machine(Calls::sender(calls_, &Calls::far),
                                Calls::sender(calls_, &Calls::near), stop_.get_token())) {}

void Buckets::stop() {
  stop_.request_stop();
  calls_->far.stop();
  calls_->near.stop();
}

s3::Settings Buckets::settings_of(const s3::Address& address) const {
  std::optional<s3::Profile> profile;
  const auto value = [&](const std::string& name) -> std::optional<std::string> {
    if (!profile) profile = s3::chosen_profile(machine_, options_.settings.profile);
    const auto at = profile->find(name);
    return at == profile->end() ? std::nullopt : std::optional(at->second);
  };
  return s3::settled(options_.settings, address, machine_.variable, value);
}

std::shared_ptr<s3::KeyRing> Buckets::keys_for(const s3::Address& address,
                                               const s3::Settings& settings) {
  if (settings.is_anonymous) return nullptr;
  // To others go keys that somebody has written down for them, and not those that Amazon hands out
  // to this machine.
  const bool only_given =
      address.is_google || !(settings.endpoint.empty() || s3::is_amazons_s3(settings.endpoint));
  std::shared_ptr<s3::KeyRing>& keys = keys_[only_given];
  if (keys) return keys;
  const s3::KeyOptions options{.profile = settings.profile,
                               .region = address.is_google ? std::string() : settings.region,
                               .only_given = only_given};
  keys = std::make_shared<s3::KeyRing>(machine_, options);
  if (options_.on_keys) options_.on_keys(keys->current().provider);
  return keys;
}

std::shared_ptr<s3::Bucket> Buckets::bucket_of(const s3::Address& address) {
  const std::lock_guard lock(mutex_);
  auto& bucket = buckets_[(address.is_google ? "gs:" : "s3:") + address.bucket];
  if (bucket) return bucket;
  const s3::Settings settings = settings_of(address);
  bucket =
      std::make_shared<s3::Bucket>(address, settings, keys_for(address, settings), machine_.now);
  if (options_.on_note) {
    bucket->on_clock([say = options_.on_note, name = address.bucket](std::chrono::seconds ahead) {
      say("bucket " + name + ": this machine's clock is " + format_duration(abs(ahead)) +
          (ahead.count() > 0 ? " behind" : " ahead of") +
          " the server's: requests are signed by that");
    });
  }
  return bucket;
}

std::unique_ptr<HttpSource> Buckets::open(const std::string& path,
                                          const http::FetchOptions& options) {
  const s3::Address address = s3::address_of(path);
  std::shared_ptr<s3::Bucket> bucket = bucket_of(address);
  const std::optional<Listed> known = listed(path);
  HttpSource::Requested object{.requester = std::make_unique<SignedRequests>(bucket, address),
                               .place = place_in_stamps(address, *bucket),
                               .listed_etag = known ? known->etag : std::string()};
  http::FetchOptions own = options;
  own.ca_file = options_.ca_file;
  return std::make_unique<HttpSource>(std::move(object), own);
}

std::string Buckets::endpoint_of(const std::string& path) const {
  return settings_of(s3::address_of(path)).endpoint;
}

std::optional<Listed> Buckets::listed(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto at = listed_.find(path);
  return at == listed_.end() ? std::nullopt : std::optional(at->second);
}

void Buckets::keep(const s3::Address& address, const s3::Object& object) {
  Listed listed{.bytes = object.bytes, .etag = {}, .stamp = {}};
  if (object.etag.starts_with('"')) {
    listed.etag = object.etag;
    listed.stamp =
        object_stamp(place_in_stamps(address, *bucket_of(address)), object.etag, object.bytes);
  }
  const std::lock_guard lock(mutex_);
  listed_.insert_or_assign(address.text(), std::move(listed));
}

std::vector<s3::Object> Buckets::list(const s3::Address& pattern, s3::Kept& kept) {
  const std::shared_ptr<s3::Bucket> bucket = bucket_of(pattern);
  PatientClient client(*bucket, options_, text_of_path(pattern.text()));
  const auto send = [&client](const http::Request& request) { return client.send(request); };
  return s3::list(*bucket, pattern, send, kept, options_.on_note);
}

std::vector<std::string> Buckets::with_matches(const std::vector<std::string>& paths,
                                               bool may_be_none) {
  std::vector<std::string> all;
  s3::Kept kept;
  for (const std::string& path : paths) {
    s3::Address address;
    if (is_in_bucket(path)) address = s3::address_of(path);
    if (!address.is_pattern()) {
      all.push_back(path);
      continue;
    }
    const std::vector<s3::Object> objects = list(address, kept);
    if (objects.empty() && !may_be_none)
      throw Failure(FailureKind::usage, text_of_path(path) + ": no object matches this pattern");
    for (const s3::Object& object : objects) {
      address.key = s3::written_key(object.key);
      keep(address, object);
      all.push_back(address.text());
    }
  }
  return all;
}

}  // namespace sluice::source
