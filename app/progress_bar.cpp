#include "app/progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/quantity.hpp"

namespace sluice::app {
namespace {

/// One part of the line; those of the greatest `turn` go first.
struct Part {
  std::string text;
  int turn = 0;
};

std::size_t width_of(const std::vector<Part>& parts) {
  std::size_t width = 0;
  for (const Part& part : parts) width += part.text.size() + (width == 0 ? 2 : 3);
  return width;
}

std::string joined(const std::vector<Part>& parts) {
  std::string line;
  for (const Part& part : parts) line += (line.empty() ? "  " : "   ") + part.text;
  return line;
}

std::string bar_of(double fraction, std::size_t cells) {
  const auto full =
      std::min(cells, static_cast<std::size_t>(fraction * static_cast<double>(cells)));
  return std::string(full, '#') + std::string(cells - full, '-');
}

bool is_in_one_step(load::Progress::Stage stage) {
  using Stage = load::Progress::Stage;
  return stage == Stage::verifying || stage == Stage::indexing || stage == Stage::publishing;
}

constexpr std::size_t cells_max = 24;
constexpr std::size_t cells_min = 8;

}  // namespace

Way way_of(const load::Progress& p) {
  if (p.packed_total) return {p.packed_done, p.packed_before, p.packed_total};
  return {p.bytes_done, p.bytes_before, p.bytes_total};
}

std::string_view stage_name(load::Progress::Stage stage) {
  switch (stage) {
    case load::Progress::Stage::preparing: return "preparing";
    case load::Progress::Stage::verifying: return "comparing with the earlier load";
    case load::Progress::Stage::loading: return "loading";
    case load::Progress::Stage::indexing: return "building indexes";
    case load::Progress::Stage::publishing: return "publishing";
    case load::Progress::Stage::finishing: return "finishing";
  }
  return "";
}

std::string clock_of(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string bar_line(const load::Progress& p, const Rates& r, std::size_t columns) {
  std::vector<Part> parts;
  if (is_in_one_step(p.stage)) {
    parts.push_back({std::string(stage_name(p.stage)), 0});
  } else if (r.fraction) {
    parts.push_back({fmt::format("{:2.0f}%", *r.fraction * 100), 1});
  }
  if (p.files_total > 0) {
    parts.push_back(
        {format_count(p.files_done) + " of " + format_count(p.files_total) + " files", 0});
  }
  const Way way = way_of(p);
  parts.push_back({format_decimal_bytes(way.done) +
                       (way.total ? " of " + format_decimal_bytes(*way.total) : "") +
                       (p.packed_total ? " packed" : ""),
                   6});
  parts.push_back({format_count(p.rows_before + p.rows_stored) + " rows", 5});
  parts.push_back({format_rate(r.rows), 0});
  parts.push_back({format_decimal_bytes(static_cast<std::uint64_t>(r.bytes)) + "/s", 4});
  if (r.seconds_left) parts.push_back({"ETA " + clock_of(*r.seconds_left), 0});
  if (p.waits_for_replica) parts.push_back({"a replica is behind", 0});
  if (p.rows_rejected > 0) parts.push_back({format_count(p.rows_rejected) + " rejected", 2});
  if (p.retries > 0) parts.push_back({std::to_string(p.retries) + " retries", 3});

  const std::size_t all = parts.size();
  while (width_of(parts) > columns) {
    const auto least = std::ranges::max_element(parts, {}, &Part::turn);
    if (least->turn == 0) break;
    parts.erase(least);
  }
  // The bar has what is left where everything else is there.
  const std::size_t width = width_of(parts) + 1;
  const bool has_bar =
      parts.size() == all && r.fraction && !is_in_one_step(p.stage) && width + cells_min <= columns;
  if (has_bar)
    parts.front().text += " " + bar_of(*r.fraction, std::min(cells_max, columns - width));
  return joined(parts).substr(0, columns);
}

}  // namespace sluice::app
