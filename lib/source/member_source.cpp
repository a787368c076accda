#include "source/member_source.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "base/printable.hpp"
#include "decode/decoder.hpp"
#include "source/fingerprint.hpp"
#include "source/seven_zip_memory.hpp"
#include "source/zip_directory.hpp"
#include "source/zip_memory.hpp"

namespace sluice::source {
namespace {

[[noreturn]] void refuse_spreadsheet(const std::string& name, const std::string& kind) {
  throw Failure(FailureKind::usage,
                name + ": is a spreadsheet (" + kind +
                    "), not CSV: save the sheet as CSV first, for example with libreoffice "
                    "--convert-to csv");
}

/// What a file manager leaves beside the files.
bool is_aside(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  return name.starts_with("__MACOSX/") || name.contains("/__MACOSX/") || last == ".DS_Store" ||
         last.starts_with("._");
}

/// What the options mean of an archive, while its members come by.
class Choice {
 public:
  explicit Choice(const UnpackOptions& options) : options_(options) {}

  void look_at(const Member& member, std::size_t place) {
    if (member.name == "[Content_Types].xml" || member.name == "xl/workbook.xml") is_xlsx_ = true;
    if (member.name == "META-INF/manifest.xml" && has_mimetype_) is_ods_ = true;
    if (member.name == "mimetype") has_mimetype_ = true;
    if (!(member.is_file || member.has_content) || is_aside(member.name)) return;
    all_.push_back(member.name);
    if (is_meant(member.name)) meant_.push_back({member, place, false});
  }

  /// Behind the last one: what is the name of a member is no pattern for others.
  void end() {
    if (options_.member) return;
    std::vector<std::string> patterns = options_.members;
    const auto is_name = [this](const std::string& pattern) {
      return std::ranges::find(meant_, pattern, &name_of_chosen) != meant_.end();
    };
    const auto others = std::ranges::partition(patterns, is_name);
    const std::set<std::string> exact(patterns.begin(), others.begin());
    if (exact.empty()) return;
    std::erase_if(meant_, [&](const ChosenMember& each) {
      const auto matches = [&each](const std::string& pattern) {
        return is_match(pattern, each.member.name);
      };
      return !exact.contains(each.member.name) && std::ranges::none_of(others, matches);
    });
  }

  const std::vector<ChosenMember>& meant() const { return meant_; }
  const std::vector<std::string>& all() const { return all_; }

  /// Throws Failure for what no member of can be loaded.
  void require_sound(const std::string& name, Packing packing) const {
    if (is_xlsx_ || is_ods_) refuse_spreadsheet(name, is_xlsx_ ? "xlsx" : "ods");
    const std::string what = std::string(name_of(packing));
    if (all_.empty())
      throw Failure(FailureKind::usage, name + ": there is no file in this " + what);
    if (meant_.empty()) {
      throw Failure(FailureKind::usage, name + ": no file in this " + what +
                                            " matches --member; there are:" + list_of(all_));
    }
    std::set<std::string> names;
    for (const ChosenMember& each : meant_) {
      const Member& member = each.member;
      const std::string whole = name + "!" + member.name;
      if (member.is_encrypted)
        throw Failure(FailureKind::usage, whole +
                                              ": is encrypted: unpack it with its password, and "
                                              "load that");
      if (!member.is_file) {
        throw Failure(FailureKind::usage,
                      whole + ": is no file, whatever its content: leave it out, or unpack it");
      }
      if (member.is_link) {
        throw Failure(FailureKind::usage,
                      whole + ": is a link to another member of the archive: name that one");
      }
      if (!names.insert(member.name).second) {
        throw Failure(FailureKind::usage, whole +
                                              ": is in the archive twice, and it does not say "
                                              "which one counts: unpack it, and load that");
      }
    }
  }

  void require_one(const std::string& name) const {
    if (meant_.size() == 1) return;
    std::vector<std::string> names;
    for (const ChosenMember& each : meant_) names.push_back(each.member.name);
    throw Unreadable(FailureKind::usage,
                     name + ": has " + std::to_string(names.size()) +
                         " files; say which ones: --member NAME, or --member '*.csv' for one load "
                         "each:" +
                         list_of(names),
                     "with --member");
  }

 private:
  bool is_meant(const std::string& name) const {
    if (options_.member) return name == *options_.member;
    return options_.members.empty() ||
           std::ranges::any_of(options_.members, [&name](const std::string& pattern) {
             return pattern == name || is_match(pattern, name);
           });
  }

  static const std::string& name_of_chosen(const ChosenMember& chosen) {
    return chosen.member.name;
  }
  static bool is_match(const std::string& pattern, const std::string& name) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  }

  static std::string list_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 20;
    std::string text;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
      text += "\n  " + printable_line(names[i]);
    if (names.size() > most) text += "\n  and " + std::to_string(names.size() - most) + " more";
    return text;
  }

  const UnpackOptions& options_;
  std::vector<std::string> all_;
  std::vector<ChosenMember> meant_;
  bool is_xlsx_ = false;
  bool has_mimetype_ = false;
  bool is_ods_ = false;
};

/// The first member's name, which stands in front of it (APPNOTE.TXT 4.3.7).
std::string first_name_in_zip(Source& archive) {
  constexpr std::size_t length_at = 26;
  constexpr std::size_t name_at = 30;
  constexpr std::size_t name_max = 255;
  const std::string head = archive.beginning(name_at + name_max);
  if (head.size() < name_at) return "";
  const std::size_t length = static_cast<unsigned char>(head[length_at]) +
                             (static_cast<unsigned char>(head[length_at + 1]) << 8U);
  return head.substr(name_at, length);
}

void require_file(Source& archive, Packing packing) {
  if (packing == Packing::tar || archive.length()) return;
  const std::string first = packing == Packing::zip ? first_name_in_zip(archive) : "";
  if (first == "[Content_Types].xml" || first.starts_with("_rels/") || first.starts_with("xl/"))
    refuse_spreadsheet(archive.name(), "xlsx");
  if (first == "mimetype") refuse_spreadsheet(archive.name(), "ods");
  throw Failure(FailureKind::usage,
                archive.name() + ": a " + std::string(name_of(packing)) +
                    " has its directory at its end, so it cannot be read while it comes (from "
                    "stdin, as an upload, out of another archive): load it from the disk, or pack "
                    "what is in it with gzip or zstd");
}

void require_memory(std::uint64_t needed, const UnpackOptions& options, const std::string& where) {
  if (needed <= options.memory_max) return;
  throw Failure(
      FailureKind::usage,
      where + decode::Defect::memory(needed, options.memory_max).what() + " (see --decode-memory)");
}

/// Streams are unpacked here, with what is allowed for each; a 7z by the library.
void require_memory(Source& archive, Packing packing, const UnpackOptions& options) {
  if (packing != Packing::seven_zip) return;
  const std::uint64_t needed = memory_of_seven_zip(archive, options.memory_max);
  archive.rewind();
  require_memory(needed, options, archive.name() + ": 7z: ");
}

/// So are the members of a zip that have a dictionary.
void require_memory_of_members(Source& archive, const std::vector<ZipMember>& members,
                               const Choice& choice, const UnpackOptions& options) {
  for (const ChosenMember& each : choice.meant()) {
    require_memory(memory_of_zip_member(archive, members[each.place]), options,
                   archive.name() + "!" + each.member.name + ": zip: ");
  }
  archive.rewind();
}

/// The library goes by the directory too: in this order, and with these sizes.
void require_same(const Member& seen, const std::vector<ZipMember>& members, std::size_t place,
                  const std::string& name) {
  if (place < members.size() && (!seen.is_file || seen.bytes.value_or(0) == members[place].bytes))
    return;
  throw damaged(name, "zip: " + seen.name + " is read in two ways");
}

Choice look_through(Source& archive, Packing packing, const UnpackOptions& options) {
  require_file(archive, packing);
  require_memory(archive, packing, options);
  const bool is_zip = packing == Packing::zip;
  std::vector<ZipMember> zip_members;
  if (is_zip) zip_members = members_of_zip(archive);
  archive.rewind();
  Choice choice(options);
  ArchiveReader reader(archive, packing);
  Member member;
  std::size_t place = 0;
  for (; reader.next(member); ++place) {
    if (is_zip) {
      require_same(member, zip_members, place, archive.name());
      member.has_content = zip_members[place].bytes > 0;
    }
    choice.look_at(member, place);
  }
  if (is_zip && place != zip_members.size())
    throw damaged(archive.name(), "zip: " + zip_members[place].name + " is not read");
  choice.end();
  choice.require_sound(archive.name(), packing);
  if (is_zip) require_memory_of_members(archive, zip_members, choice, options);
  return choice;
}

/// What is behind the first one that is meant comes when that one was read.
ChosenMember choose_first(Source& archive, Packing packing, const UnpackOptions& options) {
  require_file(archive, packing);
  Choice choice(options);
  ArchiveReader reader(archive, packing);
  Member member;
  for (std::size_t place = 0; choice.meant().empty() && reader.next(member); ++place)
    choice.look_at(member, place);
  choice.require_sound(archive.name(), packing);
  ChosenMember first = choice.meant().front();
  first.is_only_so_far = true;
  return first;
}

/// Members of one archive are files of their own, whose archive's stamp they have: the inode's
/// place names the member too.
std::string stamp_of_member(const std::string& stamp, const std::string& member) {
  const std::string_view file = file_of_stamp(stamp);
  if (file.empty()) return stamp;
  return std::string(file) + "!" + head_digest(member) + stamp.substr(file.size());
}

}  // namespace

ChosenMember choose_member(Source& archive, Packing packing, const UnpackOptions& options) {
  if (archive.comes_once()) return choose_first(archive, packing, options);
  const Choice choice = look_through(archive, packing, options);
  choice.require_one(archive.name());
  return choice.meant().front();
}

MemberSource::MemberSource(std::unique_ptr<Source> inner, Packing packing,
                           const UnpackOptions& options, ChosenMember chosen)
    : UnpackingSource(std::move(inner), options),
      packing_(packing),
      chosen_(std::move(chosen)),
      name_(UnpackingSource::inner().name() + "!" + chosen_.member.name) {}

MemberSource::~MemberSource() = default;

void MemberSource::begin() {
  reading_.reset();
  read_ = 0;
  is_at_end_ = false;
}

/// A source that was stopped looks like one that was cut off.
std::size_t MemberSource::make(char* into, std::size_t size) {
  try {
    return make_or_fail(into, size);
  } catch (const Failure&) {
    if (is_stopped()) return 0;
    throw;
  }
}

std::size_t MemberSource::make_or_fail(char* into, std::size_t size) {
  if (is_at_end_) return 0;
  if (!reading_) open_member();
  const std::size_t got = reading_->reader->read(into, size);
  read_ += got;
  if (got == 0 && chosen_.is_only_so_far) require_no_other();
  is_at_end_ = got == 0;
  if (is_at_end_ && reading_->archive) options().shelf->give(std::move(reading_));
  return got;
}

void MemberSource::open_member() {
  if (options().shelf) reading_ = options().shelf->take(inner().stamp(), packing_, chosen_.place);
  if (!reading_) {
    reading_ = std::make_unique<ArchiveShelf::Reading>();
    reading_->reader = std::make_unique<ArchiveReader>(inner(), packing_);
  }
  Member member;
  while (reading_->reader->next(member)) {
    if (reading_->next++ < chosen_.place) continue;
    if (member.name == chosen_.member.name) return;
    break;
  }
  throw Failure(FailureKind::changed, name_ + ": is not where it was: the archive has changed");
}

/// In a stream, what is behind the member is known only now.
void MemberSource::require_no_other() {
  Choice choice(options());
  choice.look_at(chosen_.member, 0);
  Member member;
  while (reading_->reader->next(member)) choice.look_at(member, 1);
  choice.require_one(inner().name());
}

std::optional<Source::Packed> MemberSource::packed() const {
  if (const auto below = inner().packed()) return below;
  return Packed{read_, chosen_.member.bytes};
}

std::size_t MemberSource::memory_bytes() const {
  // The library's readers have buffers of their own beside windows that a
  // directory does not tell.
  constexpr std::size_t beside = limits::MiB;
  return inner().memory_bytes() + limits::packed_read_bytes + beside;
}

std::string MemberSource::identity() const {
  return inner().identity() + "!" + chosen_.member.name;
}

std::string MemberSource::stamp_of(const std::string& stamp) const {
  return stamp_of_member(stamp, chosen_.member.name);
}

Members members_in(Source& archive, Packing packing, const UnpackOptions& options) {
  const Choice choice = look_through(archive, packing, options);
  if (options.shelf) options.shelf->keep(archive.stamp(), choice.meant());
  Members members;
  const std::string stamp = archive.stamp();
  for (const ChosenMember& each : choice.meant()) {
    members.meant.push_back(each.member.name);
    members.lengths.push_back(each.member.bytes);
    members.stamps.push_back(stamp_of_member(stamp, each.member.name));
  }
  const std::set<std::string> meant(members.meant.begin(), members.meant.end());
  const auto is_other = [&meant](const std::string& name) { return !meant.contains(name); };
  std::ranges::copy_if(choice.all(), std::back_inserter(members.others), is_other);
  return members;
}

}  // namespace sluice::source
