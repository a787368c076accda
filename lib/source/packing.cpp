#include "source/packing.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice::source {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  Packing packing;
};
constexpr Magic magics[] = {
    {"\x1f\x8b\x08"sv, Packing::gzip},
    {"\x28\xb5\x2f\xfd"sv, Packing::zstd},
    {"\x04\x22\x4d\x18"sv, Packing::lz4},
    {"\x02\x21\x4c\x18"sv, Packing::lz4},
    {"\xfd"
     "7zXZ\0"sv,
     Packing::xz},
    {"PK\x03\x04"sv, Packing::zip},
    {"PK\x05\x06"sv, Packing::zip},
    {"PK\x07\x08"sv, Packing::zip},
    {"7z\xbc\xaf\x27\x1c"sv, Packing::seven_zip},
};

/// A block's mark behind "BZh" and the size of blocks; the second one is that of an empty stream.
constexpr std::string_view bzip2_mark = "\x31\x41\x59\x26\x53\x59"sv;
constexpr std::string_view bzip2_end_mark = "\x17\x72\x45\x38\x50\x90"sv;

bool is_bzip2(std::string_view beginning) {
  if (!beginning.starts_with("BZh") || beginning.size() < 4) return false;
  if (beginning[3] < '1' || beginning[3] > '9') return false;
  const std::string_view behind = beginning.substr(4, bzip2_mark.size());
  // Of a stream that is cut there is less.
  return !behind.empty() && (bzip2_mark.starts_with(behind) || bzip2_end_mark.starts_with(behind));
}

/// POSIX, pax: a header is 512 bytes with the sum of them at 148, for which its own eight count as
/// blanks. An archive without members is zeros, as other things are.
bool is_tar(std::string_view beginning) {
  constexpr std::size_t sum_at = 148;
  constexpr std::size_t sum_bytes = 8;
  if (beginning.size() < tar_block) return false;
  const std::string_view header = beginning.substr(0, tar_block);
  std::uint64_t sum = sum_bytes * ' ';
  for (std::size_t i = 0; i < header.size(); ++i)
    if (i < sum_at || i >= sum_at + sum_bytes) sum += static_cast<unsigned char>(header[i]);
  std::uint64_t told = 0;
  bool has_digits = false;
  for (const char c : header.substr(sum_at, sum_bytes)) {
    if (c == ' ' && !has_digits) continue;
    if (c < '0' || c > '7') break;
    told = told * 8 + static_cast<unsigned>(c - '0');
    has_digits = true;
  }
  return has_digits && told == sum;
}

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

/// Frames that zstd and lz4 both skip: what is behind them decides, if it can be seen.
Packing packing_behind_skippable(std::string_view bytes) {
  constexpr std::size_t header = 8;
  while (bytes.size() >= header && (little_endian(bytes) & 0xFFFFFFF0U) == 0x184D2A50U) {
    const std::uint64_t behind = header + std::uint64_t{little_endian(bytes.substr(4))};
    if (behind + 4 > bytes.size()) return Packing::zstd;
    bytes.remove_prefix(behind);
  }
  return packing_of(bytes);
}

struct Ending {
  std::string_view text;
  Packing packing;
  bool is_replaced;  ///< "trips.tgz" has no ending of its own below
};
constexpr Ending endings[] = {{".gz", Packing::gzip, false},     {".bgz", Packing::gzip, false},
                              {".tgz", Packing::gzip, true},     {".zst", Packing::zstd, false},
                              {".zstd", Packing::zstd, false},   {".tzst", Packing::zstd, true},
                              {".lz4", Packing::lz4, false},     {".xz", Packing::xz, false},
                              {".txz", Packing::xz, true},       {".bz2", Packing::bzip2, false},
                              {".tbz2", Packing::bzip2, true},   {".tbz", Packing::bzip2, true},
                              {".zip", Packing::zip, false},     {".tar", Packing::tar, false},
                              {".7z", Packing::seven_zip, false}};

const Ending* ending_of(std::string_view name) {
  for (const Ending& ending : endings)
    if (name.ends_with(ending.text) && name.size() > ending.text.size()) return &ending;
  return nullptr;
}

}  // namespace

Packing packing_of(std::string_view beginning) {
  for (const Magic& magic : magics)
    if (beginning.starts_with(magic.bytes)) return magic.packing;
  if (is_bzip2(beginning)) return Packing::bzip2;
  if (beginning.size() >= 8 && (little_endian(beginning) & 0xFFFFFFF0U) == 0x184D2A50U)
    return packing_behind_skippable(beginning);
  return is_tar(beginning) ? Packing::tar : Packing::none;
}

Packing packing_of_name(std::string_view name) {
  const Ending* const ending = ending_of(name);
  return ending == nullptr ? Packing::none : ending->packing;
}

bool is_cut_magic(std::string_view whole, Packing packing) {
  if (packing == Packing::none) return false;
  if (whole.empty()) return true;
  if (packing == Packing::bzip2) return "BZh"sv.starts_with(whole.substr(0, 3)) && whole.size() < 5;
  return std::ranges::any_of(magics, [&](const Magic& magic) {
    return magic.packing == packing && magic.bytes.starts_with(whole);
  });
}

std::string name_without_packing(const std::string& name) {
  std::string rest = name;
  // "trips.tar.gz"
  for (const Ending* ending = ending_of(rest); ending != nullptr; ending = ending_of(rest)) {
    rest.resize(rest.size() - ending->text.size());
    if (ending->is_replaced) break;
  }
  return rest;
}

}  // namespace sluice::source
