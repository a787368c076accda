#include "tuple/mapping.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/failure.hpp"
#include "tuple/likeness.hpp"

namespace sluice::tuple {
namespace {

std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

struct Rename {
  std::string from;
  std::string to;
};

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '=') ++i;
    plain += text[i];
  }
  return plain;
}

bool is_escaped(std::string_view text, std::size_t at) { return at > 0 && text[at - 1] == '\\'; }

/// The ways to read a --map, the likeliest first: at the last = that is not escaped, at one in
/// front of that, and then with nothing escaped.
std::vector<Rename> ways_to_read(const std::string& text) {
  std::vector<Rename> ways;
  for (std::size_t at = text.size(); at-- > 1;) {
    if (text[at] == '=' && !is_escaped(text, at))
      ways.push_back({without_escapes(text.substr(0, at)), without_escapes(text.substr(at + 1))});
  }
  for (std::size_t at = text.size(); at-- > 1;)
    if (text[at] == '=') ways.push_back({text.substr(0, at), text.substr(at + 1)});
  return ways;
}

/// The first way that fits the file and the table; else one that fits the file.
Rename read_map(const std::string& text, const std::vector<std::string>& names,
                const Table& table) {
  const std::vector<Rename> ways = ways_to_read(text);
  const Alike columns(names_of(table));
  for (const bool with_table : {true, false}) {
    for (const Rename& way : ways) {
      const bool is_column = table.find(way.to) || columns.find(way.to);
      if (find_named(names, way.from) && (is_column || !with_table)) return way;
    }
  }
  return ways.front();
}

/// Of each of the file's columns what it is called in the table, where a flag says it.
std::vector<std::optional<std::string>> renames_of(const Table& table,
                                                   const std::vector<std::string>& names,
                                                   const MappingOptions& options,
                                                   std::string_view source_name) {
  std::vector<Rename> renames;
  for (const auto& [from, to] : options.renames) renames.push_back({from, to});
  for (const std::string& text : options.maps) renames.push_back(read_map(text, names, table));
  std::vector<std::optional<std::string>> of_names(names.size());
  for (const auto& [from, to] : renames) {
    const auto found = find_named(names, from);
    if (!found) {
      throw Failure(FailureKind::usage,
                    fmt::format("{}: --map {}={}: the file has no column \"{}\"\n  file:  {}",
                                source_name, from, to, from, fmt::join(names, ", ")));
    }
    // Columns of one name are renamed together.
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == names[*found]) of_names[i] = to;
  }
  return of_names;
}

std::vector<bool> skipped_of(const std::vector<std::string>& names, const MappingOptions& options,
                             std::string_view source_name) {
  std::vector<bool> skipped(names.size(), false);
  for (const std::string& name : options.skipped) {
    const auto found = find_named(names, name);
    if (!found) {
      throw Failure(FailureKind::usage,
                    fmt::format("{}: --skip-column {}: the file has no such column\n  file:  {}",
                                source_name, name, fmt::join(names, ", ")));
    }
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == names[*found]) skipped[i] = true;
  }
  return skipped;
}

/// Finds a target for each of the file's columns.
class ByName {
 public:
  ByName(const Table& table, const std::vector<std::string>& names, const MappingOptions& options,
         std::string_view source_name)
      : table_(table),
        names_(names),
        source_name_(source_name),
        renames_(renames_of(table, names, options, source_name)),
        skipped_(skipped_of(names, options, source_name)),
        fed_by_(table.columns.size()) {
    mapping_.targets.resize(names.size());
  }

  Mapping map(bool ignore_extra) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto target = table_.find(wanted(i));
      if (target && !skipped_[i]) feed(i, *target);
    }
    // What has its name exactly comes first, also behind it in the file.
    feed_alike();
    refuse_unknown(ignore_extra);
    for (std::size_t i = 0; i < table_.columns.size(); ++i) {
      if (fed_by_[i].empty() && !table_.columns[i].generated)
        mapping_.missing.push_back(table_.columns[i].name);
    }
    return std::move(mapping_);
  }

 private:
  const std::string& wanted(std::size_t i) const { return renames_[i] ? *renames_[i] : names_[i]; }

  void feed(std::size_t i, std::size_t target) {
    const Column& column = table_.columns[target];
    mapping_.targets[i] = target;
    if (column.generated) {
      throw Failure(FailureKind::usage,
                    fmt::format("{}: column \"{}\" of {} is generated and "
                                "takes no values; leave it out with --skip-column \"{}\"",
                                source_name_, column.name, table_.full_name(), names_[i]));
    }
    if (!fed_by_[target].empty()) {
      throw Failure(
          FailureKind::usage,
          fmt::format("{}: columns \"{}\" and \"{}\" would both go to column \"{}\" of {}; "
                      "say which with --map, or leave one out with --skip-column",
                      source_name_, fed_by_[target], names_[i], column.name, table_.full_name()));
    }
    fed_by_[target] = names_[i];
  }

  void feed_alike() {
    const Alike columns(names_of(table_));
    std::map<std::size_t, std::vector<std::size_t>> alike;  // the file's, by the table's
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (mapping_.targets[i] || skipped_[i]) continue;
      const auto target = columns.find(wanted(i));
      if (target && fed_by_[*target].empty() && !table_.columns[*target].generated)
        alike[*target].push_back(i);
    }
    for (const auto& [target, those] : alike) {
      if (those.size() > 1) continue;
      mapping_.alike.emplace_back(wanted(those.front()), table_.columns[target].name);
      feed(those.front(), target);
    }
  }

  void refuse_unknown(bool ignore_extra) {
    std::vector<std::string> unknown;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (skipped_[i]) {
        mapping_.ignored.push_back(names_[i]);
      } else if (!mapping_.targets[i]) {
        unknown.push_back(wanted(i));
      }
    }
    if (std::ranges::all_of(fed_by_, &std::string::empty)) refuse_all();
    if (!unknown.empty() && !ignore_extra) {
      throw Failure(FailureKind::usage,
                    fmt::format("{}: {} has no column \"{}\"\n  file:  {}\n  table: {}\n"
                                "Rename with --map csv=column, or drop such columns with "
                                "--ignore-extra, or one with --skip-column.",
                                source_name_, table_.full_name(), fmt::join(unknown, "\", \""),
                                fmt::join(names_, ", "), fmt::join(names_of(table_), ", ")));
    }
    mapping_.ignored.insert(mapping_.ignored.end(), unknown.begin(), unknown.end());
  }

  void refuse_all() const {
    throw Failure(
        FailureKind::usage,
        // Without a header it is data, which belong in nobody's log.
        fmt::format(
            "{}: no name in the first record, which has {} value{}, is a column of {}\n  {}: {}\n"
            "If the file has no header, say --header=none; if its names differ, --map csv=column.",
            source_name_, names_.size(), names_.size() == 1 ? "" : "s", table_.full_name(),
            table_.full_name(), fmt::join(names_of(table_), ", ")));
  }

  const Table& table_;
  const std::vector<std::string>& names_;
  std::string_view source_name_;
  std::vector<std::optional<std::string>> renames_;
  std::vector<bool> skipped_;
  std::vector<std::string> fed_by_;  ///< of each of the table's columns
  Mapping mapping_;
};

}  // namespace

bool is_map(const std::string& text) { return !ways_to_read(text).empty(); }

Mapping map_by_name(const Table& table, const std::vector<std::string>& names,
                    const MappingOptions& options, std::string_view source_name) {
  return ByName(table, names, options, source_name).map(options.ignore_extra);
}

std::vector<WantedColumn> wanted_columns(const std::vector<std::string>& names,
                                         const MappingOptions& options,
                                         std::string_view source_name) {
  const std::vector<bool> skipped = skipped_of(names, options, source_name);
  std::vector<std::optional<std::string>> renames = renames_of({}, names, options, source_name);
  std::vector<WantedColumn> wanted;
  for (std::size_t i = 0; i < names.size(); ++i)
    wanted.push_back({.skipped = skipped[i], .renamed = std::move(renames[i])});
  return wanted;
}

Mapping map_by_position(const Table& table) {
  Mapping mapping;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].generated) mapping.targets.emplace_back(i);
  }
  return mapping;
}

}  // namespace sluice::tuple
