#include "source/source.hpp"
#include "source/archive_shelf.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "source/continued_source.hpp"
#include "source/fetch_ahead.hpp"
#include "source/file_source.hpp"
#include "source/marked_source.hpp"
#include "source/no_archive.hpp"
#include "source/packing.hpp"
#include "source/read_ahead.hpp"
#include "source/recognised_source.hpp"
#include "source/remote.hpp"
#include "source/stdin.hpp"
#include "source/stream_source.hpp"
#include "source/transcoded_source.hpp"
#include "source/whole_source.hpp"

namespace sluice::source {

namespace {

std::unique_ptr<Source> in_utf8(std::unique_ptr<Source> text,
                                const std::optional<Encoding>& encoding) {
  if (encoding && encoding->is_utf8()) return text;
  return std::make_unique<TranscodedSource>(std::move(text), encoding);
}

std::unique_ptr<Source> unpacked(std::unique_ptr<Source> raw, const UnpackOptions& options,
                                 const std::optional<Encoding>& encoding) {
  auto bytes =
      std::make_unique<ReadAhead>(std::make_unique<RecognisedSource>(std::move(raw), options));
  return behind_mark(in_utf8(std::move(bytes), encoding));
}

/// What a small file that is packed, or in another encoding, unpacks to, where that is small too.
std::unique_ptr<Source> whole(const std::string& path, FileDescriptor fd,
                              const UnpackOptions& options,
                              const std::optional<Encoding>& encoding) {
  if (fd.get() < 0) return nullptr;
  auto file = std::make_unique<FileSource>(path, std::move(fd));
  if (file->length() > limits::first_chunk_bytes) return nullptr;
  auto bytes = std::make_unique<RecognisedSource>(std::move(file), options);
  auto text = WholeSource::of(in_utf8(std::move(bytes), encoding), limits::first_chunk_bytes);
  return text ? behind_mark(std::move(text)) : nullptr;
}

/// Of files that a system makes up when they are read (/proc) it tells no length: they are read as
/// streams. One that is being written has a length by then. One that cannot be read is not empty.
bool has_untold_bytes(const std::string& path, const FileDescriptor& fd) {
  struct stat status{};
  char first = 0;
  if (::fstat(fd.get(), &status) != 0 || status.st_size != 0) return false;
  const ssize_t got = ::pread(fd.get(), &first, 1, 0);
  if (got < 0) throw Failure(FailureKind::failed, path + ": cannot read: " + errno_message(errno));
  return got == 1 && ::fstat(fd.get(), &status) == 0 && status.st_size == 0;
}

/// Of one disk, and without a comment: no text ends so.
bool ends_like_a_zip(const FileSource& file) {
  constexpr std::size_t end_bytes = 22;
  const std::string end = file.tail(end_bytes);
  return end.size() == end_bytes && end.starts_with(std::string_view("PK\5\6\0\0\0\0", 8)) &&
         end.ends_with(std::string_view("\0\0", 2));
}

/// A file says at once what it is, and one that is neither packed nor in another encoding stays
/// what it is.
std::unique_ptr<Source> open_file(const std::string& path, FileDescriptor fd,
                                  const UnpackOptions& options,
                                  const std::optional<Encoding>& encoding) {
  FileDescriptor other = fd.copy();
  auto file = std::make_unique<FileSource>(path, std::move(fd));
  const std::string beginning = file->beginning(recognised_bytes);
  if (packing_of(beginning) != Packing::none) {
    std::unique_ptr<Source> text = whole(path, std::move(other), options, encoding);
    return text ? std::move(text) : unpacked(std::move(file), options, encoding);
  }
  if (ends_like_a_zip(*file)) {
    throw Failure(FailureKind::usage,
                  path +
                      ": is a zip behind something else, such as the program of an archive that "
                      "unpacks itself: unpack it, and load what is in it");
  }
  if (!options.members.empty()) throw no_archive(path);
  const Packing promised = packing_of_name(path);
  if (file->length() == beginning.size() && is_cut_magic(beginning, promised)) {
    throw Failure(FailureKind::failed, path + ": its " + std::string(name_of(promised)) +
                                           " ends too early, at byte " +
                                           std::to_string(beginning.size()) +
                                           ": it was cut off, or is still being written");
  }
  const std::optional<Encoding> said = encoding ? encoding : encoding_of_beginning(beginning);
  if (!said || said->is_utf8()) {
    if (!beginning.starts_with(utf8_mark)) return file;
    return std::make_unique<MarkedSource>(std::move(file), true);
  }
  std::unique_ptr<Source> text = whole(path, std::move(other), options, said);
  return text ? std::move(text) : behind_mark(in_utf8(std::move(file), said));
}

http::FetchOptions fetch_of(const UnpackOptions& options) {
  return options.fetch ? *options.fetch : http::FetchOptions();
}

/// Nothing where it cannot be opened any more.
std::unique_ptr<Source> archive_of(const std::string& path, const UnpackOptions& options) {
  if (is_remote(path))
    return RecognisedSource::archive_in(open_object(path, options, fetch_of(options)), options);
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  return RecognisedSource::archive_in(std::make_unique<FileSource>(path, std::move(fd)), options);
}

std::unique_ptr<Source> seekable_file(const std::string& path) {
  struct stat status{};
  if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return nullptr;
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) throw Failure(FailureKind::usage, path + ": " + errno_message(errno));
  return std::make_unique<FileSource>(path, std::move(fd));
}

std::unique_ptr<Source> seekable_object(const std::string& path, const UnpackOptions& options) {
  std::unique_ptr<Source> object = open_object(path, options, fetch_of(options));
  return object->comes_once() ? nullptr : std::move(object);
}

/// What was fetched ahead is in memory, and read to its end at once.
std::unique_ptr<Source> open_remote(const std::string& path, const UnpackOptions& options,
                                    const std::optional<Encoding>& encoding) {
  const http::FetchOptions fetch = fetch_of(options);
  const auto first = options.ahead ? options.ahead->find(path) : std::nullopt;
  if (first) {
    std::unique_ptr<HttpSource> object = open_object(path, options, fetch);
    object->begin_with(*first);
    auto bytes = std::make_unique<RecognisedSource>(std::move(object), options);
    auto text = WholeSource::of(in_utf8(std::move(bytes), encoding), limits::first_chunk_bytes);
    if (text) return behind_mark(std::move(text));
  }
  return unpacked(open_object(path, options, fetch), options, encoding);
}

/// None where stdin is anybody's.
FileDescriptor seal_of_stdin() {
  const char* const number = std::getenv(stdin_seal);
  if (number == nullptr) return FileDescriptor();
  FileDescriptor seal(::fcntl(std::atoi(number), F_DUPFD_CLOEXEC, 0));
  if (seal.get() >= 0) return seal;
  throw Failure(FailureKind::usage, std::string(stdin_seal) + ": names no open descriptor");
}

std::optional<std::uint64_t> length_of_stdin() {
  const char* const length = std::getenv(stdin_length);
  return length == nullptr ? std::nullopt : std::optional(std::strtoull(length, nullptr, 10));
}

std::unique_ptr<Source> open_stdin() {
  const int fd = ::dup(STDIN_FILENO);
  if (fd < 0) throw Failure(FailureKind::usage, "stdin: " + errno_message(errno));
  return std::make_unique<StreamSource>(name_of_stdin(), FileDescriptor(fd), seal_of_stdin(),
                                        length_of_stdin());
}

}  // namespace

std::string name_of_stdin() {
  const char* const name = std::getenv(stdin_name);
  return name == nullptr ? "stdin" : name;
}

std::size_t Source::read_by_parts(char* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::size_t got = read_some(into + done, size - done);
    if (got == 0) break;
    done += got;
  }
  return done;
}

std::string Source::beginning(std::size_t bytes) {
  std::string text(std::min<std::uint64_t>(bytes, length().value_or(bytes)), '\0');
  text.resize(read(text.data(), text.size()));
  if (rewind()) return text;
  throw Failure(FailureKind::failed, name() +
                                         ": comes once, and too much of it had to be read to "
                                         "see what it is: make it a file, and load that");
}

std::unique_ptr<Source> open_continued_stdin(std::size_t kept_bytes, std::uint64_t offset) {
  return behind_mark(std::make_unique<ContinuedSource>(open_stdin(), kept_bytes, offset));
}

std::unique_ptr<Source> open(const std::string& path, const UnpackOptions& options,
                             const std::optional<Encoding>& encoding) {
  if (path == "-") return unpacked(open_stdin(), options, encoding);
  if (is_remote(path)) return open_remote(path, options, encoding);
  // A FIFO is opened without waiting for its writer: that wait belongs where stop() can end it. A
  // terminal does not become the one whose Ctrl-C we hear.
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (fd.get() < 0) {
    const int error = errno;
    const bool is_socket = ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
    throw Failure(FailureKind::usage,
                  path + ": " +
                      (is_socket ? "is a socket; write what listens there into a pipe and load -"
                                 : errno_message(error)));
  }
  if (::fstat(fd.get(), &status) != 0)
    throw Failure(FailureKind::usage, path + ": " + errno_message(errno));
  if (S_ISDIR(status.st_mode)) {
    throw Failure(FailureKind::usage,
                  path + ": is a folder; name its files, for example " + path + "/*.csv");
  }
  if (S_ISREG(status.st_mode) && !has_untold_bytes(path, fd))
    return open_file(path, std::move(fd), options, encoding);
  return unpacked(std::make_unique<StreamSource>(text_of_path(path), std::move(fd)), options,
                  encoding);
}

std::optional<Members> members_of(const std::string& path, const UnpackOptions& options) {
  std::unique_ptr<Source> raw =
      is_remote(path) ? seekable_object(path, options) : seekable_file(path);
  if (!raw) return std::nullopt;
  UnpackOptions looking = options;
  const auto open_archive = [path, options] { return archive_of(path, options); };
  looking.shelf = std::make_shared<ArchiveShelf>(open_archive);
  RecognisedSource source(std::move(raw), looking);
  std::optional<Members> members = source.members();
  if (!members) return members;
  members->file = source.file();
  members->shelf = looking.shelf;
  return members;
}

}  // namespace sluice::source
