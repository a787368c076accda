#pragma once

#include <chrono>
#include <string>

#include "http/request.hpp"

namespace sluice::s3 {

/// What a request is signed with. None of it is ever shown.
struct Keys {
  std::string id;
  std::string secret;
  std::string token;  ///< of keys for a time; empty for others

  bool operator==(const Keys&) const = default;
};

/// What a signature holds for.
struct Scope {
  std::string region;
  std::string service = "s3";
};

/// The request with a Signature Version 4 in its headers (Authorization, x-amz-date,
/// x-amz-security-token, and for S3 x-amz-content-sha256), in place of an older one. Signed is what
/// it has of headers but for those that stand between it and the server may change. Its URL must be
/// sent as it stands there, dots in the path included, and no other Host than the URL's.
/// (AWS: "Authenticating Requests: Using the Authorization Header", "Create a signed AWS API
/// request". S3 signs the path encoded once and as it is, other services without dots and double
/// slashes, and what is encoded in it a second time.)
http::Request sign(http::Request request, const Keys& keys, const Scope& scope,
                   std::chrono::sys_seconds now);

/// What a request that was signed here says of that; all empty for one that was not.
struct SignedBy {
  std::string id;
  std::string token;
  std::string region;
};
SignedBy signed_by(const http::Request& request);

}  // namespace sluice::s3
