#include "report/table.hpp"

#include <algorithm>

#include "base/characters.hpp"

namespace sluice::report {
namespace {

constexpr std::size_t gap = 2;

std::size_t width_of(const Column& column) {
  std::size_t width = terminal_columns(column.head);
  for (const std::string& cell : column.cells) width = std::max(width, terminal_columns(cell));
  return width;
}

std::size_t width_of(const std::vector<Column>& columns) {
  std::size_t width = 0;
  for (const Column& column : columns) {
    const std::size_t own = width_of(column);
    if (own > 0) width += own + (width > 0 ? gap : 0);
  }
  return width;
}

void leave_out_what_has_no_room(std::vector<Column>& columns, std::size_t width) {
  while (width_of(columns) > width) {
    auto first = columns.end();
    for (auto column = columns.begin(); column != columns.end(); ++column) {
      const bool is_first = first == columns.end() || column->gives_way < first->gives_way;
      if (column->gives_way > 0 && is_first) first = column;
    }
    if (first == columns.end()) return;
    columns.erase(first);
  }
}

std::string filled_up(const Column& column, const std::string& cell, std::size_t width) {
  const std::string room(width - terminal_columns(cell), ' ');
  return column.is_number ? room + cell : cell + room;
}

}  // namespace

std::string table_of(std::vector<Column> columns, std::optional<std::size_t> width) {
  std::erase_if(columns, [](const Column& column) { return width_of(column) == 0; });
  if (width) leave_out_what_has_no_room(columns, *width);
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(width_of(column));
  const std::size_t lines = columns.empty() ? 0 : columns.front().cells.size() + 1;
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const Column& column = columns[c];
      if (c > 0) line.append(gap, ' ');
      line += filled_up(column, i == 0 ? column.head : column.cells.at(i - 1), widths[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (width && *width > 0 && terminal_columns(line) > *width)
      line = line.substr(0, bytes_of_columns(line, *width - 1)) + "…";
    text += line + "\n";
  }
  return text;
}

}  // namespace sluice::report
