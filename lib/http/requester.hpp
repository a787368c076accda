#pragma once

#include <string>

#include "base/failure.hpp"
#include "http/request.hpp"

namespace sluice::http {

/// Makes the requests for one object, where they are more than a URL: each is signed when it is
/// sent. No redirect of theirs is followed. Blocking; one call at a time.
class Requester {
 public:
  virtual ~Requester() = default;

  /// A GET with these headers, to be sent now. Throws Failure where it cannot be signed.
  virtual Request get(Headers headers) = 0;

  enum class Next {
    now,   ///< what is made now is another request, and may succeed
    late,  ///< the same may be answered otherwise later
    none,
  };
  /// After an answer that is no object. Throws Failure.
  virtual Next next(const Request& sent, const Response& answer) = 0;
  /// What such an answer means for people, with the object's name.
  virtual Failure failure(const Response& answer) const = 0;
  /// What to do where the server's name means no address; empty where nothing is known of that.
  virtual std::string advice_on_unknown_host() const { return {}; }

  /// Of the object, without secrets.
  virtual const std::string& name() const = 0;
};

}  // namespace sluice::http
