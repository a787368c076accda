#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::s3 {

/// s3://BUCKET/KEY and gs://BUCKET/KEY, KEY?versionId=VERSION too.
struct Address {
  bool is_google = false;
  std::string bucket;
  std::string key;      ///< as it is written: plain_key() or Pattern read it
  std::string version;  ///< empty for the newest

  bool is_pattern() const;
  /// As somebody would write it, for messages and identities.
  std::string text() const;
};

/// S3 has no longer ones, and Google none either.
inline constexpr std::size_t key_bytes_max = 1024;

bool is_address(std::string_view text);

/// What of such a text may be shown: without keys that somebody has written in front of the bucket,
/// and, where it is an address, in one way for each object.
std::string shown(const std::string& text);

/// Throws Failure{usage} for what is none: no bucket or key, a bucket's name that can be none.
Address address_of(const std::string& text);

/// What flags, environment and profile say of where S3 is.
struct Settings {
  std::string endpoint;  ///< "http://127.0.0.1:9000"; empty for the provider's own
  std::string region;    ///< empty where nobody says
  std::string profile;   ///< as --s3-profile names it; empty without
  bool is_anonymous = false;
  bool is_requester_paying = false;
};

/// A variable of the environment; nullopt where it is not set or empty.
using Variable = std::function<std::optional<std::string>(const std::string&)>;
/// A value of the profile that holds, out of ~/.aws/config.
using ProfileValue = std::function<std::optional<std::string>(const std::string&)>;

/// The flags' settings, and what they leave open as AWS's SDKs find it: AWS_ENDPOINT_URL_S3,
/// AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, then endpoint_url (that of its services first)
/// and region of the profile.
/// Google's own buckets know none of that. Throws Failure{usage} for an endpoint or a region that
/// can be none.
Settings settled(Settings flags, const Address& address, const Variable& variable,
                 const ProfileValue& profile);

/// Where a bucket is asked.
class Place {
 public:
  /// `region` is what the settings say, or what an answer has said since.
  Place(const Address& address, const Settings& settings, const std::string& region);

  /// What the requests are signed for.
  const std::string& region() const { return region_; }
  /// Of the bucket itself, as AWS's SDKs write it: "https://host/bucket", or
  /// "https://bucket.host/".
  std::string bucket_url() const;
  std::string object_url(const std::string& key, const std::string& version) const;

 private:
  std::string region_;
  std::string bucket_url_;  ///< no slash at its end
  bool has_path_ = false;
};

/// Whether an endpoint is Amazon's S3, by https: s3.eu-west-1.amazonaws.com, s3-fips..., a bucket's
/// or a VPC endpoint's name in front of that, with .cn behind it for China. What customers have
/// names of their own for there (compute, elb, execute-api, S3's websites) is none.
bool is_amazons_s3(const std::string& endpoint);

/// "amazonaws.com", which China has an end behind.
std::string amazon_domain(const std::string& region);

}  // namespace sluice::s3
