#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/limits.hpp"

namespace sluice::source {

/// The first bytes of what comes once, so that they can be read twice: limits::stream_kept_bytes.
class KeptBeginning {
 public:
  /// As Source::read(); `read_on` is that of what comes once.
  template <class ReadOn>
  std::size_t read(char* into, std::size_t size, const ReadOn& read_on) {
    const std::size_t kept =
        at_ < bytes_.size() ? std::min<std::size_t>(size, bytes_.size() - at_) : 0;
    if (kept > 0) std::memcpy(into, bytes_.data() + at_, kept);
    const std::size_t got = kept < size ? read_on(into + kept, size - kept) : 0;
    if (bytes_.size() == read_ && read_ < limits::stream_kept_bytes) {
      const std::size_t more = std::min<std::size_t>(got, limits::stream_kept_bytes - read_);
      bytes_.append(into + kept, more);
    }
    read_ += got;
    at_ += kept + got;
    return kept + got;
  }

  /// False for what is not kept, and where more has been read than is.
  bool seek(std::uint64_t offset) {
    if (offset > bytes_.size() || read_ > bytes_.size()) return false;
    at_ = offset;
    return true;
  }

 private:
  std::string bytes_;
  std::uint64_t read_ = 0;  ///< of what comes once
  std::uint64_t at_ = 0;    ///< where the next read() begins
};

}  // namespace sluice::source
