#include "script/near_miss.hpp"

#include <algorithm>
#include <string>

namespace sluice::script {

bool looks_like_script(std::string_view file) {
  if (file.starts_with(".")) return false;
  std::string small;
  for (const char c : file) small += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (small.contains(".sql")) return true;
  std::string_view stem = small;
  const bool has_prefix = std::string_view("vrsu").contains(stem.empty() ? ' ' : stem[0]);
  if (has_prefix) stem.remove_prefix(1);
  const std::size_t size = std::min(stem.find_first_not_of("0123456789._"), stem.size());
  const std::string_view number = stem.substr(0, size);
  if (has_prefix) return number.ends_with("__");
  return number.size() > 1 && std::string_view("0123456789").contains(number[0]) &&
         number.ends_with("_");
}

}  // namespace sluice::script
