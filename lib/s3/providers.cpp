#include "s3/providers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/ascii.hpp"
#include "base/printable.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

/// Of a session with the metadata: the longest that there is.
constexpr std::chrono::seconds session_life = std::chrono::hours(6);

std::string text_in(const nlohmann::json& json, const std::string& name) {
  const auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

[[noreturn]] void fail(const std::string& provider, const std::string& problem) {
  throw Failure(FailureKind::failed, "keys for S3 from " + provider + ": " + problem);
}

http::Response ask(const Machine& machine, const http::Request& request,
                   const std::string& provider) {
  http::Response response;
  try {
    response = machine.send_near(request);
  } catch (const Failure& failure) {
    throw Failure(failure.kind(), "keys for S3 from " + provider + ": " + failure.problem());
  }
  if (response.status != 200) fail(provider, "it answers " + std::to_string(response.status));
  return response;
}

/// Where keys may go without TLS: this machine, and the addresses that ECS and EKS have for it.
bool is_near(std::string_view authority) {
  std::string_view host = authority;
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  const std::string name = in_small_letters(host);
  if (name == "localhost" || name == "::1" || name == "169.254.170.2" || name == "169.254.170.23" ||
      name == "fd00:ec2::23")
    return true;
  return name.starts_with("127.") && std::ranges::count(name, '.') == 3 &&
         name.find_first_not_of("0123456789.") == std::string::npos;
}

std::optional<std::string> container_url(const Machine& machine) {
  const std::string relative_name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  const std::string full_name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  if (const auto relative = machine.variable(relative_name)) {
    if (!relative->starts_with('/'))
      throw Failure(FailureKind::usage, relative_name + ": does not begin with a slash");
    return "http://169.254.170.2" + *relative;
  }
  const auto full = machine.variable(full_name);
  if (!full) return std::nullopt;
  const UrlParts url = url_parts(*full);
  const std::string scheme = in_small_letters(url.scheme);
  const bool has_user = url.authority.find('@') != std::string_view::npos;
  if (url.authority.empty() || has_user ||
      !(scheme == "https" || (scheme == "http" && is_near(url.authority)))) {
    throw Failure(FailureKind::usage, full_name +
                                          ": keys are asked for by https, or by http from this "
                                          "machine and the container's own agent");
  }
  return full;
}

/// Read each time: EKS puts a new one into the file every hour.
std::optional<std::string> container_token(const Machine& machine) {
  const std::string file_name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
  const std::string name = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
  if (const auto path = machine.variable(file_name)) {
    const auto token = machine.file(*path);
    if (!token) throw Failure(FailureKind::usage, file_name + ": " + *path + ": is not there");
    return sound_value(*token, file_name);
  }
  if (const auto token = machine.variable(name)) return sound_value(*token, name);
  return std::nullopt;
}

std::string metadata_url(const Machine& machine) {
  std::string url = machine.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("");
  const auto mode = machine.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  if (url.empty())
    url = mode && in_small_letters(*mode) == "ipv6" ? "http://[fd00:ec2::254]"
                                                    : "http://169.254.169.254";
  while (url.ends_with('/')) url.pop_back();
  return url;
}

/// What a session with the metadata begins with; nullopt where there is no such service.
std::optional<std::string> metadata_token(const Machine& machine, const std::string& url) {
  const http::Request request{
      .method = "PUT",
      .url = url + "/latest/api/token",
      .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", std::to_string(session_life.count())}}};
  try {
    const http::Response response = machine.send_near(request);
    if (response.status == 200) return sound_value(response.body, "the metadata's token");
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::interrupted) throw;
    // Nothing answers, or somebody else does.
  }
  return std::nullopt;
}

bool reads_whole(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

/// "2026-01-02" of digits with one mark between them.
std::optional<std::array<int, 3>> three_numbers(std::string_view text, char mark) {
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t end = text.find(mark);
    if ((end == std::string_view::npos) != (i == 2)) return std::nullopt;
    if (!reads_whole(text.substr(0, end), numbers.at(i))) return std::nullopt;
    if (i < 2) text.remove_prefix(end + 1);
  }
  return numbers;
}

/// "Z" or "+01:00"; nullopt for what is neither.
std::optional<std::chrono::minutes> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  int hours = 0;
  int minutes = 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
      !reads_whole(text.substr(1, 2), hours) || !reads_whole(text.substr(4), minutes))
    return std::nullopt;
  const std::chrono::minutes offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::optional<std::chrono::sys_seconds> instant_of(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || (text[10] != 'T' && text[10] != ' ')) return std::nullopt;
  const auto date = three_numbers(text.substr(0, 10), '-');
  const auto time = three_numbers(text.substr(11, 8), ':');
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.'))
    rest.remove_prefix(std::min(rest.find_first_not_of("0123456789", 1), rest.size()));
  const auto offset = offset_of(rest);
  if (!date || !time || !offset) return std::nullopt;
  const auto [y, m, d] = *date;
  const auto [hour, minute, second] = *time;
  const year_month_day day{year{y}, month{static_cast<unsigned>(m)},
                           std::chrono::day{static_cast<unsigned>(d)}};
  if (!day.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return sys_days(day) + hours(hour) + minutes(minute) + seconds(second) - *offset;
}

std::string sound_value(std::string value, const std::string& what, FailureKind kind) {
  while (!value.empty() && std::string_view(" \t\r\n").find(value.back()) != std::string::npos)
    value.pop_back();
  if (value.empty()) throw Failure(kind, what + ": is empty");
  if (!std::ranges::all_of(value, [](char c) { return c > ' ' && c < '\x7f'; }))
    throw Failure(kind, what + ": has a character that cannot stand in it");
  return value;
}

Credentials keys_in_json(const std::string& json, const std::string& provider,
                         const std::string& token) {
  const auto said = nlohmann::json::parse(json, nullptr, false);
  if (!said.is_object()) fail(provider, "what it says is no JSON");
  if (const std::string code = text_in(said, "Code"); !code.empty() && code != "Success")
    fail(provider, "it answers " + printable_line(code.substr(0, 64)));
  Credentials made{.provider = provider};
  const auto sound = [&](const std::string& name) {
    return sound_value(text_in(said, name), "keys for S3 from " + provider + ": " + name,
                       FailureKind::failed);
  };
  made.keys.id = sound("AccessKeyId");
  made.keys.secret = sound("SecretAccessKey");
  if (!text_in(said, token).empty()) made.keys.token = sound(token);
  if (const std::string until = text_in(said, "Expiration"); !until.empty()) {
    made.expires = instant_of(until);
    if (!made.expires) fail(provider, "its Expiration is no time");
  }
  return made;
}

std::optional<Credentials> keys_of_environment(const Machine& machine) {
  const std::string id = "AWS_ACCESS_KEY_ID";
  const std::string secret = "AWS_SECRET_ACCESS_KEY";
  const std::string token = "AWS_SESSION_TOKEN";
  const std::string expiration = "AWS_CREDENTIAL_EXPIRATION";
  const auto given_id = machine.variable(id);
  const auto given_secret = machine.variable(secret);
  if (!given_id && !given_secret) return std::nullopt;
  if (!given_secret) throw Failure(FailureKind::usage, id + " is set, and " + secret + " is not");
  if (!given_id) throw Failure(FailureKind::usage, secret + " is set, and " + id + " is not");
  Credentials made{
      .keys = {.id = sound_value(*given_id, id), .secret = sound_value(*given_secret, secret)},
      .provider = "the environment"};
  if (const auto given = machine.variable(token)) made.keys.token = sound_value(*given, token);
  if (const auto until = machine.variable(expiration)) {
    made.expires = instant_of(*until);
    if (!made.expires) throw Failure(FailureKind::usage, expiration + ": is no time");
  }
  return made;
}

std::optional<Credentials> keys_of_container(const Machine& machine) {
  const auto url = container_url(machine);
  if (!url) return std::nullopt;
  const std::string provider = "the container's agent";
  http::Request request{.url = *url};
  if (const auto token = container_token(machine))
    request.headers.emplace_back("Authorization", *token);
  return keys_in_json(ask(machine, request, provider).body, provider, "Token");
}

std::optional<Credentials> keys_of_instance(const Machine& machine) {
  if (const auto off = machine.variable("AWS_EC2_METADATA_DISABLED");
      off && in_small_letters(*off) == "true")
    return std::nullopt;
  const std::string provider = "the instance's metadata";
  const std::string url = metadata_url(machine);
  const auto token = metadata_token(machine, url);
  if (!token) return std::nullopt;
  http::Request request{.url = url + "/latest/meta-data/iam/security-credentials/",
                        .headers = {{"x-aws-ec2-metadata-token", *token}}};
  const http::Response roles = machine.send_near(request);
  // The instance has no role.
  if (roles.status == 404) return std::nullopt;
  if (roles.status != 200) fail(provider, "it answers " + std::to_string(roles.status));
  const std::string role = roles.body.substr(0, roles.body.find('\n'));
  request.url += url_encoded(sound_value(role, "the role of the instance"));
  return keys_in_json(ask(machine, request, provider).body, provider, "Token");
}

}  // namespace sluice::s3
