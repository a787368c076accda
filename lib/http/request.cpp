#include "http/request.hpp"

#include <algorithm>
#include <string_view>

#include "base/ascii.hpp"

namespace sluice::http {
namespace {

bool is_same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, ascii_lower, ascii_lower);
}

}  // namespace

std::optional<std::string> Response::header(const std::string& name) const {
  for (const auto& [called, value] : headers)
    if (is_same_name(called, name)) return value;
  return std::nullopt;
}

}  // namespace sluice::http
