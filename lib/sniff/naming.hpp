#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "base/names.hpp"

namespace sluice::sniff {

/// What a server takes of a name.
inline constexpr std::size_t name_bytes_max = 63;

/// How the names of a table's columns are made.
enum class Naming {
  keep,   ///< as they are in the file
  snake,  ///< "Unit Price (EUR)" is unit_price_eur
};
constexpr auto names_of(Naming) {
  return std::array{Named{Naming::keep, "keep"}, Named{Naming::snake, "snake"}};
}

/// "Unit Price (EUR)" is unit_price_eur.
std::string snake(const std::string& name);

/// As much of a name as a server takes of it with that at its end, in whole characters.
std::string cut(const std::string& name, const std::string& end = "");

/// The table for a file, in SQL: trips-2026.csv.gz is trips_2026.
std::string table_of_file(std::filesystem::path file);

}  // namespace sluice::sniff
