#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "csv/dialect.hpp"
#include "source/source.hpp"

namespace sluice::chunk {

/// Keeps a source's last lines back: which they are is known at its end only, so as many wait here
/// as may be among them.
class Footer {
 public:
  struct Options {
    std::uint64_t lines = 0;  ///< physical ones; the last need not have a line end
    csv::LineEnd line_end = csv::LineEnd::lf;
    std::size_t bytes_max = 0;  ///< of these lines
  };

  /// `read_ahead` was read of the source already. It must outlive this.
  Footer(source::Source& source, std::string read_ahead, Options options)
      : source_(source), options_(options), held_(std::move(read_ahead)) {}

  /// Fewer than `size` bytes only where nothing is in front of the last lines any more. Blocking.
  /// Throws Failure where the lines are larger than they may be.
  std::size_t read(char* into, std::size_t size);

  /// What was read of the source, and waits here.
  std::string_view waiting() const { return std::string_view(held_).substr(used_); }

 private:
  void read_on();
  std::size_t begin_of_last(std::uint64_t lines) const;

  source::Source& source_;
  Options options_;
  std::string held_;
  std::size_t used_ = 0;   ///< of these were given out
  std::size_t begin_ = 0;  ///< of what may be the last lines
  bool knows_begin_ = false;
  bool at_end_ = false;
};

}  // namespace sluice::chunk
