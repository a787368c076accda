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

Failure::Failure(FailureKind kind, const std::string& message)
    : std::runtime_error(message.contains('\0') ? without_zeros(message) : message), kind_(kind) {}

std::string errno_message(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace sluice
