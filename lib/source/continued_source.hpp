#pragma once

#include <memory>

#include "source/source.hpp"

namespace sluice::source {

/// A content of which somebody else has read a part: its beginning is there once more, and then
/// comes what is behind an offset.
///
///   |--- kept ---|            |--- rest, from `offset` on
///
/// It is read like a stream that keeps so much of its beginning; seek(offset) goes on with the
/// rest, and what is in between cannot be read. Offsets are those of the bytes as they come.
class ContinuedSource final : public Source {
 public:
  /// `both` gives `kept_bytes` and then the rest.
  ContinuedSource(std::unique_ptr<Source> both, std::size_t kept_bytes, std::uint64_t offset)
      : both_(std::move(both)), kept_bytes_(kept_bytes), offset_(offset) {}

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return true; }
  bool rewind() override;
  bool seek(std::uint64_t offset) override;
  void stop() override { both_->stop(); }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  const std::string& name() const override { return both_->name(); }
  std::string identity() const override { return both_->identity(); }

 private:
  void read_kept();

  std::unique_ptr<Source> both_;
  std::size_t kept_bytes_;
  std::uint64_t offset_;
  std::string kept_;
  bool has_kept_ = false;
  bool is_in_rest_ = false;
  std::size_t at_ = 0;  ///< in what is kept
};

/// Standard input as such a content: text in UTF-8, plain, with or without its mark. Throws
/// Failure.
std::unique_ptr<Source> open_continued_stdin(std::size_t kept_bytes, std::uint64_t offset);

}  // namespace sluice::source
