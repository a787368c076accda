#pragma once

#include <string>
#include <utility>

#include "base/failure.hpp"

namespace sluice::source {

/// A source cannot be read on as it is, or with what is allowed.
class Unreadable : public Failure {
 public:
  Unreadable(FailureKind kind, const std::string& problem, const std::string& advice,
             std::string goes_on_with)
      : Failure(kind, problem, advice), goes_on_with_(std::move(goes_on_with)) {}

  /// What must be another way so that the same command goes on: "with a larger --max-bytes".
  const std::string& goes_on_with() const noexcept { return goes_on_with_; }

 private:
  std::string goes_on_with_;
};

}  // namespace sluice::source
