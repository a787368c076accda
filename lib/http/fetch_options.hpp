#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/limits.hpp"
#include "http/request.hpp"

namespace sluice::http {

/// How objects are fetched.
struct FetchOptions {
  std::size_t jobs = limits::fetch_jobs_default;  ///< parts of one object that are under way
  std::size_t part_bytes = limits::part_bytes_default;
  std::size_t objects = limits::objects_at_once_default;  ///< small ones that are under way
  std::chrono::milliseconds retry_for = limits::retry_for_default;
  std::chrono::milliseconds stall_max = limits::fetch_stall_max;
  /// Told once for each object that requests for it are sent again, and why.
  std::function<void(const std::string& why)> on_retry = {};
  std::string ca_file;  ///< the authorities that are trusted; empty: the system's
  Headers headers;      ///< for the server that the URL names, and no other one
  /// The whole URLs, with what is secret, by what is shown of them: nobody who handles the path of
  /// a source can tell a secret of it.
  std::shared_ptr<std::map<std::string, std::string>> urls =
      std::make_shared<std::map<std::string, std::string>>();
};

}  // namespace sluice::http
