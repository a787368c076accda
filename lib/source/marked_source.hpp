#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/source.hpp"

namespace sluice::source {

/// U+FEFF in UTF-8.
inline constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

/// A text behind the byte-order mark that may be in front of it, which is no content: length,
/// places and fingerprint are those of the text without it. It is looked for in the first bytes
/// that are read, as a pipe says nothing before that.
class MarkedSource final : public Source {
 public:
  /// `has_mark`: whether there is one, where it is known already.
  explicit MarkedSource(std::unique_ptr<Source> inner, bool has_mark = false);

  std::size_t read(char* into, std::size_t size) override;
  std::size_t read_some(char* into, std::size_t size) override;
  bool comes_once() const override { return inner_->comes_once(); }
  bool rewind() override;
  bool seek(std::uint64_t offset) override;
  void expect_end(std::uint64_t offset) override { inner_->expect_end(offset + mark_bytes_); }
  void stop() override { inner_->stop(); }
  std::optional<std::uint64_t> length() const override;
  std::optional<std::uint64_t> told_length() const override;
  std::string stamp() const override { return inner_->stamp(); }
  std::string opening_stamp() const override { return inner_->opening_stamp(); }
  std::optional<FileIdentity> file() const override { return inner_->file(); }
  std::string tail(std::size_t bytes) const override;
  std::optional<Packed> packed() const override { return inner_->packed(); }
  std::size_t memory_bytes() const override { return inner_->memory_bytes(); }
  std::string oddity() const override { return inner_->oddity(); }
  const Encoding* encoding() const override { return inner_->encoding(); }
  std::uint64_t origin() override;
  std::uint64_t mark_bytes() const override { return mark_bytes_; }
  const std::string& name() const override { return inner_->name(); }
  std::string identity() const override { return inner_->identity(); }

 private:
  void look();
  std::size_t take_ahead(char* into, std::size_t size);

  std::unique_ptr<Source> inner_;
  std::string ahead_;  ///< read to look for a mark, and not read from here yet
  std::uint64_t mark_bytes_ = 0;
  bool is_known_ = false;  ///< whether there is a mark; the inner source stands behind it
};

/// Without its mark. What has a length, and no mark, stays what it is.
std::unique_ptr<Source> behind_mark(std::unique_ptr<Source> text);

}  // namespace sluice::source
