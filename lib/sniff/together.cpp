#include "sniff/together.hpp"

#include <algorithm>
#include <set>

#include "tuple/likeness.hpp"

namespace sluice::sniff {

std::size_t ColumnOfMany::files() const {
  std::size_t files = 0;
  for (const auto& [type, numbers] : files_by_type) files += numbers.size();
  return files;
}

bool ColumnOfMany::is_of(std::size_t file) const {
  return std::ranges::any_of(files_by_type, [file](const auto& of_type) {
    return std::ranges::binary_search(of_type.second, file);
  });
}

/// Of each of the file's columns the one that it is; each is one column's at most. An exact name
/// comes first, as in tuple::map_by_name().
std::vector<std::optional<std::size_t>> Together::places_of(const Proposal& proposal) const {
  std::map<std::string, std::size_t> exact;
  std::map<std::string, std::vector<std::size_t>> alike;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    exact.emplace(columns_[i].name, i);
    alike[tuple::likeness_of(columns_[i].name)].push_back(i);
  }
  const std::vector<std::string> in_file = column_names(proposal, naming_);
  std::vector<std::optional<std::size_t>> places(in_file.size());
  std::set<std::size_t> taken;
  for (std::size_t i = 0; i < in_file.size(); ++i)
    if (const auto found = exact.find(in_file[i]); found != exact.end()) {
      places[i] = found->second;
      taken.insert(found->second);
    }
  for (std::size_t i = 0; i < in_file.size(); ++i) {
    const auto found = alike.find(tuple::likeness_of(in_file[i]));
    if (places[i] || found == alike.end() || found->second.size() != 1) continue;
    if (taken.insert(found->second.front()).second) places[i] = found->second.front();
  }
  return places;
}

std::optional<std::size_t> Together::shared_with(const Proposal& proposal) const {
  const auto places = places_of(proposal);
  const auto shared = static_cast<std::size_t>(
      std::ranges::count_if(places, [](const auto& place) { return place.has_value(); }));
  const bool is_of_them = 2 * shared >= std::max(places.size(), columns_.size());
  return is_of_them ? std::optional(shared) : std::nullopt;
}

void Together::add(FileOfMany file, const Proposal& proposal) {
  const std::size_t number = files_.size();
  const auto places = places_of(proposal);
  const std::vector<std::string> in_file = column_names(proposal, naming_);
  const std::vector<ColumnType> types = types_of(proposal);
  Read read;
  std::vector<std::string> in_table;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t place = places[i].value_or(columns_.size());
    if (!places[i]) columns_.push_back({.name = in_file[i]});
    ColumnOfMany& column = columns_[place];
    column.seen.merge(proposal.columns[i].seen);
    column.files_by_type[types[i].sql].push_back(number);
    read.columns.push_back(place);
    in_table.push_back(column.name);
  }
  read.flags = reading_flags_of(proposal, in_table);
  read.flags.insert(read.flags.end(), file.more_flags.begin(), file.more_flags.end());
  // What is new in it stands behind the others in the table, wherever it is in the file.
  std::vector<std::size_t> known;
  for (const auto& place : places)
    if (place) known.push_back(*place);
  if (!std::ranges::is_sorted(known)) in_other_order_.push_back(number);
  files_.push_back(std::move(file));
  reads_.push_back(std::move(read));
}

bool Together::is_one_shape() const {
  return in_other_order_.empty() && std::ranges::all_of(columns_, [this](const ColumnOfMany& c) {
           return c.files_by_type.size() == 1 && c.files() == files_.size();
         });
}

/// Where a file has not got it, its rows have no value.
std::vector<ProposedColumn> Together::merged() const {
  std::vector<ProposedColumn> columns;
  for (const ColumnOfMany& column : columns_) {
    columns.push_back({.name = column.name, .seen = column.seen});
    if (column.files() < files_.size()) columns.back().seen.add_missing();
  }
  return columns;
}

std::vector<std::string> Together::names() const {
  std::vector<std::string> names;
  for (const ColumnOfMany& column : columns_) names.push_back(column.name);
  return names;
}

std::vector<ColumnType> Together::types() const { return types_of(merged()); }

tuple::NewTable Together::table() const {
  const std::vector<ProposedColumn> columns = merged();
  return table_of(columns, types_of(columns), names());
}

std::vector<Together::Command> Together::commands() const {
  const std::vector<ColumnType> all = types();
  std::vector<Command> commands;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    std::vector<ColumnType> types;
    std::vector<std::string> names;
    std::vector<std::size_t> columns = reads_[i].columns;
    std::ranges::sort(columns);  // in whatever order they stand, they are told the same
    for (const std::size_t column : columns) {
      types.push_back(all[column]);
      names.push_back(columns_[column].name);
    }
    std::vector<std::string> flags = reads_[i].flags;
    for (std::string& flag : flags_of(wishes_of(types, names))) flags.push_back(std::move(flag));
    const auto same = std::ranges::find(commands, flags, &Command::flags);
    if (same != commands.end())
      same->paths.push_back(files_[i].path);
    else
      commands.push_back({.paths = {files_[i].path}, .flags = std::move(flags)});
  }
  return commands;
}

std::vector<Together>::iterator kind_of(std::vector<Together>& all, const Proposal& proposal) {
  auto best = all.end();
  std::size_t most = 0;
  for (auto kind = all.begin(); kind != all.end(); ++kind) {
    const std::optional<std::size_t> shared = kind->shared_with(proposal);
    if (!shared || *shared <= most) continue;
    most = *shared;
    best = kind;
  }
  return best;
}

}  // namespace sluice::sniff
