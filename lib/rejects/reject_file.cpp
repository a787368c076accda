#include "rejects/reject_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/limits.hpp"
#include "rejects/reject_lines.hpp"

namespace sluice::rejects {
namespace {

using source::FileDescriptor;

/// That nobody has, and nobody guesses.
std::string random_name() {
  std::random_device random;
  const std::uint64_t number = (std::uint64_t{random()} << 32) | random();
  return fmt::format("{:016x}", number);
}

std::string unfinished(const std::string& path, const std::string& name) {
  return path + "." + name + ".tmp";
}

}  // namespace

/// The rejects of one attempt on their way into the files, through buffers of a fixed size.
class RejectFile::Writing {
 public:
  Writing(RejectFile& file, const chunk::Chunk& chunk)
      : file_(file),
        text_(file.options_, chunk, file.attempts_),
        entry_{chunk.number,       file.attempts_,    0, file.records_size_, file.records_size_,
               file.reasons_size_, file.reasons_size_} {}

  void add(const tuple::Reject& reject) {
    text_.add(reject, records_, reasons_);
    reasons_ += '\n';
    ++entry_.rejects;
    if (records_.size() + reasons_.size() >= limits::reject_buffer_bytes) flush();
  }

  Entry finish() {
    flush();
    // The records first: a reason without its record would be the worse half.
    reject_io::wait_for_disk(file_.place_.records(), file_.path());
    reject_io::wait_for_disk(file_.place_.reasons(), file_.reasons_path());
    return entry_;
  }

 private:
  void flush() {
    write(file_.place_.records(), entry_.records_end, records_, file_.path());
    write(file_.place_.reasons(), entry_.reasons_end, reasons_, file_.reasons_path());
  }

  static void write(const FileDescriptor& fd, std::uint64_t& at, std::string& buffer,
                    const std::string& path) {
    reject_io::write_at(fd, at, buffer, path);
    at += buffer.size();
    buffer.clear();
  }

  RejectFile& file_;
  RejectText text_;
  Entry entry_;
  std::string records_;
  std::string reasons_;
};

RejectFile::RejectFile(RejectPlace place, Options options)
    : place_(std::move(place)), options_(std::move(options)) {}

std::unique_ptr<RejectFile> RejectFile::reserve(const std::string& path, Options options) {
  return std::make_unique<RejectFile>(RejectPlace::reserve(path), std::move(options));
}

std::unique_ptr<RejectFile> RejectFile::reopen(const std::string& path, Options options,
                                               std::string& why_not) {
  std::optional<RejectPlace> place = RejectPlace::open(path);
  if (!place) return nullptr;
  auto file = std::make_unique<RejectFile>(std::move(*place), std::move(options));
  if (!file->read_entries(why_not)) return nullptr;
  return file;
}

void RejectFile::append(const chunk::Chunk& chunk, const Next& next) {
  const std::lock_guard lock(mutex_);
  if (why_no_place_) throw Failure(*why_no_place_);
  if (records_size_ == 0) write_header();
  try {
    Writing writing(*this, chunk);
    for (tuple::Reject reject; next(reject);) writing.add(reject);
    const Entry entry = writing.finish();
    ++attempts_;
    records_size_ = entry.records_end;
    reasons_size_ = entry.reasons_end;
    entries_.push_back(entry);
  } catch (...) {
    truncate();
    throw;
  }
}

std::uint64_t RejectFile::settle(const std::function<bool(std::int64_t)>& is_kept) {
  const std::lock_guard lock(mutex_);
  if (carried_from_) carried_from_->place_.remove();
  carried_from_.reset();
  const std::vector<Entry> entries = kept(is_kept);
  std::uint64_t rejects = 0;
  std::uint64_t at = options_.bytes_in_front().size();
  bool is_settled = true;
  for (const Entry& entry : entries) {
    rejects += entry.rejects;
    is_settled = is_settled && entry.records_begin == at;
    at = entry.records_end;
  }
  if (entries.empty()) {
    entries_.clear();
    records_size_ = reasons_size_ = 0;
    truncate();
  } else if (!is_settled || at != records_size_) {
    rewrite(entries);
  }
  return rejects;
}

void RejectFile::carry_over(std::unique_ptr<RejectFile> from) {
  if (from->has_any()) write_header();
  for (Entry entry : from->entries_) {
    const std::uint64_t records_begin = records_size_;
    const std::uint64_t reasons_begin = reasons_size_;
    reject_io::copy_range(from->place_.records(), entry.records_begin, entry.records_end,
                          place_.records(), records_size_, path());
    reject_io::copy_range(from->place_.reasons(), entry.reasons_begin, entry.reasons_end,
                          place_.reasons(), reasons_size_, reasons_path());
    entry.records_begin = records_begin;
    entry.records_end = records_size_;
    entry.reasons_begin = reasons_begin;
    entry.reasons_end = reasons_size_;
    entries_.push_back(entry);
  }
  reject_io::wait_for_disk(place_.records(), path());
  reject_io::wait_for_disk(place_.reasons(), reasons_path());
  attempts_ = from->attempts_;
  carried_from_ = std::move(from);
}

void RejectFile::leave() {
  const std::lock_guard lock(mutex_);
  if (place_.records().get() < 0) return;
  if (entries_.empty()) {
    place_.remove();
  } else if (const std::string footer = options_.bytes_behind(); !footer.empty()) {
    try {
      reject_io::write_at(place_.records(), records_size_, footer, path());
    } catch (const Failure&) {
      // All rejects are there; who loads them sees that the last lines are missing.
    }
  }
}

/// Of each chunk the last attempt, in file order.
std::vector<RejectFile::Entry> RejectFile::kept(
    const std::function<bool(std::int64_t)>& is_kept) const {
  std::map<std::int64_t, Entry> last;
  for (const Entry& entry : entries_) {
    if (is_kept(entry.chunk)) last[entry.chunk] = entry;
  }
  std::vector<Entry> entries;
  for (const auto& [chunk, entry] : last) entries.push_back(entry);
  return entries;
}

/// Writes both files anew, and puts them in the place of the old ones: the reasons first, see
/// finish_rewriting(). The last line of the reasons says, before anything is made, what the new
/// files are called until then.
void RejectFile::rewrite(const std::vector<Entry>& entries) {
  const std::string name = random_name();
  const std::string line = rewriting_line(options_.load, name);
  const std::string records_path = unfinished(path(), name);
  const std::string reasons_path = unfinished(this->reasons_path(), name);
  FileDescriptor records(-1);
  FileDescriptor reasons(-1);
  std::uint64_t records_size = 0;
  std::uint64_t reasons_size = 0;
  std::vector<Entry> moved;
  try {
    reject_io::write_at(place_.reasons(), reasons_size_, line, this->reasons_path());
    reject_io::wait_for_disk(place_.reasons(), this->reasons_path());
    reasons = reject_io::make_new(reasons_path);
    records = reject_io::make_new(records_path);
    reject_io::lock(reasons);
    reject_io::copy_range(place_.records(), 0, options_.bytes_in_front().size(), records,
                          records_size, records_path);
    for (Entry entry : entries) {
      const std::uint64_t records_begin = records_size;
      const std::uint64_t reasons_begin = reasons_size;
      reject_io::copy_range(place_.records(), entry.records_begin, entry.records_end, records,
                            records_size, records_path);
      reject_io::copy_range(place_.reasons(), entry.reasons_begin, entry.reasons_end, reasons,
                            reasons_size, reasons_path);
      entry.records_begin = records_begin;
      entry.records_end = records_size;
      entry.reasons_begin = reasons_begin;
      entry.reasons_end = reasons_size;
      moved.push_back(entry);
    }
    reject_io::write_at(reasons, reasons_size, line, reasons_path);
    reject_io::wait_for_disk(records, records_path);
    reject_io::wait_for_disk(reasons, reasons_path);
    reject_io::rename(reasons_path, this->reasons_path());
  } catch (...) {
    reject_io::remove(reasons, reasons_path);
    reject_io::remove(records, records_path);
    truncate();
    throw;
  }
  reject_io::rename(records_path, path());
  place_.replace(std::move(records), std::move(reasons));
  entries_ = std::move(moved);
  records_size_ = records_size;
  reasons_size_ = reasons_size;
  truncate();  // the last line
}

/// After a crash in rewrite(). Where the new reasons still have their other name, the old files
/// count. Else the new ones do, and the records may be left to be renamed.
void RejectFile::finish_rewriting(const std::string& name) {
  const std::string records_path = unfinished(path(), name);
  const std::string reasons_path = unfinished(this->reasons_path(), name);
  const FileDescriptor reasons = reject_io::open_own(reasons_path);
  const FileDescriptor records = reject_io::open_own(records_path);
  if (reasons.get() >= 0) {
    reject_io::remove(records, records_path);
    reject_io::remove(reasons, reasons_path);
  } else if (records.get() >= 0) {
    reject_io::rename(records_path, path());
    place_.reopen_records();
  }
}

/// What an earlier run wrote. What stands behind the last whole line, where a crash cut it off,
/// goes. Nothing is changed unless all lines are this load's.
bool RejectFile::read_entries(std::string& why_not) {
  LineReader reader(place_.reasons());
  std::uint64_t records_at = options_.bytes_in_front().size();
  std::uint64_t reasons_at = 0;
  std::optional<std::string> rewriting;
  for (std::string text; reader.next(text);) {
    const std::optional<RejectLine> line = read_reject_line(text, options_.load);
    const bool is_behind_the_last = rewriting.has_value();
    if (!line) rewriting = read_rewriting_line(text, options_.load);
    if (is_behind_the_last || (!line && !rewriting)) {
      why_not = reasons_path() + " has lines of another load";
      return false;
    }
    if (!line) continue;
    if (entries_.empty() || entries_.back().attempt != line->attempt) {
      entries_.push_back(
          {line->chunk, line->attempt, 0, records_at, records_at, reasons_at, reasons_at});
    }
    records_at += line->byte_count + options_.line_end_bytes().size();
    reasons_at += text.size() + 1;
    Entry& entry = entries_.back();
    ++entry.rejects;
    entry.records_end = records_at;
    entry.reasons_end = reasons_at;
    attempts_ = std::max(attempts_, entry.attempt + 1);
  }
  if (rewriting) finish_rewriting(*rewriting);
  const std::uint64_t bytes = reject_io::size_of(place_.records());
  if (!begins_with_header() ||
      (entries_.empty() ? bytes > options_.bytes_in_front().size() : bytes < records_at)) {
    why_not = path() + " and " + reasons_path() + " do not belong together any more";
    return false;
  }
  records_size_ = entries_.empty() ? 0 : records_at;
  reasons_size_ = entries_.empty() ? 0 : reasons_at;
  truncate();
  return true;
}

/// Or with a part of it, where a crash cut it off.
bool RejectFile::begins_with_header() const {
  const std::string expected = options_.bytes_in_front();
  std::string found(expected.size(), '\0');
  const ssize_t n = ::pread(place_.records().get(), found.data(), found.size(), 0);
  return n >= 0 && expected.starts_with(found.substr(0, static_cast<std::size_t>(n)));
}

void RejectFile::write_header() {
  const std::string bytes = options_.bytes_in_front();
  reject_io::write_at(place_.records(), 0, bytes, path());
  records_size_ = bytes.size();
}

/// Takes away what stands behind the entries, also where the disk is full.
void RejectFile::truncate() const {
  [[maybe_unused]] const int a =
      ::ftruncate(place_.records().get(), static_cast<off_t>(records_size_));
  [[maybe_unused]] const int b =
      ::ftruncate(place_.reasons().get(), static_cast<off_t>(reasons_size_));
}

}  // namespace sluice::rejects
