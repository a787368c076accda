#pragma once

#include <string>
#include <utility>

#include "base/failure.hpp"
#include "base/names.hpp"

namespace sluice::source {

/// A source cannot be read on as it is, or with what is allowed. What to do about it depends on
/// what has become of its records, which a source does not know.
class Unreadable : public Failure {
 public:
  enum class Why {
    limited,  ///< it takes more than is allowed, or says not what of it is meant
    cut_off,  ///< what is packed ends before it should
    damaged,  ///< ... is not what a packer has written
  };

  friend constexpr auto names_of(Why) {
    return std::array{Named{Why::limited, "limited"}, Named{Why::cut_off, "cut_off"},
                      Named{Why::damaged, "damaged"}};
  }

  Unreadable(FailureKind kind, const std::string& problem, std::string goes_on_with,
             Why why = Why::limited)
      : Failure(kind, problem), goes_on_with_(std::move(goes_on_with)), why_(why) {}

  /// What must be another way so that the same command goes on: "with a larger --max-bytes".
  const std::string& goes_on_with() const noexcept { return goes_on_with_; }
  Why why() const noexcept { return why_; }

 private:
  std::string goes_on_with_;
  Why why_;
};

}  // namespace sluice::source
