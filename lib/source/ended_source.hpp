#pragma once

#include <string>

#include "source/source.hpp"

namespace sluice::source {

/// A source behind what was read of it already: nothing follows.
class EndedSource final : public Source {
 public:
  /// `of` must outlive it.
  explicit EndedSource(const Source& of) : of_(of) {}

  std::size_t read(char*, std::size_t) override { return 0; }
  bool comes_once() const override { return true; }
  bool rewind() override { return false; }
  bool seek(std::uint64_t) override { return false; }
  std::optional<std::uint64_t> length() const override { return of_.length(); }
  std::string stamp() const override { return of_.stamp(); }
  std::string tail(std::size_t) const override { return {}; }
  const Encoding* encoding() const override { return of_.encoding(); }
  std::uint64_t mark_bytes() const override { return of_.mark_bytes(); }
  const std::string& name() const override { return of_.name(); }
  std::string identity() const override { return of_.identity(); }

 private:
  const Source& of_;
};

}  // namespace sluice::source
