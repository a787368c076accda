#include "s3/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "http/address.hpp"
#include "s3/error_answer.hpp"
#include "s3/pattern.hpp"
#include "s3/profiles.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

constexpr std::string_view version_mark = "?versionId=";
constexpr std::size_t bucket_bytes_max = 255;  ///< of old ones; new ones have 63
constexpr std::size_t pattern_bytes_max = 8 * key_bytes_max;
constexpr std::string_view default_region = "us-east-1";

bool is_small_letter(char c) { return c >= 'a' && c <= 'z'; }

/// s3://ID:SECRET@bucket/key, as other programs have it: a secret may have slashes. Where the
/// bucket begins; 0 for a text without keys.
std::size_t end_of_keys(const std::string& text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return 0;
  const std::size_t begin = scheme + 3;
  const std::size_t colon = text.find_first_of(":@", begin);
  if (colon == std::string::npos || text.find('/', begin) < colon) return 0;
  const std::size_t at = text.rfind('@');
  return at == std::string::npos || text.compare(begin, 4, "arn:") == 0 ? 0 : at + 1;
}

/// What is signed is a URL, and no address of a bucket; a ? in these is a pattern.
bool is_signed(std::string_view text) {
  const std::size_t mark = text.find('?');
  return mark != std::string_view::npos && http::has_secret_parameter(text.substr(mark + 1));
}

[[noreturn]] void refuse(const std::string& text, const std::string& problem,
                         const std::string& advice = "") {
  throw Failure(FailureKind::usage, printable_line(text) + ": " + problem, advice);
}

/// It becomes a part of a URL: what has a meaning there must not get in.
bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= bucket_bytes_max && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_';
         });
}

/// Whether it can be the first name of a host whose certificate fits: no dots.
bool is_host_name(std::string_view bucket) {
  return bucket.size() <= 63 && bucket.front() != '-' && bucket.back() != '-' &&
         std::ranges::all_of(
             bucket, [](char c) { return is_small_letter(c) || is_ascii_digit(c) || c == '-'; });
}

std::string_view without_scheme(std::string_view text, bool& is_google) {
  for (const std::string_view scheme : {"s3://", "gs://"}) {
    if (in_small_letters(text.substr(0, scheme.size())) != scheme) continue;
    is_google = scheme == "gs://";
    return text.substr(scheme.size());
  }
  return {};
}

/// The version stands at the end, and its question mark is no pattern.
void take_version(Address& address) {
  const std::size_t mark = address.key.rfind(version_mark);
  if (mark == std::string::npos || (mark > 0 && address.key[mark - 1] == '\\')) return;
  address.version = address.key.substr(mark + version_mark.size());
  address.key.resize(mark);
}

bool is_authority(std::string_view authority) {
  return !authority.empty() && std::ranges::all_of(authority, [](char c) {
    return is_ascii_letter(c) || is_ascii_digit(c) ||
           std::string_view("-._:[]").find(c) != std::string::npos;
  });
}

/// In the form that is put together with buckets: small letters, no slash at its end.
std::string sound_endpoint(const std::string& endpoint, const std::string& from) {
  const UrlParts url = url_parts(endpoint);
  const std::string scheme = in_small_letters(url.scheme);
  if (endpoint.find('@') != std::string::npos)
    refuse(from, "an endpoint has no user and no password: keys are signed with, not sent");
  if ((scheme != "https" && scheme != "http") || !is_authority(url.authority) ||
      !url.query.empty() || endpoint.find_first_of("?# \t\r\n") != std::string::npos) {
    refuse(from, "is no endpoint: " + printable_line(endpoint),
           "It looks like https://HOST or http://127.0.0.1:9000.");
  }
  std::string_view path = url.path;
  while (path.ends_with('/')) path.remove_suffix(1);
  return fmt::format("{}://{}{}", scheme, in_small_letters(url.authority), path);
}

struct Found {
  std::string value;
  std::string from;
};

Found first_set(const Variable& variable, std::initializer_list<const char*> names) {
  for (const char* const name : names)
    if (const auto value = variable(name)) return {*value, name};
  return {};
}

bool is_true(const std::optional<std::string>& value) {
  return value && in_small_letters(*value) == "true";
}

Found configured_endpoint(const Variable& variable, const ProfileValue& profile) {
  if (is_true(variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))) return {};
  Found found = first_set(variable, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  if (!found.value.empty() || is_true(profile("ignore_configured_endpoint_urls"))) return found;
  found = {profile(services_endpoint).value_or(""), "endpoint_url of the profile's services"};
  if (found.value.empty())
    found = {profile("endpoint_url").value_or(""), "endpoint_url of the profile"};
  return found;
}

Found configured_region(const Variable& variable, const ProfileValue& profile) {
  Found found = first_set(variable, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (found.value.empty()) found = {profile("region").value_or(""), "region of the profile"};
  return found;
}

std::string own_endpoint(const Address& address, const std::string& region, bool is_path_style) {
  if (address.is_google) return "https://storage.googleapis.com/" + address.bucket;
  const std::string domain = "s3." + region + "." + amazon_domain(region);
  return is_path_style ? fmt::format("https://{}/{}", domain, address.bucket)
                       : fmt::format("https://{}.{}", address.bucket, domain);
}

/// "eu-west-1", "us-gov-east-1".
bool is_amazons_region(std::string_view name) {
  const std::size_t number = name.rfind('-');
  return std::ranges::count(name, '-') >= 2 && name.find('-') == 2 && number + 2 == name.size() &&
         is_ascii_digit(name.back()) && std::ranges::all_of(name.substr(0, number), [](char c) {
           return is_small_letter(c) || c == '-';
         });
}

std::vector<std::string> names_between_dots(std::string_view host) {
  std::vector<std::string> names;
  for (;;) {
    const std::size_t dot = std::min(host.find('.'), host.size());
    names.emplace_back(host.substr(0, dot));
    if (dot == host.size()) return names;
    host.remove_prefix(dot + 1);
  }
}

/// By what stands in front of amazonaws.com. The name of S3 is the last of that, but for the
/// region, "dualstack" in front of it and "vpce" behind it.
bool is_of_s3(std::vector<std::string> names) {
  static constexpr std::array services{"s3", "s3-fips", "s3-accelerate", "s3-accesspoint",
                                       "s3-accesspoint-fips"};
  const auto drop_last = [&names](const auto& is_it) {
    if (names.size() > 1 && is_it(names.back())) names.pop_back();
  };
  drop_last([](const std::string& name) { return name == "vpce"; });
  drop_last(is_amazons_region);
  drop_last([](const std::string& name) { return name == "dualstack"; });
  const std::string& service = names.back();
  if (std::ranges::find(services, service) != services.end()) return true;
  // As it was written once: s3-eu-west-1.
  return service.starts_with("s3-") && is_amazons_region(service.substr(3));
}

}  // namespace

bool is_amazons_s3(const std::string& endpoint) {
  const UrlParts url = url_parts(endpoint);
  std::string host = in_small_letters(url.authority);
  if (host.ends_with(":443")) host.resize(host.size() - 4);
  if (in_small_letters(url.scheme) != "https") return false;
  for (const std::string_view domain : {".amazonaws.com.cn", ".amazonaws.com"}) {
    if (!host.ends_with(domain)) continue;
    return is_of_s3(names_between_dots(host.substr(0, host.size() - domain.size())));
  }
  return false;
}

std::string amazon_domain(const std::string& region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

bool Address::is_pattern() const { return s3::is_pattern(key); }

std::string Address::text() const {
  std::string made = fmt::format("{}://{}/{}", is_google ? "gs" : "s3", bucket, key);
  if (!version.empty()) fmt::format_to(std::back_inserter(made), "{}{}", version_mark, version);
  return made;
}

bool is_address(std::string_view text) {
  bool is_google = false;
  return without_scheme(text, is_google).data() != nullptr;
}

std::string shown(const std::string& text) {
  if (const std::size_t end = end_of_keys(text); end > 0)
    return text.substr(0, text.find("://") + 3) + text.substr(end);
  if (is_signed(text)) {
    const std::size_t mark = text.find('?');
    return text.substr(0, mark) + http::shown_query(std::string_view(text).substr(mark + 1));
  }
  try {
    Address address = address_of(text);
    if (!address.is_pattern()) address.key = written_key(plain_key(address.key));
    return address.text();
  } catch (const Failure&) {
    return text;
  }
}

Address address_of(const std::string& text) {
  Address address;
  if (end_of_keys(text) > 0) {
    refuse(shown(text), "keys do not stand in an address",
           "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile (--s3-profile).");
  }
  if (is_signed(text)) {
    refuse(shown(text), "an address of a bucket has no signature and no secret behind a ?",
           "A signed URL begins with https:// and names the server.");
  }
  const std::string_view rest = without_scheme(text, address.is_google);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  address.bucket = rest.substr(0, slash);
  if (slash < rest.size()) address.key = rest.substr(slash + 1);
  take_version(address);
  if (address.bucket.starts_with("arn:"))
    refuse(text, "access points are not supported: name the bucket, or the point's alias");
  if (!is_bucket(address.bucket))
    refuse(text, "this is no name of a bucket",
           "It has 3 to 63 small letters, digits, hyphens and dots: s3://my-bucket/folder/a.csv");
  if (address.key.empty())
    refuse(text, "names a bucket and no object in it",
           "s3://bucket/** is all of its objects, s3://bucket/folder/*.csv those of a folder.");
  if (address.key.size() > pattern_bytes_max) refuse(address.bucket, "this pattern is too long");
  if (!address.version.empty() && address.is_google)
    refuse(text, "objects of Google's have no versionId");
  if (!address.version.empty() && address.is_pattern())
    refuse(text, "a pattern has no version: name one object");
  if (!address.is_pattern() && plain_key(address.key).size() > key_bytes_max)
    refuse(text, fmt::format("a key has {} bytes at most", key_bytes_max));
  return address;
}

Settings settled(Settings flags, const Address& address, const Variable& variable,
                 const ProfileValue& profile) {
  Found endpoint{flags.endpoint, "--s3-endpoint"};
  Found region{flags.region, "--s3-region"};
  if (!address.is_google) {
    if (endpoint.value.empty()) endpoint = configured_endpoint(variable, profile);
    if (region.value.empty()) region = configured_region(variable, profile);
  }
  if (!endpoint.value.empty()) flags.endpoint = sound_endpoint(endpoint.value, endpoint.from);
  if (!region.value.empty() && !is_region(region.value))
    refuse(region.from, "is no region: " + printable_line(region.value));
  flags.region = region.value;
  return flags;
}

Place::Place(const Address& address, const Settings& settings, const std::string& region)
    : region_(region) {
  if (region_.empty()) region_ = address.is_google ? "auto" : default_region;
  has_path_ = address.is_google || !settings.endpoint.empty() || !is_host_name(address.bucket);
  bucket_url_ = settings.endpoint.empty() ? own_endpoint(address, region_, has_path_)
                                          : settings.endpoint + "/" + address.bucket;
}

std::string Place::bucket_url() const { return has_path_ ? bucket_url_ : bucket_url_ + "/"; }

std::string Place::object_url(const std::string& key, const std::string& version) const {
  std::string url = bucket_url_ + "/" + url_encoded_path(key);
  if (!version.empty()) url += "?versionId=" + url_encoded(version);
  return url;
}

}  // namespace sluice::s3
