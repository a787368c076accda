#pragma once

#include <string>

#include "s3/credentials.hpp"
#include "s3/machine.hpp"

/// Keys for a time, from AWS's Security Token Service.
namespace sluice::s3 {

struct Role {
  std::string arn;
  std::string session;      ///< what logs call this one
  std::string external_id;  ///< empty without
  std::string seconds;      ///< how long the keys are to hold; empty for the service's own default
};

/// AssumeRoleWithWebIdentity: the token says who asks, so that nothing is signed. Throws Failure.
Credentials keys_for_token(const Machine& machine, const std::string& region, const Role& role,
                           const std::string& token);

/// AssumeRole, by other keys. Throws Failure.
Credentials keys_for_keys(const Machine& machine, const std::string& region, const Role& role,
                          const Keys& keys);

}  // namespace sluice::s3
