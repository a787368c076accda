#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "http/request.hpp"
#include "s3/bucket.hpp"

namespace sluice::s3 {

struct Object {
  std::string key;
  std::uint64_t bytes = 0;
  std::string etag;  ///< with its quotes; empty where the server gives none

  bool operator==(const Object&) const = default;
};

/// One page of an answer to ListObjectsV2.
struct Page {
  std::vector<Object> objects;
  std::string next;  ///< the token that the next page is asked for by; empty behind the last one
};

/// Throws Failure, with `what` in front, for what is no such answer, whole and sound.
Page page_of(const std::string& body, const std::string& what);

/// What the listings of a command have kept, which is bounded all together.
struct Kept {
  std::size_t objects = 0;
  std::size_t bytes = 0;  ///< of their keys and ETags
};

/// Told for people what of a listing is left out.
using Say = std::function<void(const std::string& text)>;

/// The objects of a bucket whose keys match a pattern, in the order of their bytes. Keys of zero
/// bytes that end with a slash stand for folders, and are none. All pages are asked for, from what
/// is literal at the pattern's beginning. `send` tries again what passes by itself. Keys that are
/// longer than S3 has any are left out. Throws Failure.
std::vector<Object> list(Bucket& bucket, const Address& address, const http::Send& send, Kept& kept,
                         const Say& say = {});

}  // namespace sluice::s3
