#pragma once

#include <string>

#include "http/answer.hpp"
#include "http/request.hpp"

namespace sluice::s3 {

/// A header of a request, "none" without one.
inline std::string header_of(const http::Request& request, const std::string& name) {
  return http::Response{.headers = request.headers}.header(name).value_or("none");
}

}  // namespace sluice::s3
