#include "base/position.hpp"

namespace sluice {

std::string at(std::string_view source_name, std::uint64_t line) {
  return std::string(source_name) + ":" + std::to_string(line);
}

}  // namespace sluice
