#include "s3/sts.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/printable.hpp"
#include "s3/address.hpp"
#include "s3/error_answer.hpp"
#include "s3/providers.hpp"
#include "s3/url_text.hpp"
#include "s3/xml.hpp"

namespace sluice::s3 {
namespace {

using Form = std::vector<std::pair<std::string, std::string>>;

constexpr const char* global_region = "us-east-1";

std::string url_of(const Machine& machine, const std::string& region) {
  for (const char* const name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"})
    if (const auto url = machine.variable(name)) return *url;
  if (region.empty()) return "https://sts.amazonaws.com/";
  return fmt::format("https://sts.{}.{}/", region, amazon_domain(region));
}

http::Request request_of(const Machine& machine, const std::string& region, const Form& form) {
  http::Request request{.method = "POST", .url = url_of(machine, region)};
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  for (const auto& [name, value] : form) {
    if (value.empty()) continue;
    fmt::format_to(std::back_inserter(request.body), "{}{}={}", request.body.empty() ? "" : "&",
                   name, url_encoded(value));
  }
  return request;
}

Form form_of(const std::string& action, const Role& role) {
  return {{"Action", action},
          {"Version", "2011-06-15"},
          {"RoleArn", role.arn},
          {"RoleSessionName", role.session},
          {"ExternalId", role.external_id},
          {"DurationSeconds", role.seconds}};
}

Credentials keys_in_answer(const http::Response& response, const std::string& what,
                           const std::vector<std::string>& secrets) {
  if (response.status != 200) throw failure_of(error_answer(response, secrets), what);
  Credentials made;
  std::string until;
  read_xml(response.body, what, [&made, &until](const XmlElement& element) {
    if (element.path.size() < 2 || element.path[element.path.size() - 2] != "Credentials") return;
    if (element.path.back() == "AccessKeyId") made.keys.id = element.text;
    if (element.path.back() == "SecretAccessKey") made.keys.secret = element.text;
    if (element.path.back() == "SessionToken") made.keys.token = element.text;
    if (element.path.back() == "Expiration") until = element.text;
  });
  const auto sound = [&what](const std::string& value, const char* name) {
    return sound_value(value, what + ": " + name, FailureKind::failed);
  };
  made.keys.id = sound(made.keys.id, "AccessKeyId");
  made.keys.secret = sound(made.keys.secret, "SecretAccessKey");
  made.keys.token = sound(made.keys.token, "SessionToken");
  made.expires = instant_of(until);
  if (!made.expires) throw Failure(FailureKind::failed, what + ": its Expiration is no time");
  return made;
}

std::string what_of(const Role& role) { return "keys for S3: role " + printable_line(role.arn); }

}  // namespace

Credentials keys_for_token(const Machine& machine, const std::string& region, const Role& role,
                           const std::string& token) {
  Form form = form_of("AssumeRoleWithWebIdentity", role);
  form.emplace_back("WebIdentityToken", token);
  const http::Response response = machine.send(request_of(machine, region, form));
  return keys_in_answer(response, what_of(role), {token});
}

Credentials keys_for_keys(const Machine& machine, const std::string& region, const Role& role,
                          const Keys& keys) {
  const Scope scope{.region = region.empty() ? global_region : region, .service = "sts"};
  const http::Request request = request_of(machine, region, form_of("AssumeRole", role));
  const http::Response response = machine.send(sign(request, keys, scope, machine.now()));
  return keys_in_answer(response, what_of(role), {keys.id, keys.secret, keys.token});
}

}  // namespace sluice::s3
