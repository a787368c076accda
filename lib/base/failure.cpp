#include "base/failure.hpp"

#include <system_error>

namespace sluice {

std::string errno_message(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace sluice
