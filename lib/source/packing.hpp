#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/names.hpp"

namespace sluice::source {

/// How bytes are packed.
enum class Packing { none, gzip, zstd, lz4, xz, bzip2, zip, tar, seven_zip };
constexpr auto names_of(Packing) {
  return std::array{Named{Packing::none, "not packed"}, Named{Packing::gzip, "gzip"},
                    Named{Packing::zstd, "zstd"},       Named{Packing::lz4, "lz4"},
                    Named{Packing::xz, "xz"},           Named{Packing::bzip2, "bzip2"},
                    Named{Packing::zip, "zip"},         Named{Packing::tar, "tar"},
                    Named{Packing::seven_zip, "7z"}};
}

/// POSIX: what a tar is made of; its first one is a header.
inline constexpr std::size_t tar_block = 512;

/// What the first bytes are looked at for: tar has its mark behind 257 others.
inline constexpr std::size_t recognised_bytes = tar_block;

/// By content, never by name.
Packing packing_of(std::string_view beginning);

/// Whether members with names of their own are in it.
constexpr bool is_archive(Packing packing) {
  return packing == Packing::zip || packing == Packing::tar || packing == Packing::seven_zip;
}

/// What a file's name says: none for one that says nothing.
Packing packing_of_name(std::string_view name);

/// Whether a whole source is what such a packed file begins with, and has been cut there; an empty
/// one is too.
bool is_cut_magic(std::string_view whole, Packing packing);

/// "trips.csv.gz" is "trips.csv", "trips.tgz" is "trips"; other names stay.
std::string name_without_packing(const std::string& name);

}  // namespace sluice::source
