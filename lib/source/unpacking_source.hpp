#pragma once

#include <atomic>
#include <memory>

#include "base/failure.hpp"
#include "source/source.hpp"
#include "source/unreadable.hpp"

namespace sluice::source {

/// A source whose bytes are made out of another one's, front to back. Its
/// length is not known; its stamp, file and names are the other one's.
///
/// A read ends short only behind the end of all of it, once that was found to
/// be whole. Where it is not, the read throws: what comes before is never taken
/// for the whole.
class UnpackingSource : public Source {
 public:
  UnpackingSource(std::unique_ptr<Source> inner, UnpackOptions options)
      : inner_(std::move(inner)), options_(std::move(options)) {}

  std::size_t read(char* into, std::size_t size) final { return read_by_parts(into, size); }
  std::size_t read_some(char* into, std::size_t size) final;
  /// Kept, so that a block need not be unpacked twice, nor its stream be rewound.
  std::string beginning(std::size_t bytes) final;
  bool comes_once() const final { return inner_->comes_once(); }
  bool rewind() final;
  bool seek(std::uint64_t offset) final;
  void stop() final;
  std::optional<std::uint64_t> length() const final { return std::nullopt; }
  std::string stamp() const override { return inner_->stamp(); }
  std::string opening_stamp() const override { return inner_->opening_stamp(); }
  std::optional<FileIdentity> file() const final { return inner_->file(); }
  std::string tail(std::size_t) const final { return {}; }
  const std::string& name() const override { return inner_->name(); }
  std::string identity() const override { return inner_->identity(); }

 protected:
  /// Begins again; the inner source stands at its first byte.
  virtual void begin() = 0;
  /// Up to `size` bytes; 0 at the end, and once stopped.
  virtual std::size_t make(char* into, std::size_t size) = 0;

  Source& inner() const { return *inner_; }
  const UnpackOptions& options() const { return options_; }
  bool is_stopped() const { return stopped_; }

 private:
  std::unique_ptr<Source> inner_;
  UnpackOptions options_;
  std::string ahead_;       ///< made, and not read yet
  std::uint64_t read_ = 0;  ///< by the reader
  std::atomic<bool> stopped_ = false;
};

/// What is packed ends before it should. `place`: "at packed byte 12".
Unreadable cut_off(const std::string& name, const std::string& packing, const std::string& place);
/// It is not what a packer has written. `what` is the end of a sentence.
Unreadable damaged(const std::string& name, const std::string& what);

}  // namespace sluice::source
