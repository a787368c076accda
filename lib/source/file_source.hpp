#pragma once

#include <atomic>

#include "source/file_descriptor.hpp"
#include "source/source.hpp"

namespace sluice::source {

/// A regular file, read with pread so that its position is ours alone. What is appended behind the
/// size at opening time is not read.
class FileSource final : public Source {
 public:
  FileSource(std::string path, FileDescriptor fd);

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return false; }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override;
  void stop() override { stopped_ = true; }
  std::optional<std::uint64_t> length() const override { return size_; }
  std::string stamp() const override;
  std::string opening_stamp() const override { return opening_stamp_; }
  std::optional<FileIdentity> file() const override { return file_; }
  std::string tail(std::size_t bytes) const override;
  std::string oddity() const override;
  const std::string& name() const override { return name_; }
  std::string identity() const override;

 private:
  std::string stamp_of(const struct stat& status) const;
  std::size_t read_at(std::uint64_t offset, char* into, std::size_t size) const;

  std::string path_;
  std::string name_;
  FileDescriptor fd_;
  FileIdentity file_;
  std::string opening_stamp_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;
  std::atomic<bool> stopped_ = false;
};

}  // namespace sluice::source
