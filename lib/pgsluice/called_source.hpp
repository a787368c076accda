#pragma once

#include <atomic>
#include <string>

#include "pgsluice/load.hpp"
#include "source/kept_beginning.hpp"
#include "source/source.hpp"

namespace pgsluice::inner {

/// The bytes of a Stream, as a load reads them.
class CalledSource final : public sluice::source::Source {
 public:
  explicit CalledSource(Stream stream) : stream_(std::move(stream)) {}

  std::size_t read(char* into, std::size_t size) override;
  bool comes_once() const override { return true; }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override { return beginning_.seek(offset); }
  void stop() override { is_stopped_ = true; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t) const override { return {}; }
  const std::string& name() const override { return stream_.name; }
  std::string identity() const override { return stream_.name; }

 private:
  std::size_t read_on(char* into, std::size_t size);

  Stream stream_;
  sluice::source::KeptBeginning beginning_;
  std::atomic<bool> is_stopped_ = false;
  bool has_ended_ = false;
};

}  // namespace pgsluice::inner
