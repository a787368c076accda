#include "http/library.hpp"

#include "base/failure.hpp"
#include "http/curl.hpp"

namespace sluice::http {

std::string library() {
  try {
    return std::string("libcurl ") + curl().version_info(CURLVERSION_NOW)->version;
  } catch (const Failure&) {
    return "no libcurl";
  }
}

}  // namespace sluice::http
