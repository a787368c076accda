#include "report/count_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/quantity.hpp"

namespace sluice::report {
namespace {

constexpr std::array<CountColumn, 4> count_columns{{{"updated", &RowCounts::rows_updated},
                                                    {"unchanged", &RowCounts::rows_unchanged},
                                                    {"skipped", &RowCounts::rows_skipped},
                                                    {"filtered", &RowCounts::rows_filtered}}};

std::string cell(const std::string& text) { return fmt::format("{:>9}  ", text); }

}  // namespace

void show_counts(const RowCounts& counts, std::vector<CountColumn>& shown) {
  std::vector<CountColumn> now;
  for (const CountColumn& column : count_columns) {
    const bool is_shown =
        std::ranges::find(shown, column.count, &CountColumn::count) != shown.end();
    if (is_shown || counts.*column.count > 0) now.push_back(column);
  }
  shown = std::move(now);
}

std::string heads_of(const std::vector<CountColumn>& shown) {
  std::string text;
  for (const CountColumn& column : shown) text += cell(column.head);
  return text;
}

std::string cells_of(const std::vector<CountColumn>& shown, const RowCounts& counts) {
  std::string text;
  for (const CountColumn& column : shown) text += cell(format_count(counts.*column.count));
  return text;
}

std::string dashes_of(const std::vector<CountColumn>& shown) {
  std::string text;
  for (std::size_t i = 0; i < shown.size(); ++i) text += cell("-");
  return text;
}

}  // namespace sluice::report
