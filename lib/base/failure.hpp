#pragma once

#include <stdexcept>
#include <string>

namespace sluice {

/// Why a command ends without success. The command line maps each kind to one exit code.
enum class FailureKind {
  failed,       ///< anything without a kind of its own
  usage,        ///< wrong flags or configuration
  denied,       ///< a right is missing, which somebody may grant
  connect,      ///< cannot connect or authenticate
  bad_record,   ///< a record was refused and there is no budget for rejects
  budget,       ///< more records were refused than the budget allows
  held,         ///< another run holds the same load
  changed,      ///< the source differs from what was loaded before
  interrupted,  ///< a signal; the load can be resumed
};

/// A command cannot go on.
class Failure : public std::runtime_error {
 public:
  /// `problem` says what, where, and (where a few words do) which flag changes it; `advice`, which
  /// may be empty, what to do about it at a terminal, in sentences. what() is both, for people: the
  /// advice on lines of its own. A byte 0, which would end what() for most readers, is written out.
  Failure(FailureKind kind, const std::string& problem, const std::string& advice = "");

  FailureKind kind() const noexcept { return kind_; }
  const std::string& problem() const noexcept { return problem_; }
  const std::string& advice() const noexcept { return advice_; }

 private:
  FailureKind kind_;
  std::string problem_;
  std::string advice_;
};

/// The message of an errno value, as strerror gives it, safe with threads.
std::string errno_message(int error_number);

}  // namespace sluice
