#include "http/request.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::http {
namespace {

bool is_same_name(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); };
  return std::ranges::equal(one, other, {}, lower, lower);
}

}  // namespace

std::optional<std::string> Response::header(const std::string& name) const {
  for (const auto& [called, value] : headers)
    if (is_same_name(called, name)) return value;
  return std::nullopt;
}

}  // namespace sluice::http
