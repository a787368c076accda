#include "source/starts.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/hex.hpp"
#include "base/limits.hpp"
#include "source/fingerprint.hpp"

namespace sluice::source {
namespace {

constexpr std::size_t digits_kept = 4;

/// The distance of the lengths around this one.
std::size_t step_at(std::size_t length) {
  const auto width = static_cast<std::size_t>(std::bit_width(length));
  return width > digits_kept ? std::size_t{1} << (width - digits_kept) : 1;
}

}  // namespace

std::string start_of(std::string_view beginning) {
  const std::size_t size = beginning.size();
  if (size == 0 || size >= limits::fingerprint_bytes) return {};
  return head_digest(beginning.substr(0, size - size % step_at(size)));
}

/// What a longer start has more is digested behind the shorter one.
std::vector<ContentStart> starts_of(std::string_view beginning) {
  std::vector<ContentStart> starts;
  const std::size_t end = std::min(beginning.size(), limits::fingerprint_bytes - 1);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  std::size_t digested = 0;
  for (std::size_t size = 1; size <= end; size += step_at(size)) {
    XXH3_128bits_update(state.get(), beginning.data() + digested, size - digested);
    digested = size;
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state.get()));
    ContentStart& start = starts.emplace_back();
    start.shortest = size;
    start.behind = size + step_at(size);
    write_hex({reinterpret_cast<const char*>(bytes.digest), sizeof bytes.digest},
              start.digits.data());
  }
  return starts;
}

std::optional<std::string> fingerprint_of_first(Source& source, std::string_view beginning,
                                                std::uint64_t length, std::string_view mark) {
  std::string first(mark);
  first += beginning.substr(0, std::min<std::uint64_t>(length, beginning.size()));
  first.resize(std::min(first.size(), limits::fingerprint_bytes));
  const std::uint64_t last = std::min<std::uint64_t>(length, limits::fingerprint_bytes);
  std::string end(last, '\0');
  if (!source.seek(length - last) || source.read(end.data(), last) != last) return std::nullopt;
  if (last == length) end.insert(0, mark);
  end.erase(0, end.size() - std::min(end.size(), limits::fingerprint_bytes));
  return head_digest(std::to_string(length + mark.size()) + "\n" + first + end);
}

}  // namespace sluice::source
