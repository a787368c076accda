#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "http/object_reader.hpp"
#include "source/packing.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// An object that is fetched over HTTP. Nothing is asked before its first byte is. All bytes that
/// it gives are of one version of the object. Where the server cannot say that of another answer
/// (it has no ranges, or no strong ETag) they come once.
class HttpSource final : public Source {
 public:
  /// `path` is what is shown of a URL, or all of it.
  HttpSource(const std::string& path, const http::FetchOptions& options);

  /// What is asked for by other requests than those of a URL.
  struct Requested {
    std::unique_ptr<http::Requester> requester;
    std::string place;             ///< the two words that its stamp begins with
    std::string listed_etag = {};  ///< of the version that is meant, if it is there still
  };
  HttpSource(Requested object, const http::FetchOptions& options);

  /// As the reader has them: what is fetched beside others, in front of its turn.
  void share(std::shared_ptr<http::Carrier> carrier) { reader_->share(std::move(carrier)); }
  bool advance() { return reader_->advance(); }
  std::optional<http::FirstPart> all_in_first_part() const { return reader_->all_in_first_part(); }
  void begin_with(const http::FirstPart& first) { reader_->begin_with(first); }

  std::size_t read(char* into, std::size_t size) override { return read_by_parts(into, size); }
  std::size_t read_some(char* into, std::size_t size) override;
  /// Asks the server, where nothing was read yet.
  bool comes_once() const override;
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override { return reader_->seek(offset); }
  void expect_end(std::uint64_t offset) override { reader_->expect_end(offset); }
  void stop() override { reader_->stop(); }
  std::optional<std::uint64_t> length() const override;
  std::optional<std::uint64_t> told_length() const override {
    return is_known_ ? reader_->facts().length : std::nullopt;
  }
  /// "https://host /trips.csv \"etag\" 1234 http": the object's place, its version, and a word in
  /// the place of the one that changes when a file is renamed.
  std::string stamp() const override;
  std::string opening_stamp() const override { return stamp(); }
  std::string tail(std::size_t bytes) const override;
  std::size_t memory_bytes() const override;
  std::string oddity() const override;
  const std::string& name() const override { return reader_->name(); }
  std::string identity() const override { return reader_->name(); }

 private:
  bool is_known() const;
  void require_end() const;

  std::unique_ptr<http::ObjectReader> reader_;
  std::string place_;
  mutable std::atomic<bool> is_known_ = false;  ///< what the first answer tells, for other threads
  std::array<char, recognised_bytes> first_{};  ///< of the content, as far as it was read
  std::size_t first_size_ = 0;
};

/// Source::stamp() of an object: its place is the two words in front.
std::string object_stamp(const std::string& place, const std::string& etag,
                         std::optional<std::uint64_t> length);

/// A text without blanks, in ASCII: a word of a stamp.
std::string stamp_word(const std::string& text);

}  // namespace sluice::source
