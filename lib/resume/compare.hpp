#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "pg/connection.hpp"
#include "resume/history.hpp"
#include "source/source.hpp"

namespace sluice::resume {

/// A run of bytes whose digest is known (XXH3, 64 bits).
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t digest = 0;
};

/// Compares a source with the chunks of several loads while it is read once, from its first byte.
class Comparison {
 public:
  /// `ranges` in rising order, each list that of one load.
  explicit Comparison(std::vector<std::vector<Range>> ranges);

  /// The next bytes.
  void feed(const char* bytes, std::size_t size);
  /// False where nothing more has to be read to know all answers but whether the source goes on.
  bool is_open() const;
  std::uint64_t bytes() const { return at_; }

  bool agrees(std::size_t load) const;        ///< in all of its ranges
  std::uint64_t end(std::size_t load) const;  ///< behind its last range

 private:
  struct Track;
  std::vector<std::shared_ptr<Track>> tracks_;
  std::uint64_t at_ = 0;
};

/// What it runs with. All outlive it.
struct ComparisonOn {
  asio::thread_pool& reader;
  pg::Connection& connection;
  source::Source& source;
  const ledger::NewLoad& now;
  const std::string& beginning;          ///< of the source: its first 64 KiB, or all
  const std::function<bool()>& stopped;  ///< asked between two reads
};

/// Sets the match of those candidates, and leaves the source somewhere behind its beginning. First
/// the loads' first chunks are compared: of the many that may begin alike few are left then.
asio::awaitable<void> compare(ComparisonOn on, std::vector<Candidate>& candidates,
                              std::vector<std::size_t> which);

}  // namespace sluice::resume
