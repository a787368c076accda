#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "source/packing.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// A source of which the first read finds out whether it is packed, and what
/// of: a pipe says nothing before that. REQUIRES: it can be rewound within
/// limits::stream_kept_bytes.
class RecognisedSource final : public Source {
 public:
  RecognisedSource(std::unique_ptr<Source> raw, UnpackOptions options);

  std::size_t read(char* into, std::size_t size) override;
  std::size_t read_some(char* into, std::size_t size) override;
  bool comes_once() const override { return now().comes_once(); }
  bool rewind() override { return now().rewind(); }
  bool seek(std::uint64_t offset) override;
  void expect_end(std::uint64_t offset) override { now().expect_end(offset); }
  void stop() override;
  /// What is in it may be packed.
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::optional<std::uint64_t> told_length() const override;
  std::string stamp() const override { return now().stamp(); }
  std::string opening_stamp() const override { return now().opening_stamp(); }
  std::optional<FileIdentity> file() const override { return now().file(); }
  std::string tail(std::size_t) const override { return {}; }
  std::optional<Packed> packed() const override { return now().packed(); }
  std::size_t memory_bytes() const override { return now().memory_bytes(); }
  std::string oddity() const override;
  const std::string& name() const override { return now().name(); }
  std::string identity() const override { return now().identity(); }

  /// The archive in it, unpacked as far as to that; nothing where there is none.
  static std::unique_ptr<Source> archive_in(std::unique_ptr<Source> raw, UnpackOptions options);

  /// The names of its members, where it is an archive. Instead of reading.
  std::optional<Members> members();

 private:
  Source& now() const { return *now_.load(); }
  void recognise();
  Packing unpack_streams();
  void count_packing(Packing packing);
  void add_layer(std::unique_ptr<Source> layer);

  UnpackOptions options_;
  std::unique_ptr<Source> top_;
  const Source* bottom_;      ///< what was given, in top_
  std::atomic<Source*> now_;  ///< top_, for who asks meanwhile on another thread
  std::size_t packings_ = 0;
  bool is_recognised_ = false;
  std::atomic<bool> stopped_ = false;
};

}  // namespace sluice::source
