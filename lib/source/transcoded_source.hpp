#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "source/source.hpp"
#include "source/transcoder.hpp"

namespace sluice::source {

/// The text of another source in UTF-8. Its stamp, file and names are the other one's. Without an
/// encoding its first bytes say whether it is UTF-16 or UTF-32; else it is handed on as it is.
class TranscodedSource final : public Source {
 public:
  TranscodedSource(std::unique_ptr<Source> inner, std::optional<Encoding> encoding);

  std::size_t read(char* into, std::size_t size) override { return read_by_parts(into, size); }
  std::size_t read_some(char* into, std::size_t size) override;
  bool comes_once() const override { return inner_->comes_once(); }
  bool rewind() override;
  bool seek(std::uint64_t offset) override;
  /// In another encoding it is somewhere else.
  void expect_end(std::uint64_t offset) override {
    if (encoding() == nullptr) inner_->expect_end(offset);
  }
  void stop() override { inner_->stop(); }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::optional<std::uint64_t> told_length() const override {
    return is_known_ && !encoding_ ? inner_->told_length() : std::nullopt;
  }
  std::string stamp() const override { return inner_->stamp(); }
  std::string opening_stamp() const override { return inner_->opening_stamp(); }
  std::optional<FileIdentity> file() const override { return inner_->file(); }
  std::string tail(std::size_t) const override { return {}; }
  std::optional<Packed> packed() const override;
  std::size_t memory_bytes() const override;
  std::string oddity() const override { return inner_->oddity(); }
  const std::string& name() const override { return inner_->name(); }
  std::string identity() const override { return inner_->identity(); }
  const Encoding* encoding() const override { return encoding_ ? &*encoding_ : nullptr; }
  std::uint64_t origin() override;

 private:
  void recognise();
  bool refill();
  std::size_t convert(char* into, std::size_t size);

  std::unique_ptr<Source> inner_;
  std::optional<Encoding> encoding_;
  bool is_known_;  ///< whether there is one, and which
  std::unique_ptr<Transcoder> transcoder_;
  std::vector<char> buffer_;
  std::string_view waiting_;              ///< bytes in the buffer that are not converted
  std::vector<char> made_;                ///< what did not fit where it was read to
  std::string_view left_;                 ///< of that, what is not read
  bool is_last_ = false;                  ///< nothing comes behind `waiting_`
  std::uint64_t given_ = 0;               ///< bytes read so far
  std::atomic<std::uint64_t> taken_ = 0;  ///< bytes of the other source that are converted
};

}  // namespace sluice::source
