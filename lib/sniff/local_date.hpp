#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sniff/value_kind.hpp"

namespace sluice::sniff {

/// 31/12/2025, 12/31/25, 2025.12.31, 31-Dec-2025, each maybe with a time behind it. Nothing where a
/// day or a month is none, or where a reading in no order is a date.
std::optional<LocalDate> read_local_date(std::string_view text);

/// Its format in the words of --date-format. REQUIRES: one order is left.
std::string format_of(const LocalDate& date);

}  // namespace sluice::sniff
