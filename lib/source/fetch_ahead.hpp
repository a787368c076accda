#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/exchange.hpp"
#include "http/first_part.hpp"
#include "source/http_source.hpp"

namespace sluice::source {

/// Small objects that are fetched side by side before they are opened: one request each, by
/// connections that stay. What is opened then is in memory. What cannot be had so is left out:
/// whoever opens it asks once more, and is told why.
class FetchAhead {
 public:
  /// How an object is opened; with which options it is fetched.
  explicit FetchAhead(UnpackOptions options) : options_(std::move(options)) {}

  struct Wanted {
    std::string path;
    std::optional<std::uint64_t> bytes;  ///< as a listing says
  };
  /// Forgets what there was, but for these. Blocking; on one thread at a time.
  void fetch(const std::vector<Wanted>& wanted, const std::vector<std::string>& kept);
  /// Makes fetch() return early, now and later. Any thread.
  void stop();

  /// Any thread.
  std::optional<http::FirstPart> find(const std::string& path) const;

 private:
  struct UnderWay {
    std::string path;
    std::unique_ptr<HttpSource> object;
  };

  UnderWay begin(const Wanted& wanted) const;
  void keep(const UnderWay& one);
  void forget_all_but(const std::vector<std::string>& kept);

  UnpackOptions options_;
  std::atomic<bool> stopped_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<http::Carrier> carrier_;          ///< once something is fetched
  std::map<std::string, http::FirstPart> fetched_;  ///< by path
};

/// A remote object, unread. REQUIRES: is_remote(path). Throws Failure.
std::unique_ptr<HttpSource> open_object(const std::string& path, const UnpackOptions& options,
                                        const http::FetchOptions& fetch);

}  // namespace sluice::source
