#include "source/zip_directory.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "base/path_text.hpp"
#include "source/unpacking_source.hpp"

namespace sluice::source {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view member_mark = "PK\3\4"sv;
constexpr std::string_view entry_mark = "PK\1\2"sv;
constexpr std::string_view end_mark = "PK\5\6"sv;
constexpr std::string_view end64_mark = "PK\6\6"sv;
constexpr std::string_view locator_mark = "PK\6\7"sv;
/// In front of the sums behind a member; alone at the beginning of a zip that was to be split.
constexpr std::string_view sums_mark = "PK\7\10"sv;

constexpr std::uint64_t member_bytes = 30;
constexpr std::uint64_t entry_bytes = 46;
constexpr std::uint64_t end_bytes = 22;
constexpr std::uint64_t end64_bytes = 56;
constexpr std::uint64_t locator_bytes = 20;
constexpr std::uint64_t comment_bytes_max = 0xffff;
/// Of 600,000 members.
constexpr std::uint64_t directory_bytes_max = 64 * limits::MiB;

/// "Elsewhere": in the zip64 field.
constexpr std::uint64_t ones16 = 0xffff;
constexpr std::uint64_t ones32 = 0xffffffff;

enum Flag : std::uint16_t { flag_encrypted = 1, flag_sums_behind = 1 << 3, flag_masked = 1 << 13 };

struct Malformed {
  std::string why;
};

/// Bytes in which nothing is believed.
class Reader {
 public:
  Reader(std::string_view bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size()) throw Malformed{std::string(what_) + " is too short"};
    const std::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  std::uint64_t number(std::uint64_t count) {
    std::uint64_t value = 0;
    unsigned shift = 0;
    for (const char c : take(count)) {
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(c)) << shift;
      shift += 8;
    }
    return value;
  }
  std::uint16_t number16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(4)); }
  void expect(std::string_view mark) {
    if (take(mark.size()) != mark)
      throw Malformed{std::string(what_) + " is not where it should be"};
  }
  std::uint64_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  std::string_view what_;
};

std::string count_of(std::uint64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

/// Where the directory is, and what its end says of it.
struct Directory {
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  std::uint64_t members = 0;
  std::uint64_t disks = 0;  ///< any number that is not 0: of several parts
  bool is_counted_in_16_bits = true;
};

/// One entry of the directory, and where it says that the member is.
struct Entry {
  ZipMember member;
  std::uint64_t at = 0;
};

/// Sizes of more than 32 bits are in a field of their own, which has those alone that are all ones
/// where they usually are, in this order.
void take_zip64(std::string_view extra, std::string_view what,
                std::initializer_list<std::uint64_t*> values) {
  bool is_found = false;
  Reader from(extra, what);
  // Less than a field's head is what tools write to align what follows.
  while (from.left() >= 4) {
    const std::uint64_t id = from.number(2);
    const std::string_view field = from.take(from.number(2));
    if (id != 1) continue;
    if (is_found) throw Malformed{std::string(what) + " has its zip64 field twice"};
    is_found = true;
    Reader zip64(field, what);
    for (std::uint64_t* const value : values)
      if (*value == ones32 && zip64.left() >= 8) *value = zip64.number(8);
  }
}

class Zip {
 public:
  explicit Zip(Source& archive) : archive_(archive), length_(archive.length().value_or(0)) {}

  std::vector<ZipMember> members() {
    const Directory directory = find_directory();
    std::vector<Entry> entries = read_entries(directory);
    std::ranges::stable_sort(entries, {}, &Entry::at);
    std::vector<ZipMember> members;
    std::uint64_t at = begin_of_members(entries.empty() ? directory.at : entries.front().at);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t next = i + 1 < entries.size() ? entries[i + 1].at : directory.at;
      require_whole(entries[i], at, next);
      members.push_back(std::move(entries[i].member));
      at = next;
    }
    return members;
  }

 private:
  std::string bytes_at(std::uint64_t at, std::uint64_t count) {
    if (at > length_ || count > length_ - at) throw Malformed{"it points behind its end"};
    std::string bytes(count, '\0');
    if (!archive_.seek(at) || archive_.read(bytes.data(), bytes.size()) != bytes.size())
      throw Malformed{"it became shorter while it was read"};
    return bytes;
  }

  /// The last mark counts, as for every reader; so a comment that has one is refused.
  Directory find_directory() {
    const std::string tail = archive_.tail(std::min(length_, end_bytes + comment_bytes_max));
    const std::size_t mark = tail.rfind(end_mark);
    if (mark == std::string::npos || tail.size() - mark < end_bytes) {
      throw Malformed{
          "its directory is not at its end: it was cut off, is still being written, or something "
          "was put behind it"};
    }
    Reader from(std::string_view(tail).substr(mark, end_bytes), "the end of its directory");
    from.expect(end_mark);
    Directory directory = read_end(from, 2, 4);
    const std::uint64_t comment = from.number(2);
    const std::uint64_t behind = tail.size() - mark - end_bytes;
    if (comment > behind) throw Malformed{"it ends too early, in its comment"};
    if (comment < behind) {
      throw Malformed{count_of(behind - comment) + " follow its end, which are no part of the zip"};
    }
    const std::uint64_t at = length_ - tail.size() + mark;
    const std::uint64_t end = take_end64(directory, at);
    require_in_place(directory, end);
    return directory;
  }

  static Directory read_end(Reader& from, std::uint64_t count_bytes, std::uint64_t size_bytes) {
    Directory directory;
    const std::uint64_t disk_bytes = size_bytes == 8 ? 4 : 2;
    const std::uint64_t part = from.number(disk_bytes);
    directory.disks = part | from.number(disk_bytes);
    const std::uint64_t here = from.number(count_bytes);
    directory.members = from.number(count_bytes);
    if (here != directory.members) directory.disks = 1;
    directory.bytes = from.number(size_bytes);
    directory.at = from.number(size_bytes);
    return directory;
  }

  /// Where what is in front of the end ends: of a zip64 that has a longer end of its own there.
  std::uint64_t take_end64(Directory& directory, std::uint64_t end) {
    if (end < locator_bytes) return end;
    const std::string locator = bytes_at(end - locator_bytes, locator_bytes);
    if (!locator.starts_with(locator_mark)) return end;
    Reader to(std::string_view(locator).substr(4), "its zip64 locator");
    std::uint64_t disks = to.number(4);
    const std::uint64_t at = to.number(8);
    if (to.number(4) > 1) disks = 1;
    const std::string record = bytes_at(at, end64_bytes);
    Reader from(record, "its zip64 end");
    from.expect(end64_mark);
    if (from.number(8) != end64_bytes - 12 || at != end - locator_bytes - end64_bytes)
      throw Malformed{"its zip64 end is not where it should be"};
    from.take(4);  // versions
    const Directory narrow = directory;
    directory = read_end(from, 8, 8);
    directory.disks |= disks;
    if (narrow.disks != ones16) directory.disks |= narrow.disks;
    directory.is_counted_in_16_bits = false;
    const auto differs = [](std::uint64_t one, std::uint64_t wide, std::uint64_t ones) {
      return one != wide && one != ones;
    };
    if (differs(narrow.members, directory.members, ones16) ||
        differs(narrow.bytes, directory.bytes, ones32) || differs(narrow.at, directory.at, ones32))
      throw Malformed{"its two ends do not say the same"};
    return at;
  }

  static void require_in_place(const Directory& directory, std::uint64_t end) {
    if (directory.disks != 0)
      throw Malformed{"it is one of several parts: put them together first (zip -s 0)"};
    if (directory.bytes > end || directory.at > end - directory.bytes)
      throw Malformed{"its directory is not where its end says"};
    const std::uint64_t other = end - directory.bytes - directory.at;
    if (other == 0) return;
    throw Malformed{count_of(other) +
                    " of it are in no part of the zip: another zip or a program stands in front "
                    "of it, and would be left out"};
  }

  std::vector<Entry> read_entries(const Directory& directory) {
    if (directory.bytes > directory_bytes_max)
      throw Malformed{"its directory has " + count_of(directory.bytes) + ", which is too much"};
    const std::string bytes = bytes_at(directory.at, directory.bytes);
    Reader from(bytes, "its directory");
    std::vector<Entry> entries;
    while (from.left() > 0) entries.push_back(read_entry(from));
    const std::uint64_t count =
        directory.is_counted_in_16_bits ? entries.size() & ones16 : entries.size();
    if (count != directory.members) {
      throw Malformed{"its directory has " + std::to_string(entries.size()) +
                      " files, and its end says " + std::to_string(directory.members)};
    }
    return entries;
  }

  static Entry read_entry(Reader& from) {
    from.expect(entry_mark);
    from.take(4);  // versions
    Entry entry;
    ZipMember& member = entry.member;
    const std::uint16_t flags = from.number16();
    member.is_encrypted = (flags & flag_encrypted) != 0;
    if ((flags & flag_masked) != 0) throw Malformed{"its directory is encrypted"};
    member.method = from.number16();
    from.take(4);  // time
    member.checksum = from.number32();
    member.packed_bytes = from.number(4);
    member.bytes = from.number(4);
    const std::uint64_t name_bytes = from.number(2);
    const std::uint64_t extra_bytes = from.number(2);
    const std::uint64_t comment_bytes = from.number(2);
    const std::uint64_t disk = from.number(2);
    from.take(6);  // attributes
    entry.at = from.number(4);
    if (disk != 0 && disk != ones16) throw Malformed{"it is one of several parts"};
    member.name = from.take(name_bytes);
    take_zip64(from.take(extra_bytes), "its directory",
               {&member.bytes, &member.packed_bytes, &entry.at});
    from.take(comment_bytes);
    return entry;
  }

  std::uint64_t begin_of_members(std::uint64_t first) {
    if (first == 0) return 0;
    if (first == sums_mark.size() && bytes_at(0, first) == sums_mark) return first;
    throw Malformed{count_of(first) + " stand in front of its first file, and would be left out"};
  }

  /// That the member fills the bytes from `at` up to `next`, and is what its entry says.
  void require_whole(Entry& entry, std::uint64_t at, std::uint64_t next) {
    ZipMember& member = entry.member;
    const std::string what = "what stands in front of " + text_of_path(member.name);
    if (entry.at != at || next - at < member_bytes)
      throw Malformed{what + " is not where it should be"};
    const std::string head = bytes_at(at, member_bytes);
    Reader from(head, what);
    from.expect(member_mark);
    from.take(2);  // version
    const std::uint16_t flags = from.number16();
    const bool has_same_kind = from.number16() == member.method &&
                               ((flags & flag_encrypted) != 0) == member.is_encrypted &&
                               (flags & flag_masked) == 0;
    from.take(4);  // time
    const std::uint32_t checksum = from.number32();
    std::uint64_t packed_bytes = from.number(4);
    std::uint64_t bytes = from.number(4);
    const std::uint64_t name_bytes = from.number(2);
    const std::uint64_t extra_bytes = from.number(2);
    if (name_bytes + extra_bytes > next - at - member_bytes)
      throw Malformed{what + " is too short"};
    const std::string names = bytes_at(at + member_bytes, name_bytes + extra_bytes);
    take_zip64(std::string_view(names).substr(name_bytes), what, {&bytes, &packed_bytes});

    const bool has_sums_behind = (flags & flag_sums_behind) != 0;
    const auto agrees = [has_sums_behind](std::uint64_t said, std::uint64_t in_directory) {
      return said == in_directory || (has_sums_behind && (said == 0 || said == ones32));
    };
    if (!has_same_kind || !names.starts_with(member.name) || name_bytes != member.name.size() ||
        !agrees(checksum, member.checksum) || !agrees(bytes, member.bytes) ||
        !agrees(packed_bytes, member.packed_bytes))
      throw Malformed{what + " does not say what its directory says"};
    member.content_at = at + member_bytes + name_bytes + extra_bytes;
    if (member.packed_bytes > next - member.content_at)
      throw Malformed{text_of_path(member.name) + " reaches into what is behind it"};
    const std::uint64_t behind = member.content_at + member.packed_bytes;
    // Some set the flag, and say it in front all the same.
    const bool is_said =
        checksum == member.checksum && bytes == member.bytes && packed_bytes == member.packed_bytes;
    if (next == behind && (is_said || !has_sums_behind)) return;
    if (has_sums_behind && is_sums(member, behind, next - behind)) return;
    throw Malformed{count_of(next - behind) + " behind " + text_of_path(member.name) +
                    " are of no file that its directory has"};
  }

  /// Behind a member whose sums were not known when it was begun: with a mark or without, with
  /// sizes of 4 bytes or of 8.
  bool is_sums(const ZipMember& member, std::uint64_t at, std::uint64_t count) {
    if (count != 12 && count != 16 && count != 20 && count != 24) return false;
    const std::string bytes = bytes_at(at, count);
    Reader from(bytes, "what stands behind a file");
    if ((count == 16 || count == 24) && from.take(4) != sums_mark) return false;
    const std::uint64_t size_bytes = count >= 20 ? 8 : 4;
    return from.number32() == member.checksum && from.number(size_bytes) == member.packed_bytes &&
           from.number(size_bytes) == member.bytes;
  }

  Source& archive_;
  std::uint64_t length_;
};

}  // namespace

std::vector<ZipMember> members_of_zip(Source& archive) {
  try {
    return Zip(archive).members();
  } catch (const Malformed& malformed) {
    throw damaged(archive.name(), "zip: " + malformed.why);
  }
}

}  // namespace sluice::source
