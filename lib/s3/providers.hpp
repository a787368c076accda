#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "s3/credentials.hpp"
#include "s3/machine.hpp"
#include "s3/profiles.hpp"

/// Who hands out keys. Each returns nullopt where it is not configured, and throws Failure where it
/// is and has none to give. No message has a value of a key, a token or a file.
namespace sluice::s3 {

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION.
std::optional<Credentials> keys_of_environment(const Machine& machine);

/// AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by STS.
std::optional<Credentials> keys_by_web_identity(const Machine& machine, const std::string& region);

/// The profile `options.profile`, AWS_PROFILE or "default".
std::optional<Credentials> keys_of_profile(const Machine& machine, const KeyOptions& options);

/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (ECS) and AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS).
std::optional<Credentials> keys_of_container(const Machine& machine);

/// The instance's metadata (IMDSv2). Where nothing answers there is no instance.
std::optional<Credentials> keys_of_instance(const Machine& machine);

/// Both files, as the environment names them.
Profiles profiles_of(const Machine& machine);

/// --s3-profile, AWS_PROFILE or "default".
std::string profile_name(const Machine& machine, const std::string& given);

/// The profile that holds. Throws Failure{usage} for one that is named and not there.
Profile chosen_profile(const Machine& machine, const std::string& given);

/// `value`, as it may stand in a header: blanks and newlines at its end are gone. Throws Failure
/// for one with others in it, or an empty one. `what` names it.
std::string sound_value(std::string value, const std::string& what,
                        FailureKind kind = FailureKind::usage);

/// What container, instance and programs hand out in JSON. `token` is what the session token is
/// called there.
Credentials keys_in_json(const std::string& json, const std::string& provider,
                         const std::string& token);

/// "2026-01-02T03:04:05Z", with parts of a second or an offset (+01:00) or without; nullopt for
/// what is none.
std::optional<std::chrono::sys_seconds> instant_of(std::string_view text);

}  // namespace sluice::s3
