#pragma once

#include <string>
#include <vector>

#include "base/failure.hpp"
#include "http/request.hpp"

namespace sluice::s3 {

/// An answer that is no success.
struct ErrorAnswer {
  int status = 0;
  std::string code;     ///< "NoSuchKey"; empty where the body does not say
  std::string message;  ///< for people, in one line
  std::string region;   ///< where the bucket is, if the answer says so and it is a region's name
  /// The same again may succeed: too many requests, a server in trouble.
  bool is_passing = false;
  /// The keys are too old, or were taken back: new ones may do.
  bool are_keys_old = false;
};

/// Reads any answer; a body that is no <Error> adds nothing. What is one of `secrets` is left out
/// of the message, and so is what looks like a signature.
ErrorAnswer error_answer(const http::Response& response, const std::vector<std::string>& secrets);

/// "AccessDenied: Access Denied (403)".
std::string line_of(const ErrorAnswer& error);

/// `what` in front. A name that is not there is the command's mistake (usage), another version of
/// an object has `changed`.
Failure failure_of(const ErrorAnswer& error, const std::string& what);

/// Whether a text may be the name of a region, which goes into names of hosts.
bool is_region(const std::string& text);

}  // namespace sluice::s3
