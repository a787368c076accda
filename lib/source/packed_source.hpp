#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "decode/decoder.hpp"
#include "source/packing.hpp"
#include "source/unpacking_source.hpp"

namespace sluice::source {

/// What a packed stream of bytes unpacks to.
class PackedSource final : public UnpackingSource {
 public:
  /// REQUIRES: `packing` is a stream's, not an archive's.
  PackedSource(std::unique_ptr<Source> inner, Packing packing, const UnpackOptions& options);
  ~PackedSource() override;

  std::optional<Packed> packed() const override;
  std::size_t memory_bytes() const override { return memory_bytes_; }

 private:
  void begin() override;
  std::size_t make(char* into, std::size_t size) override;
  void refill();
  decode::Step step(char* into, std::size_t size);
  Unreadable failure_of(const decode::Defect& defect) const;

  Packing packing_;
  std::unique_ptr<decode::Decoder> decoder_;
  std::vector<char> buffer_;
  std::string_view waiting_;          ///< bytes in the buffer that the decoder has not taken
  bool is_last_ = false;              ///< nothing comes behind them
  std::optional<Unreadable> failed_;  ///< a decoder that has failed is not asked again
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<std::size_t> memory_bytes_ = 0;
};

}  // namespace sluice::source
