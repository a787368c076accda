#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "http/fetch_options.hpp"
#include "s3/address.hpp"
#include "s3/bucket.hpp"
#include "s3/listing.hpp"
#include "source/http_source.hpp"

namespace sluice::source {

/// What a listing says of an object.
struct Listed {
  std::uint64_t bytes = 0;
  std::string etag;   ///< strong; empty where it has none
  std::string stamp;  ///< Source::stamp() of what has this ETag and length; empty without an ETag
};

/// What a command has to do with S3: its buckets, each with the region that was learned, and the
/// keys for them. Blocking. Any thread.
class Buckets {
 public:
  struct Options {
    s3::Settings settings = {};  ///< as the flags say it
    std::string ca_file = {};
    std::chrono::milliseconds retry_for = limits::retry_for_default;
    /// Told that requests are sent again, and why.
    std::function<void(const std::string& why)> on_retry = {};
    /// Told what else people should know: requests are signed by another clock, keys are left out.
    std::function<void(const std::string& text)> on_note = {};
    /// Told once who has handed keys out, which asks for them then.
    std::function<void(const std::string& provider)> on_keys = {};
  };
  explicit Buckets(Options options);

  /// One that was listed is read as it was then: what it is now is said, where that is another
  /// version. REQUIRES: is_in_bucket(path). Throws Failure.
  std::unique_ptr<HttpSource> open(const std::string& path, const http::FetchOptions& options);

  /// In place of each pattern, the objects that match it, in the order of their keys. Where none
  /// does, unless there `may_be_none`, throws Failure{usage}.
  std::vector<std::string> with_matches(const std::vector<std::string>& paths, bool may_be_none);

  /// Where its bucket is asked, "http://127.0.0.1:9000"; empty for Amazon or Google themselves.
  /// REQUIRES: is_in_bucket(path). Throws Failure.
  std::string endpoint_of(const std::string& path) const;

  /// Makes calls that wait for whoever hands out keys fail, and all later ones; ends the programs
  /// that do, each with its process group.
  void stop();

  /// Of an object that with_matches() has put in the place of a pattern; else nothing.
  std::optional<Listed> listed(const std::string& path);

 private:
  struct Calls;

  std::shared_ptr<s3::Bucket> bucket_of(const s3::Address& address);
  s3::Settings settings_of(const s3::Address& address) const;
  std::shared_ptr<s3::KeyRing> keys_for(const s3::Address& address, const s3::Settings& settings);
  std::vector<s3::Object> list(const s3::Address& pattern, s3::Kept& kept);
  void keep(const s3::Address& address, const s3::Object& object);

  Options options_;
  std::stop_source stop_;
  std::shared_ptr<Calls> calls_;
  s3::Machine machine_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<s3::Bucket>> buckets_;  ///< by scheme and name
  std::map<bool, std::shared_ptr<s3::KeyRing>> keys_;           ///< by: only_given
  std::map<std::string, Listed> listed_;                        ///< by path
};

}  // namespace sluice::source
