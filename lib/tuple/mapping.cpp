#include "tuple/mapping.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/failure.hpp"

namespace sluice::tuple {
namespace {

std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

void refuse_renames_of_nothing(const std::vector<std::string>& names, const MappingOptions& options,
                               std::string_view source_name) {
  for (const auto& [from, to] : options.renames) {
    if (std::ranges::find(names, from) != names.end()) continue;
    throw Failure(FailureKind::usage,
                  fmt::format("{}: --map {}={}: the file has no column \"{}\"\n  file:  {}",
                              source_name, from, to, from, fmt::join(names, ", ")));
  }
}

}  // namespace

Mapping map_by_name(const Table& table, const std::vector<std::string>& names,
                    const MappingOptions& options, std::string_view source_name) {
  refuse_renames_of_nothing(names, options, source_name);
  Mapping mapping;
  std::vector<std::string> unknown;
  std::vector<std::string> fed_by(table.columns.size());
  for (const std::string& name : names) {
    const auto rename = options.renames.find(name);
    const std::string& wanted = rename == options.renames.end() ? name : rename->second;
    const auto target = table.find(wanted);
    mapping.targets.push_back(target);
    if (!target) {
      unknown.push_back(wanted);
      continue;
    }
    const Column& column = table.columns[*target];
    if (column.generated) {
      throw Failure(FailureKind::usage, fmt::format("{}: column \"{}\" of {} is generated and "
                                                    "takes no values; leave it out with --map or "
                                                    "--ignore-extra after renaming it",
                                                    source_name, column.name, table.full_name()));
    }
    if (!fed_by[*target].empty()) {
      throw Failure(
          FailureKind::usage,
          fmt::format("{}: columns \"{}\" and \"{}\" would both go to column \"{}\" of {}; "
                      "say which with --map",
                      source_name, fed_by[*target], name, column.name, table.full_name()));
    }
    fed_by[*target] = name;
  }
  if (unknown.size() == names.size()) {
    throw Failure(
        FailureKind::usage,
        // Without a header it is data, which belong in nobody's log.
        fmt::format(
            "{}: no name in the first record, which has {} value{}, is a column of {}\n  {}: {}\n"
            "If the file has no header, say --header=none; if its names differ, --map csv=column.",
            source_name, names.size(), names.size() == 1 ? "" : "s", table.full_name(),
            table.full_name(), fmt::join(names_of(table), ", ")));
  }
  if (!unknown.empty() && !options.ignore_extra) {
    throw Failure(
        FailureKind::usage,
        fmt::format("{}: {} has no column \"{}\"\n  file:  {}\n  table: {}\n"
                    "Rename with --map csv=column, or drop such columns with --ignore-extra.",
                    source_name, table.full_name(), fmt::join(unknown, "\", \""),
                    fmt::join(names, ", "), fmt::join(names_of(table), ", ")));
  }
  mapping.ignored = std::move(unknown);
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (fed_by[i].empty() && !table.columns[i].generated)
      mapping.missing.push_back(table.columns[i].name);
  }
  return mapping;
}

Mapping map_by_position(const Table& table) {
  Mapping mapping;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].generated) mapping.targets.emplace_back(i);
  }
  return mapping;
}

}  // namespace sluice::tuple
