#include "http/library.hpp"

#include <curl/curl.h>

namespace sluice::http {

std::string library() {
  return std::string("libcurl ") + curl_version_info(CURLVERSION_NOW)->version;
}

}  // namespace sluice::http
