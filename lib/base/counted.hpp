#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// "1 slot", "2 slots".
inline std::string counted(std::uint64_t count, std::string_view what) {
  std::string text = std::to_string(count) + " ";
  text += what;
  if (count != 1) text += 's';
  return text;
}

}  // namespace sluice
