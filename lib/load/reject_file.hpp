#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/position.hpp"
#include "csv/dialect.hpp"
#include "source/chunk.hpp"
#include "source/file_descriptor.hpp"
#include "tuple/reject.hpp"

namespace sluice::load {

/// Where a load's rejects go: the records as they were into a CSV that can be mended and loaded,
/// and beside it one JSON object a line that says where each stood and why it was refused.
///
/// A chunk's rejects are on disk before its transaction commits. So a crash leaves some there whose
/// chunk did not commit: settle() takes them out, and a resumed load begins with it. Each line
/// names its chunk and the attempt that wrote it. Only the last attempt of a chunk can have
/// committed, because an attempt writes here while it holds the claim on its chunk in the ledger.
///
/// The files belong to the user alone (mode 0600), are never reached through a symbolic link, and
/// replace none that is there already. All functions block; append() may be called on any thread.
class RejectFile {
 public:
  struct Options {
    std::string path;    ///< of the CSV
    std::string source;  ///< as messages name it
    std::string header;  ///< the source's header record, without its line end; empty: none
    csv::LineEnd line_end = csv::LineEnd::lf;
    std::optional<LoadId> load;
  };

  /// Opens nothing yet: the files are made with the first reject.
  explicit RejectFile(Options options);

  /// `path`, or a path like it (trips.rejects.2.csv) that nobody has taken.
  static std::string free_path(const std::string& path);

  const std::string& path() const { return options_.path; }
  const std::string& reasons_path() const { return reasons_path_; }

  bool has_any() const { return !entries_.empty(); }

  /// Takes up the files of an earlier run; false where they are not there. Throws Failure where
  /// they are not what that run left.
  bool reopen();

  /// Writes the rejects of an attempt at a chunk, and waits for the disk. Throws Failure where that
  /// is not possible; then the files are as before.
  void append(const source::Chunk& chunk, std::span<const tuple::Reject> rejects);

  /// Leaves in the files the rejects of those chunks, in file order, and nothing else. Removes
  /// files in which nothing is left. Returns how many rejects they have.
  std::uint64_t settle(const std::function<bool(std::int64_t chunk)>& is_kept);

 private:
  /// What one attempt wrote.
  struct Entry {
    std::int64_t chunk = 0;
    std::int64_t attempt = 0;
    std::uint64_t rejects = 0;
    std::uint64_t records_begin = 0;
    std::uint64_t records_end = 0;
    std::uint64_t reasons_begin = 0;
    std::uint64_t reasons_end = 0;
  };

  void create();
  std::string_view line_end() const;
  std::uint64_t header_bytes() const;
  std::vector<Entry> read_entries(const std::string& reasons_path) const;
  std::vector<Entry> kept(const std::function<bool(std::int64_t)>& is_kept) const;
  void rewrite(const std::vector<Entry>& entries);
  void close();

  Options options_;
  std::string reasons_path_;
  std::mutex mutex_;
  source::FileDescriptor records_{-1};
  source::FileDescriptor reasons_{-1};
  std::uint64_t records_size_ = 0;
  std::uint64_t reasons_size_ = 0;
  std::int64_t attempts_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace sluice::load
