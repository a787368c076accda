#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "source/source.hpp"

namespace sluice::source {

/// The whole content of another source, in memory: of what is packed, or in another encoding, the
/// length is known too, and each byte of it within reach, as those of a plain file are.
class WholeSource final : public Source {
 public:
  /// Nothing where the content is longer than that, or cannot be read to its end: whoever reads it
  /// piece by piece says why, with what is in front of it. Blocking.
  static std::unique_ptr<Source> of(std::unique_ptr<Source> inner, std::size_t bytes_max);

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return false; }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override;
  void stop() override;
  std::optional<std::uint64_t> length() const override { return text_.size(); }
  std::string stamp() const override { return inner_->stamp(); }
  std::string opening_stamp() const override { return inner_->opening_stamp(); }
  std::optional<FileIdentity> file() const override { return inner_->file(); }
  std::string tail(std::size_t bytes) const override;
  std::optional<Packed> packed() const override { return inner_->packed(); }
  std::size_t memory_bytes() const override { return inner_->memory_bytes() + text_.size(); }
  std::string oddity() const override { return inner_->oddity(); }
  const Encoding* encoding() const override { return inner_->encoding(); }
  std::uint64_t origin() override;
  const std::string& name() const override { return inner_->name(); }
  std::string identity() const override { return inner_->identity(); }

 private:
  WholeSource(std::unique_ptr<Source> inner, std::string text);

  std::unique_ptr<Source> inner_;
  std::string text_;
  std::size_t at_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace sluice::source
