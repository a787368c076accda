#include "source/archive_reader.hpp"

#include <locale.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <string_view>
#include <utility>

#include "base/path_text.hpp"
#include "source/libarchive.hpp"
#include "source/unpacking_source.hpp"

namespace sluice::source {
namespace {

/// Names are converted into the thread's locale: in C they would be lost.
class Utf8Names {
 public:
  Utf8Names() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

/// What an archiver writes that has no member to write; the library calls it damaged. Of a zip that
/// is the end of its directory and a comment, of a 7z a header that has no other one behind it.
bool is_without_members(std::string_view whole, Packing packing) {
  constexpr std::size_t zip_end_bytes = 22;
  constexpr std::size_t seven_zip_header_bytes = 32;
  const auto is_zero = [whole](std::size_t at, std::size_t bytes) {
    return whole.substr(at, bytes).find_first_not_of('\0') == std::string_view::npos;
  };
  if (packing == Packing::seven_zip)
    return whole.size() == seven_zip_header_bytes && is_zero(12, 16);
  if (packing != Packing::zip || whole.size() < zip_end_bytes) return false;
  const auto byte = [whole](std::size_t at) { return static_cast<unsigned char>(whole[at]); };
  return whole.starts_with("PK\5\6") && is_zero(4, 16) &&
         whole.size() == zip_end_bytes + byte(20) + 256U * byte(21);
}

/// Padding and the end mark of a tar are whole blocks of zeros.

}  // namespace

void ArchiveReader::Free::operator()(archive* opened) const { libarchive().read_free(opened); }

struct ArchiveReader::Calls {
  static la_ssize_t read(archive* on, void* data, const void** bytes) {
    auto& reader = *static_cast<ArchiveReader*>(data);
    try {
      const std::size_t got = reader.source_.read(reader.buffer_.data(), reader.buffer_.size());
      reader.at_ += got;
      reader.has_ended_ = got == 0;
      const std::size_t kept = std::min(got, tar_block);
      reader.last_.append(reader.buffer_.data() + got - kept, kept);
      if (reader.last_.size() > tar_block) reader.last_.erase(0, reader.last_.size() - tar_block);
      *bytes = reader.buffer_.data();
      return static_cast<la_ssize_t>(got);
    } catch (...) {
      reader.failed_ = std::current_exception();  // thrown again by fail()
      libarchive().set_error(on, EIO, "the source cannot be read");
      return -1;
    }
  }

  static la_int64_t seek(archive*, void* data, la_int64_t offset, int whence) {
    auto& reader = *static_cast<ArchiveReader*>(data);
    const auto size = static_cast<la_int64_t>(reader.size_);
    const auto at = static_cast<la_int64_t>(reader.at_);
    const la_int64_t to = (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? at : size) + offset;
    if (to < 0 || to > size || !reader.source_.seek(static_cast<std::uint64_t>(to)))
      return ARCHIVE_FATAL;
    reader.at_ = static_cast<std::uint64_t>(to);
    return to;
  }

  static la_int64_t skip(archive*, void* data, la_int64_t bytes) {
    auto& reader = *static_cast<ArchiveReader*>(data);
    const std::uint64_t to = std::min(reader.at_ + static_cast<std::uint64_t>(bytes), reader.size_);
    if (!reader.source_.seek(to)) return 0;
    const std::uint64_t skipped = to - std::exchange(reader.at_, to);
    return static_cast<la_int64_t>(skipped);
  }
};

ArchiveReader::ArchiveReader(Source& source, Packing packing)
    : source_(source), packing_(packing), buffer_(limits::packed_read_bytes) {
  open();
}

void ArchiveReader::open() {
  constexpr std::size_t most = 66'000;  // of a zip's comment
  if (packing_ != Packing::tar && source_.length().value_or(most) < most)
    is_empty_ = is_without_members(source_.tail(most), packing_);
  if (is_empty_) return;
  archive_.reset(libarchive().read_new());
  archive* const a = archive_.get();
  if (a == nullptr) throw std::bad_alloc();
  const Utf8Names names;
  // That format alone: no other reader of the library sees the bytes.
  switch (packing_) {
    case Packing::zip: libarchive().read_support_format_zip_seekable(a); break;
    case Packing::seven_zip: libarchive().read_support_format_7zip(a); break;
    default:
      libarchive().read_support_format_tar(a);
      // Tars one behind the other are read to the end.
      libarchive().read_set_format_option(a, "tar", "read_concatenated_archives", "1");
      break;
  }
  libarchive().read_set_callback_data(a, this);
  libarchive().read_set_read_callback(a, Calls::read);
  // A source that cannot jump would read what it skips in any case.
  if (const auto size = source_.length()) {
    size_ = *size;
    libarchive().read_set_seek_callback(a, Calls::seek);
    libarchive().read_set_skip_callback(a, Calls::skip);
  }
  if (libarchive().read_open1(a) < ARCHIVE_WARN) fail();
}

bool ArchiveReader::next(Member& member) {
  if (is_empty_) return false;
  const Utf8Names names;
  archive_entry* entry = nullptr;
  const int result = libarchive().read_next_header(archive_.get(), &entry);
  if (result == ARCHIVE_EOF) {
    require_end();
    return false;
  }
  if (result < ARCHIVE_WARN) fail();
  const char* const name = libarchive().entry_pathname(entry);
  member = {};
  member.name = text_of_path(name == nullptr ? "" : name);
  if (libarchive().entry_size_is_set(entry) != 0)
    member.bytes = static_cast<std::uint64_t>(libarchive().entry_size(entry));
  member.is_link = libarchive().entry_hardlink(entry) != nullptr;
  member.is_file = libarchive().entry_filetype(entry) == AE_IFREG || member.is_link;
  member.is_encrypted = libarchive().entry_is_encrypted(entry) != 0;
  member_ = member;
  member_read_ = 0;
  return true;
}

std::size_t ArchiveReader::read(char* into, std::size_t size) {
  const la_ssize_t got = libarchive().read_data(archive_.get(), into, size);
  // A warning is about the content too: a checksum, or a size.
  if (got < 0) {
    const bool is_cut = packing_ == Packing::tar && has_ended_ && !failed_ &&
                        member_read_ < member_.bytes.value_or(0);
    if (is_cut) throw cut_off(source_.name(), "tar", "in " + member_.name);
    fail();
  }
  member_read_ += static_cast<std::uint64_t>(got);
  if (got == 0 && member_.bytes && *member_.bytes != member_read_) {
    throw damaged(source_.name() + "!" + member_.name,
                  "its directory says that it has " + std::to_string(*member_.bytes) +
                      " bytes, and it has " + std::to_string(member_read_));
  }
  return static_cast<std::size_t>(got);
}

/// A tar has an end mark, without which it may have been cut between two
/// members. What is packed around it has checksums behind that.
void ArchiveReader::require_end() {
  if (packing_ != Packing::tar) return;
  const void* bytes = nullptr;
  if (size_ > 0) {
    last_ = source_.tail(tar_block);
  } else {
    while (Calls::read(archive_.get(), this, &bytes) > 0) {
    }
    if (failed_) fail();
  }
  if (last_.size() == tar_block && last_.find_first_not_of('\0') == std::string::npos) return;
  throw cut_off(source_.name(), "tar", "without its end mark");
}

void ArchiveReader::fail() {
  if (failed_) std::rethrow_exception(failed_);
  const char* const why = libarchive().error_string(archive_.get());
  throw damaged(source_.name(), std::string(name_of(packing_)) +
                                    (member_.name.empty() ? "" : ", in " + member_.name) + ": " +
                                    (why == nullptr ? "it cannot be read" : why));
}

}  // namespace sluice::source
