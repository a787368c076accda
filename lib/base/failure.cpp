#include "base/failure.hpp"

#include <system_error>

namespace sluice {
namespace {

std::string without_zeros(const std::string& message) {
  std::string text;
  for (const char c : message) {
    if (c == '\0') {
      text += "\\x00";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

Failure::Failure(FailureKind kind, const std::string& problem, const std::string& advice)
    : std::runtime_error(without_zeros(advice.empty() ? problem : problem + "\n  " + advice)),
      kind_(kind),
      problem_(without_zeros(problem)),
      advice_(without_zeros(advice)) {}

std::string errno_message(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace sluice
