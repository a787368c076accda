#include "s3/paging.hpp"

#include <algorithm>
#include <functional>

#include "s3/digest.hpp"

namespace sluice::s3 {
namespace {

/// Eight bytes each. Who sorts nothing and has more of them is not followed.
constexpr std::size_t keys_known_max = 4'000'000;

}  // namespace

std::string Paging::take(const Page& page) {
  if (!gets_on(page)) return "goes round in a circle: a page has no key that is new";
  if (!page.next.empty() && !tokens_.insert(sha256(page.next)).second)
    return "goes round in a circle: a page names one that was there before";
  return "";
}

/// S3 has pages without a key too.
bool Paging::gets_on(const Page& page) {
  if (page.objects.empty()) return true;
  const std::string& greatest = std::ranges::max_element(page.objects, {}, &Object::key)->key;
  bool is_new = is_first_ || greatest > last_key_;
  const std::hash<std::string> hash;
  if (!is_new) keys_.insert(hashes_.begin(), hashes_.end());
  const bool knows_all = hashes_.size() < keys_known_max;
  for (const Object& object : page.objects) {
    const std::uint64_t key = hash(object.key);
    if (!is_new && knows_all) is_new = !keys_.contains(key);
    if (hashes_.size() < keys_known_max) hashes_.push_back(key);
  }
  if (is_first_ || greatest > last_key_) last_key_ = greatest;
  is_first_ = false;
  return is_new;
}

}  // namespace sluice::s3
