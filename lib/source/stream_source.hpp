#pragma once

#include "source/file_descriptor.hpp"
#include "source/kept_beginning.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// Standard input, a pipe, a FIFO, a terminal: bytes that come once. A FIFO that nobody has open
/// for writing is waited for; it ends when its last writer has closed it, as for any other reader.
class StreamSource final : public Source {
 public:
  /// With a seal, a descriptor, its end counts if a byte has come there (source/stdin.hpp), where
  /// also its length may be told.
  StreamSource(std::string name, FileDescriptor fd, FileDescriptor seal = FileDescriptor(),
               std::optional<std::uint64_t> told_length = std::nullopt);

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return true; }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override { return beginning_.seek(offset); }
  void stop() override;
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::optional<std::uint64_t> told_length() const override { return told_length_; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  const std::string& name() const override { return name_; }
  std::string identity() const override { return name_; }

 private:
  std::size_t read_on(char* into, std::size_t size);
  void require_seal();

  std::string name_;
  KeptBeginning beginning_;
  FileDescriptor fd_;
  FileDescriptor seal_;
  std::optional<std::uint64_t> told_length_;
  FileDescriptor wake_;  ///< an eventfd: readable once stop() was called
};

}  // namespace sluice::source
