#include "http/request.hpp"

#include <algorithm>

namespace sluice::http {
namespace {

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

bool is_same_name(const std::string& one, const std::string& other) {
  return std::ranges::equal(one, other, {}, lower, lower);
}

}  // namespace

std::optional<std::string> Response::header(const std::string& name) const {
  for (const auto& [each, value] : headers)
    if (is_same_name(each, name)) return value;
  return std::nullopt;
}

}  // namespace sluice::http
