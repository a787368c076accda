#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/position.hpp"
#include "chunk/chunk.hpp"
#include "csv/dialect.hpp"
#include "source/encoding.hpp"
#include "source/transcoder.hpp"
#include "tuple/reject.hpp"

namespace sluice::rejects {

/// What all rejects of a load have in common.
struct RejectAbout {
  std::string source;  ///< as messages name it
  std::string front;   ///< what stands before the header, with its line ends; empty: nothing
  std::string header;  ///< the source's header record, without its line end; empty: none
  csv::LineEnd line_end = csv::LineEnd::lf;
  std::uint64_t footer_lines = 0;  ///< empty ones that are written when it is left
  /// What the source was in, where that is not what its records are in now. The records are in it.
  std::optional<source::Encoding> encoding;
  std::optional<LoadId> load;

  /// What stands in front of all records, and behind them, in that encoding.
  std::string bytes_in_front() const;
  std::string bytes_behind() const;
  std::string line_end_bytes() const;
};

/// How the bad records of a chunk are written down: each as it was, to be mended, and why it is bad
/// as a line of JSON.
class RejectText {
 public:
  /// `attempt` is which one at the chunk it is, where there may be several; without one the reasons
  /// are in ASCII, which any database takes. All outlive it.
  RejectText(const RejectAbout& about, const chunk::Chunk& chunk,
             std::optional<std::int64_t> attempt);

  /// Behind what is in these: the record with its line end, and the line without its.
  void add(const tuple::Reject& reject, std::string& records, std::string& reasons);

 private:
  const chunk::Chunk& chunk_;
  bool is_ascii_;
  std::optional<source::Untranscoder> encoding_;
  std::string end_;
  std::string head_;
  std::string tail_;
};

}  // namespace sluice::rejects
