#include <algorithm>
#include <array>

#include "base/failure.hpp"
#include "base/printable.hpp"
#include "s3/providers.hpp"
#include "s3/sts.hpp"

namespace sluice::s3 {
namespace {

/// A role that needs a role that needs a role ...
constexpr std::size_t roles_max = 8;

std::string value_in(const Profile& profile, const std::string& name) {
  const auto at = profile.find(name);
  return at == profile.end() ? "" : at->second;
}

std::string path_of(const Machine& machine, const std::string& variable, const std::string& usual) {
  const std::string home = machine.variable("HOME").value_or("");
  const auto named = machine.variable(variable);
  if (!named) return home.empty() ? "" : home + usual;
  return named->starts_with("~/") && !home.empty() ? home + named->substr(1) : *named;
}

std::string text_of(const Machine& machine, const std::string& path) {
  return path.empty() ? "" : machine.file(path).value_or("");
}

Role role_of(const Profile& profile) {
  const std::string session = value_in(profile, "role_session_name");
  return {.arn = value_in(profile, "role_arn"),
          .session = session.empty() ? "pgsluice" : session,
          .external_id = value_in(profile, "external_id"),
          .seconds = value_in(profile, "duration_seconds")};
}

Credentials keys_by_token_file(const Machine& machine, const std::string& region, const Role& role,
                               const std::string& path) {
  const auto token = machine.file(path);
  if (!token)
    throw Failure(FailureKind::usage, "keys for S3: the token of the web identity, " +
                                          printable_line(path) + ": is not there");
  const std::string sound =
      sound_value(*token, "keys for S3: the token in " + printable_line(path));
  return keys_for_token(machine, region, role, sound);
}

/// One walk through profiles that name each other.
class Walk {
 public:
  Walk(const Machine& machine, const KeyOptions& options)
      : machine_(machine), options_(options), profiles_(profiles_of(machine)) {}

  std::optional<Credentials> keys_of(const std::string& name, bool must_be_there) {
    const Profile* const profile = profiles_.find(name);
    if (profile == nullptr && must_be_there) fail(name, "there is no such profile");
    if (profile == nullptr) return std::nullopt;
    const bool is_source = !walked_.empty() && walked_.back() == name;
    if (!is_source && !value_in(*profile, "role_arn").empty()) return keys_of_role(name, *profile);
    if (!value_in(*profile, "aws_access_key_id").empty()) return written_keys(name, *profile);
    if (const std::string command = value_in(*profile, "credential_process"); !command.empty())
      return keys_of_command(name, command);
    refuse_sessions(name, *profile);
    return std::nullopt;
  }

 private:
  [[noreturn]] static void fail(const std::string& name, const std::string& problem,
                                const std::string& advice = "") {
    throw Failure(FailureKind::usage,
                  "keys for S3: profile " + printable_line(name) + ": " + problem, advice);
  }

  static Credentials written_keys(const std::string& name, const Profile& profile) {
    const std::string what = "keys for S3: profile " + printable_line(name) + ": ";
    const auto sound = [&](const std::string& key) {
      if (value_in(profile, key).empty()) fail(name, "has a key's id, and no " + key);
      return sound_value(value_in(profile, key), what + key);
    };
    Credentials made{
        .keys = {.id = sound("aws_access_key_id"), .secret = sound("aws_secret_access_key")}};
    if (!value_in(profile, "aws_session_token").empty())
      made.keys.token = sound("aws_session_token");
    made.provider = "profile " + name;
    return made;
  }

  Credentials keys_of_command(const std::string& name, const std::string& command) const {
    const std::string provider = "credential_process of profile " + name;
    const std::vector<std::string> words = words_of(command, "keys for S3: " + provider);
    if (words.empty()) fail(name, "credential_process: is empty");
    try {
      return keys_in_json(machine_.run(words), provider, "SessionToken");
    } catch (const Failure& failure) {
      if (failure.problem().starts_with("keys for S3")) throw;
      throw Failure(failure.kind(), "keys for S3: " + provider + ": " + failure.problem());
    }
  }

  /// What AWS's own program logs in to.
  static void refuse_sessions(const std::string& name, const Profile& profile) {
    static constexpr std::array sessions{"sso_session", "sso_start_url", "login_session"};
    const bool has_one = std::ranges::any_of(
        sessions, [&](const char* key) { return !value_in(profile, key).empty(); });
    if (!has_one) return;
    fail(name, "logs in by SSO, which pgsluice does not",
         "The AWS CLI hands its keys on: put  credential_process = aws configure "
         "export-credentials --profile " +
             printable_line(name) + "  into another profile, and name that one.");
  }

  Credentials keys_of_role(const std::string& name, const Profile& profile) {
    if (std::ranges::find(walked_, name) != walked_.end() || walked_.size() == roles_max)
      fail(name, "its source_profile leads back to it, or too far");
    walked_.push_back(name);
    if (!value_in(profile, "mfa_serial").empty())
      fail(name, "its role asks for a code (mfa_serial), which pgsluice cannot ask for",
           "Use credential_process, or a profile without.");
    const Role role = role_of(profile);
    const std::string token_file = value_in(profile, "web_identity_token_file");
    const std::string kind = value_in(profile, "credential_source");
    if (!token_file.empty() || kind == "EcsContainer" || kind == "Ec2InstanceMetadata")
      require_meant(name);
    Credentials made =
        token_file.empty()
            ? keys_for_keys(machine_, options_.region, role, source_of(name, profile).keys)
            : keys_by_token_file(machine_, options_.region, role, token_file);
    made.provider = "the role of profile " + name;
    return made;
  }

  /// What Amazon hands out to this machine goes to other servers only where the command says so.
  void require_meant(const std::string& name) const {
    if (!options_.only_given || !options_.profile.empty()) return;
    fail(name,
         "its role is one that AWS hands out to this machine, and the endpoint is not Amazon's S3 "
         "by https",
         "--s3-profile names the profile whose keys are for that server.");
  }

  Credentials source_of(const std::string& name, const Profile& profile) {
    const std::string source = value_in(profile, "source_profile");
    const std::string kind = value_in(profile, "credential_source");
    std::optional<Credentials> found;
    if (!source.empty()) {
      found = keys_of(source, true);
    } else if (kind == "Environment") {
      found = keys_of_environment(machine_);
    } else if (kind == "EcsContainer") {
      found = keys_of_container(machine_);
    } else if (kind == "Ec2InstanceMetadata") {
      found = keys_of_instance(machine_);
    } else {
      fail(name,
           "has a role_arn, and no source_profile, credential_source or "
           "web_identity_token_file");
    }
    if (!found) fail(name, "the source of its role has no keys");
    return *found;
  }

  const Machine& machine_;
  const KeyOptions& options_;
  Profiles profiles_;
  std::vector<std::string> walked_;  ///< whose roles are asked for
};

bool is_named(const Machine& machine, const std::string& given) {
  return !given.empty() || machine.variable("AWS_PROFILE") ||
         machine.variable("AWS_DEFAULT_PROFILE");
}

}  // namespace

std::optional<Credentials> keys_by_web_identity(const Machine& machine, const std::string& region) {
  const auto path = machine.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  const auto arn = machine.variable("AWS_ROLE_ARN");
  if (!path || !arn) return std::nullopt;
  const Role role{.arn = *arn,
                  .session = machine.variable("AWS_ROLE_SESSION_NAME").value_or("pgsluice")};
  Credentials made = keys_by_token_file(machine, region, role, *path);
  made.provider = "the web identity";
  return made;
}

Profiles profiles_of(const Machine& machine) {
  const std::string credentials =
      path_of(machine, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  const std::string config = path_of(machine, "AWS_CONFIG_FILE", "/.aws/config");
  return {text_of(machine, credentials), text_of(machine, config)};
}

std::string profile_name(const Machine& machine, const std::string& given) {
  if (!given.empty()) return given;
  if (const auto named = machine.variable("AWS_PROFILE")) return *named;
  return machine.variable("AWS_DEFAULT_PROFILE").value_or("default");
}

Profile chosen_profile(const Machine& machine, const std::string& given) {
  const std::string name = profile_name(machine, given);
  const Profiles profiles = profiles_of(machine);
  if (const Profile* const found = profiles.find(name)) return *found;
  if (!is_named(machine, given)) return {};
  throw Failure(FailureKind::usage, "profile " + printable_line(name) +
                                        ": is neither in ~/.aws/config nor in ~/.aws/credentials");
}

std::optional<Credentials> keys_of_profile(const Machine& machine, const KeyOptions& options) {
  Walk walk(machine, options);
  return walk.keys_of(profile_name(machine, options.profile), is_named(machine, options.profile));
}

}  // namespace sluice::s3
