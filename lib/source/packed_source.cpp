#include "source/packed_source.hpp"

#include <algorithm>
#include <thread>

#include "decode/bzip2.hpp"
#include "decode/gzip.hpp"
#include "decode/lz4.hpp"
#include "decode/xz.hpp"
#include "decode/zstd.hpp"

namespace sluice::source {
namespace {

std::unique_ptr<decode::Decoder> decoder_of(Packing packing, const UnpackOptions& options) {
  switch (packing) {
    case Packing::gzip: return decode::gzip();
    case Packing::zstd: return decode::zstd(options.memory_max);
    case Packing::lz4: return decode::lz4();
    case Packing::xz:
      return decode::xz(options.memory_max, std::max(1U, std::thread::hardware_concurrency()));
    case Packing::bzip2: return decode::bzip2();
    case Packing::none:
    case Packing::zip:
    case Packing::tar:
    case Packing::seven_zip: break;
  }
  return nullptr;
}

}  // namespace

PackedSource::PackedSource(std::unique_ptr<Source> inner, Packing packing,
                           const UnpackOptions& options)
    : UnpackingSource(std::move(inner), options),
      packing_(packing),
      buffer_(limits::packed_read_bytes) {
  PackedSource::begin();
}

PackedSource::~PackedSource() = default;

void PackedSource::begin() {
  decoder_ = decoder_of(packing_, options());
  waiting_ = {};
  is_last_ = false;
  taken_ = 0;
  failed_.reset();
}

std::size_t PackedSource::make(char* into, std::size_t size) {
  for (;;) {
    if (waiting_.empty() && !is_last_) refill();
    if (is_stopped()) return 0;  // what is not there may still come
    const decode::Step done = step(into, size);
    memory_bytes_ = inner().memory_bytes() + buffer_.size() + decoder_->memory_bytes();
    if (done.made > 0) return done.made;
    if (done.taken > 0 || !waiting_.empty() || !is_last_) continue;
    if (decoder_->is_complete()) return 0;
    throw cut_off(name(), std::string(name_of(packing_)),
                  "at packed byte " + std::to_string(taken_));
  }
}

void PackedSource::refill() {
  const std::size_t got = inner().read(buffer_.data(), buffer_.size());
  waiting_ = {buffer_.data(), got};
  is_last_ = got < buffer_.size();
}

decode::Step PackedSource::step(char* into, std::size_t size) {
  if (failed_) throw Unreadable(*failed_);
  try {
    const decode::Step done = decoder_->step(waiting_, {into, size}, is_last_);
    if (done.taken == 0 && done.made == 0 && !waiting_.empty())
      throw decode::Defect::damaged("it does not go on behind that");
    waiting_.remove_prefix(done.taken);
    taken_ += done.taken;
    return done;
  } catch (const decode::Defect& defect) {
    failed_ = failure_of(defect);
    throw Unreadable(*failed_);
  }
}

Unreadable PackedSource::failure_of(const decode::Defect& defect) const {
  const std::string what = std::string(name_of(packing_)) + ", near packed byte " +
                           std::to_string(taken_ + defect.at()) + ": " + defect.what();
  if (defect.kind() == decode::Defect::Kind::memory)
    return {FailureKind::usage, name() + ": " + what + " (see --decode-memory)",
            "with a larger --decode-memory"};
  return damaged(name(), what);
}

/// Of what lies on the disk, where it is packed twice.
std::optional<Source::Packed> PackedSource::packed() const {
  if (const auto below = inner().packed()) return below;
  return Packed{taken_, inner().told_length()};
}

}  // namespace sluice::source
