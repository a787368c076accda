#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "load/report.hpp"

namespace sluice::app {

/// How fast a load is, in this run.
struct Rates {
  double seconds = 0;
  double rows = 0;   ///< a second
  double bytes = 0;  ///< a second
  std::optional<double> fraction;
  std::optional<double> seconds_left;
};

/// How far of how much, in bytes of what lies on the disk: packed ones, where it is packed.
struct Way {
  std::uint64_t done = 0;
  std::uint64_t before = 0;  ///< of these, by an earlier run
  std::optional<std::uint64_t> total;
};
Way way_of(const load::Progress& progress);

std::string_view stage_name(load::Progress::Stage stage);
/// "0:12"
std::string clock_of(double seconds);

/// The line of a terminal so many columns wide. Where not all fits, parts go by their importance:
/// the bar becomes shorter and goes first, then bytes, rows, the rate in bytes; how fast it is and
/// how long it takes stay, and so do rejects and retries as long as they can.
std::string bar_line(const load::Progress& progress, const Rates& rates, std::size_t columns);

}  // namespace sluice::app
