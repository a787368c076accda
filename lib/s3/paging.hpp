#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "s3/listing.hpp"

namespace sluice::s3 {

/// Whether a listing gets on: a server may hand out pages without end. Those of S3 are in the order
/// of their keys; there are servers that sort nothing, and each page of theirs has a new key.
class Paging {
 public:
  /// What is wrong with this page, behind all that were taken; empty where nothing is.
  std::string take(const Page& page);

 private:
  bool gets_on(const Page& page);

  std::set<std::string> tokens_;  ///< digests: they may be long
  std::string last_key_;
  std::vector<std::uint64_t> hashes_;       ///< of all keys, so far as there is room
  std::unordered_set<std::uint64_t> keys_;  ///< the same, once somebody has asked
  bool is_first_ = true;
};

}  // namespace sluice::s3
