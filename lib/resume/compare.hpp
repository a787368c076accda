#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "pg/connection.hpp"
#include "resume/chain.hpp"
#include "resume/history.hpp"
#include "source/source.hpp"

namespace sluice::resume {

/// Compares a source with the chunks of several loads while it is read once, from its first byte.
class Comparison {
 public:
  /// Each list is that of one load; its ranges rise, but for one that begins again where an
  /// earlier one has not ended.
  explicit Comparison(std::vector<std::vector<Range>> ranges);

  /// The next bytes.
  void feed(const char* bytes, std::size_t size);
  /// False where nothing more has to be read to know all answers but whether the source goes on.
  bool is_open() const;
  /// How many more bytes are needed before one of the ranges is known. REQUIRES: is_open().
  std::uint64_t bytes_wanted() const;
  std::uint64_t bytes() const { return at_; }

  bool agrees(std::size_t load) const;        ///< in all of its ranges
  std::uint64_t end(std::size_t load) const;  ///< behind its last range

 private:
  struct Track;
  std::vector<std::vector<std::shared_ptr<Track>>> tracks_;  ///< of each load
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

/// The verdict on the source, which is read as long as its content decides, and is left somewhere
/// behind its beginning then. First the loads' first chunks are compared: of the many that may
/// begin alike few are left then. A source that comes once is read once, and no further than it
/// takes. Kind::compare where it was stopped.
asio::awaitable<Verdict> judge_by_content(ComparisonOn on, History& history);

}  // namespace sluice::resume
