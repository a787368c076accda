#include "source/fetch_ahead.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "source/buckets.hpp"
#include "source/remote.hpp"

namespace sluice::source {
namespace {
constexpr std::chrono::milliseconds look_every{250};
}

std::unique_ptr<HttpSource> open_object(const std::string& path, const UnpackOptions& options,
                                        const http::FetchOptions& fetch) {
  if (!is_in_bucket(path)) return std::make_unique<HttpSource>(path, fetch);
  if (options.buckets) return options.buckets->open(path, fetch);
  return Buckets({}).open(path, fetch);
}

/// Of what takes several tries the load says so.
FetchAhead::UnderWay FetchAhead::begin(const Wanted& wanted) const {
  http::FetchOptions fetch = options_.fetch ? *options_.fetch : http::FetchOptions();
  fetch.jobs = 1;
  fetch.retry_for = {};
  fetch.on_retry = {};
  fetch.part_bytes = wanted.bytes ? std::max<std::size_t>(*wanted.bytes, 1)
                                  : std::min(fetch.part_bytes, limits::first_chunk_bytes);
  UnderWay one{wanted.path, open_object(wanted.path, options_, fetch)};
  one.object->share(carrier_);
  return one;
}

void FetchAhead::keep(const UnderWay& one) {
  const std::optional<http::FirstPart> all = one.object->all_in_first_part();
  if (!all) return;
  const std::lock_guard lock(mutex_);
  fetched_.insert_or_assign(one.path, *all);
}

void FetchAhead::forget_all_but(const std::vector<std::string>& kept) {
  const std::lock_guard lock(mutex_);
  if (!carrier_) carrier_ = std::make_shared<http::Carrier>();
  std::erase_if(fetched_, [&kept](const auto& one) {
    return std::ranges::find(kept, one.first) == kept.end();
  });
}

void FetchAhead::fetch(const std::vector<Wanted>& wanted, const std::vector<std::string>& kept) {
  forget_all_but(kept);
  const std::size_t most =
      options_.fetch ? options_.fetch->objects : limits::objects_at_once_default;
  std::deque<UnderWay> under_way;
  std::size_t next = 0;
  const auto has_ended = [this](UnderWay& one) {
    if (!one.object->advance()) return false;
    keep(one);
    return true;
  };
  while (!stopped_ && (next < wanted.size() || !under_way.empty())) {
    try {
      while (next < wanted.size() && under_way.size() < most)
        under_way.push_back(begin(wanted[next++]));
    } catch (const Failure&) {
      continue;
    }
    if (std::erase_if(under_way, has_ended) == 0) carrier_->wait(look_every);
  }
}

void FetchAhead::stop() {
  stopped_ = true;
  const std::lock_guard lock(mutex_);
  if (carrier_) carrier_->wake();
}

std::optional<http::FirstPart> FetchAhead::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto at = fetched_.find(path);
  return at == fetched_.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace sluice::source
