#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "base/position.hpp"
#include "chunk/chunk.hpp"
#include "csv/dialect.hpp"
#include "rejects/reject_place.hpp"
#include "rejects/reject_text.hpp"
#include "source/encoding.hpp"
#include "tuple/reject.hpp"

namespace sluice::rejects {

/// Where a load's rejects go: the records as they were into a CSV that can be mended and loaded,
/// and beside it one JSON object a line that says where each stood and why it was refused.
///
/// The files are made, empty, when their name is chosen, which is before the ledger names them: two
/// loads never share one. leave() removes them where no reject came.
///
/// A chunk's rejects are on disk before its transaction commits. So a crash leaves some there whose
/// chunk did not commit: settle() takes them out, and a resumed load begins with it. Each line
/// names its load, its chunk and the attempt that wrote it. Only the last attempt of a chunk can
/// have committed, because an attempt writes here while it holds the claim on its chunk in the
/// ledger.
///
/// Memory: a few buffers while rejects are written, whatever their number, and a few words for each
/// chunk that has some. All functions block; append() may be called on any thread.
class RejectFile {
 public:
  using Options = RejectAbout;

  /// Gives the next reject of a chunk, in file order; false behind the last.
  using Next = std::function<bool(tuple::Reject&)>;

  /// New ones under that path, or one like it.
  static std::unique_ptr<RejectFile> reserve(const std::string& path, Options options);

  /// Those of an earlier run of the load, with what it wrote. nullptr where they are not there, or
  /// are in use; where they have lines that are not this load's, or do not belong together,
  /// `why_not` says so.
  static std::unique_ptr<RejectFile> reopen(const std::string& path, Options options,
                                            std::string& why_not);

  RejectFile(RejectPlace place, Options options);

  /// One that cannot be made: the first append() says so.
  RejectFile(const std::string& path, Options options, const Failure& why)
      : place_(path), options_(std::move(options)), why_no_place_(why) {}

  bool has_place() const { return !why_no_place_; }

  /// As soon as it is known. REQUIRES: nothing is appended before.
  void set_load(LoadId load) { options_.load = load; }

  const std::string& path() const { return place_.path(); }
  const std::string& reasons_path() const { return place_.reasons_path(); }

  bool has_any() const { return !entries_.empty(); }

  /// Writes the rejects of an attempt at a chunk, and waits for the disk. Throws Failure where that
  /// is not possible; then the files are as before.
  void append(const chunk::Chunk& chunk, const Next& next);

  /// Leaves in the files the rejects of those chunks, in file order, and nothing else. Returns how
  /// many rejects they have.
  std::uint64_t settle(const std::function<bool(std::int64_t chunk)>& is_kept);

  /// Takes over what another file of the load has. That one is removed by the next settle().
  /// REQUIRES: nothing is here yet.
  void carry_over(std::unique_ptr<RejectFile> from);

  /// Removes files without a reject, and lets go of others, behind whose records the footer stands
  /// then.
  void leave();

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

  class Writing;

  void write_header();
  bool read_entries(std::string& why_not);
  void finish_rewriting(const std::string& name);
  bool begins_with_header() const;
  std::vector<Entry> kept(const std::function<bool(std::int64_t)>& is_kept) const;
  void rewrite(const std::vector<Entry>& entries);
  void truncate() const;

  RejectPlace place_;
  Options options_;
  std::optional<Failure> why_no_place_;
  std::mutex mutex_;
  std::uint64_t records_size_ = 0;
  std::uint64_t reasons_size_ = 0;
  std::int64_t attempts_ = 0;
  std::vector<Entry> entries_;
  std::unique_ptr<RejectFile> carried_from_;
};

}  // namespace sluice::rejects
