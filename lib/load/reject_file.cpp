#include "load/reject_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::load {
namespace {

using source::FileDescriptor;

Failure cannot(const std::string& what, const std::string& path) {
  return {FailureKind::failed,
          "cannot " + what + " " + path + ": " + errno_message(errno) +
              "\n  A load stops where its rejects cannot be kept (see --rejects FILE)."};
}

/// trips.csv -> trips.jsonl; anything else gets .jsonl behind it.
std::string reasons_path_of(const std::string& path) {
  return (path.ends_with(".csv") ? path.substr(0, path.size() - 4) : path) + ".jsonl";
}

std::string unfinished(const std::string& path) { return path + ".tmp"; }

FileDescriptor make_new(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.get() < 0) throw cannot("create", path);
  return fd;
}

FileDescriptor open_existing(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (fd.get() < 0) throw cannot("open", path);
  return fd;
}

void write_at(const FileDescriptor& fd, std::uint64_t offset, std::string_view bytes,
              const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw cannot("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void wait_for_disk(const FileDescriptor& fd, const std::string& path) {
  if (::fdatasync(fd.get()) != 0) throw cannot("write", path);
}

void copy_range(const FileDescriptor& from, std::uint64_t begin, std::uint64_t end,
                const FileDescriptor& to, std::uint64_t& to_size, const std::string& path) {
  std::string buffer(std::min<std::uint64_t>(end - begin, limits::MiB), '\0');
  while (begin < end) {
    const ssize_t n =
        ::pread(from.get(), buffer.data(), std::min<std::uint64_t>(end - begin, buffer.size()),
                static_cast<off_t>(begin));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw cannot("read", path);
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    write_at(to, to_size, bytes, path);
    to_size += bytes.size();
    begin += bytes.size();
  }
}

std::string kept_value(const std::string& value) {
  if (value.size() <= limits::value_kept_bytes) return value;
  return value.substr(0, limits::value_kept_bytes) + "...";
}

std::uint64_t size_of(const FileDescriptor& fd) {
  struct stat status{};
  return ::fstat(fd.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace

RejectFile::RejectFile(Options options)
    : options_(std::move(options)), reasons_path_(reasons_path_of(options_.path)) {}

std::string RejectFile::free_path(const std::string& path) {
  const std::size_t dot = path.ends_with(".csv") ? path.size() - 4 : path.size();
  std::string candidate = path;
  for (int i = 2; i < limits::reject_names_max; ++i) {
    if (!exists(candidate) && !exists(reasons_path_of(candidate))) return candidate;
    candidate = path.substr(0, dot) + "." + std::to_string(i) + path.substr(dot);
  }
  throw Failure(FailureKind::failed, "all names like " + path +
                                         " are taken by the rejects of earlier loads: move these "
                                         "away, or name another file with --rejects");
}

bool RejectFile::reopen() {
  if (!exists(reasons_path_)) {
    // A crash while they were made.
    if (exists(options_.path) && size_of(open_existing(options_.path)) <= header_bytes())
      ::unlink(options_.path.c_str());
    return false;
  }
  entries_ = read_entries(reasons_path_);
  const std::uint64_t records_end = entries_.empty() ? 0 : entries_.back().records_end;
  const auto may_be_it = [&](const std::string& path) {
    return exists(path) && size_of(open_existing(path)) >= records_end;
  };
  // A crash between the two renames of rewrite() leaves the records under their other name; one in
  // front of them leaves both files there, and these count for nothing.
  const std::string half = unfinished(options_.path);
  if (exists(half) && !exists(unfinished(reasons_path_)) &&
      ::rename(half.c_str(), options_.path.c_str()) != 0)
    throw cannot("rename", half);
  ::unlink(half.c_str());
  ::unlink(unfinished(reasons_path_).c_str());
  if (!may_be_it(options_.path)) {
    throw Failure(FailureKind::failed,
                  options_.path + " and " + reasons_path_ +
                      " do not belong together any more, so rejects cannot be added to them: move "
                      "both away, and the load goes on with new ones");
  }
  records_ = open_existing(options_.path);
  reasons_ = open_existing(reasons_path_);
  records_size_ = size_of(records_);
  reasons_size_ = size_of(reasons_);
  for (const Entry& entry : entries_) attempts_ = std::max(attempts_, entry.attempt + 1);
  return true;
}

void RejectFile::append(const source::Chunk& chunk, std::span<const tuple::Reject> rejects) {
  const std::lock_guard lock(mutex_);
  if (records_.get() < 0) create();
  Entry entry{chunk.number, attempts_++, rejects.size(), records_size_, 0, reasons_size_, 0};
  std::string records;
  std::string reasons;
  for (const tuple::Reject& reject : rejects) {
    records += chunk.bytes().substr(reject.begin, reject.size);
    records += line_end();
    nlohmann::ordered_json json{{"file", options_.source},
                                {"byte_offset", reject.position.byte_offset},
                                {"line", reject.position.line},
                                {"record", reject.position.record},
                                {"column", reject.column},
                                {"value", kept_value(reject.value)},
                                {"sqlstate", reject.sql_state},
                                {"constraint", reject.constraint},
                                {"message", reject.message},
                                {"byte_count", reject.size},
                                {"load", nullptr},
                                {"chunk", chunk.number},
                                {"attempt", entry.attempt}};
    if (options_.load) json["load"] = options_.load->value;
    reasons += json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  try {
    // The records first: a reason without its record would be the worse half.
    write_at(records_, records_size_, records, options_.path);
    wait_for_disk(records_, options_.path);
    write_at(reasons_, reasons_size_, reasons, reasons_path_);
    wait_for_disk(reasons_, reasons_path_);
  } catch (const Failure&) {
    [[maybe_unused]] const int a = ::ftruncate(records_.get(), static_cast<off_t>(records_size_));
    [[maybe_unused]] const int b = ::ftruncate(reasons_.get(), static_cast<off_t>(reasons_size_));
    throw;
  }
  entry.records_end = records_size_ += records.size();
  entry.reasons_end = reasons_size_ += reasons.size();
  entries_.push_back(entry);
}

std::uint64_t RejectFile::settle(const std::function<bool(std::int64_t)>& is_kept) {
  const std::lock_guard lock(mutex_);
  if (records_.get() < 0) return 0;
  const std::vector<Entry> entries = kept(is_kept);
  std::uint64_t rejects = 0;
  std::uint64_t at = header_bytes();
  bool is_settled = true;
  for (const Entry& entry : entries) {
    rejects += entry.rejects;
    is_settled = is_settled && entry.records_begin == at;
    at = entry.records_end;
  }
  if (entries.empty()) {
    close();
    ::unlink(options_.path.c_str());
    ::unlink(reasons_path_.c_str());
  } else if (!is_settled || at != records_size_) {
    rewrite(entries);
  }
  return rejects;
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
/// reopen().
void RejectFile::rewrite(const std::vector<Entry>& entries) {
  const std::string records_path = unfinished(options_.path);
  const std::string reasons_path = unfinished(reasons_path_);
  ::unlink(records_path.c_str());
  ::unlink(reasons_path.c_str());
  // In this order, so that records without reasons are complete: see reopen().
  FileDescriptor reasons = make_new(reasons_path);
  FileDescriptor records = make_new(records_path);
  std::uint64_t records_size = 0;
  std::uint64_t reasons_size = 0;
  copy_range(records_, 0, header_bytes(), records, records_size, records_path);
  std::vector<Entry> moved;
  for (Entry entry : entries) {
    const std::uint64_t records_begin = records_size;
    const std::uint64_t reasons_begin = reasons_size;
    copy_range(records_, entry.records_begin, entry.records_end, records, records_size,
               records_path);
    copy_range(reasons_, entry.reasons_begin, entry.reasons_end, reasons, reasons_size,
               reasons_path);
    entry.records_begin = records_begin;
    entry.records_end = records_size;
    entry.reasons_begin = reasons_begin;
    entry.reasons_end = reasons_size;
    moved.push_back(entry);
  }
  wait_for_disk(records, records_path);
  wait_for_disk(reasons, reasons_path);
  if (::rename(reasons_path.c_str(), reasons_path_.c_str()) != 0)
    throw cannot("rename", reasons_path);
  if (::rename(records_path.c_str(), options_.path.c_str()) != 0)
    throw cannot("rename", records_path);
  // To be written on, they are opened under their names.
  records_ = open_existing(options_.path);
  reasons_ = open_existing(reasons_path_);
  entries_ = std::move(moved);
  records_size_ = records_size;
  reasons_size_ = reasons_size;
}

void RejectFile::create() {
  records_ = make_new(options_.path);
  reasons_ = make_new(reasons_path_);
  const std::string header =
      options_.header.empty() ? "" : options_.header + std::string(line_end());
  write_at(records_, 0, header, options_.path);
  records_size_ = header.size();
  reasons_size_ = 0;
}

/// What an earlier run wrote. A last line that a crash cut off is left out; what stands behind the
/// entries is written over.
std::vector<RejectFile::Entry> RejectFile::read_entries(const std::string& reasons_path) const {
  std::vector<Entry> entries;
  std::ifstream in(reasons_path, std::ios::binary);
  std::uint64_t records_at = header_bytes();
  std::uint64_t reasons_at = 0;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("chunk") || !json.contains("attempt") ||
        !json.contains("byte_count")) {
      throw Failure(FailureKind::failed,
                    reasons_path +
                        " was not written by this load: move it away with its CSV, or "
                        "name another file with --rejects");
    }
    const auto chunk = json["chunk"].get<std::int64_t>();
    const auto attempt = json["attempt"].get<std::int64_t>();
    if (entries.empty() || entries.back().attempt != attempt)
      entries.push_back({chunk, attempt, 0, records_at, records_at, reasons_at, reasons_at});
    Entry& entry = entries.back();
    records_at += json["byte_count"].get<std::uint64_t>() + line_end().size();
    reasons_at += line.size() + 1;
    ++entry.rejects;
    entry.records_end = records_at;
    entry.reasons_end = reasons_at;
  }
  return entries;
}

std::string_view RejectFile::line_end() const {
  switch (options_.line_end) {
    case csv::LineEnd::crlf: return "\r\n";
    case csv::LineEnd::cr: return "\r";
    case csv::LineEnd::lf: break;
  }
  return "\n";
}

std::uint64_t RejectFile::header_bytes() const {
  return options_.header.empty() ? 0 : options_.header.size() + line_end().size();
}

void RejectFile::close() {
  records_ = FileDescriptor(-1);
  reasons_ = FileDescriptor(-1);
  entries_.clear();
  records_size_ = reasons_size_ = 0;
}

}  // namespace sluice::load
