#include "app/file_columns.hpp"

#include <algorithm>
#include <set>

#include "base/printable.hpp"
#include "chunk/shapes.hpp"
#include "tuple/likeness.hpp"
#include "tuple/mapping.hpp"

namespace sluice::app {
namespace {

/// So much of a stream is looked at: less than what is kept of it.
constexpr std::size_t stream_bytes_max = limits::MiB;
static_assert(stream_bytes_max < limits::stream_kept_bytes);

/// column1, column2 and so on, as many as the usual record has values.
std::vector<std::string> numbered_columns(const OpenedFile& file) {
  const std::vector<chunk::RecordShape> shapes =
      chunk::shapes_of(file.beginning.preamble, file.options.skip_footer);
  std::vector<std::string> names;
  const std::size_t count = shapes.empty() ? 0 : shapes.front().fields;
  for (std::size_t i = 1; i <= count; ++i) names.push_back("column" + std::to_string(i));
  return names;
}

/// As the file calls them, or the flags.
std::vector<std::string> names_in_file(const OpenedFile& file) {
  const plan::LoadOptions& o = file.adopted;
  if (!o.columns.empty()) return o.columns;
  if (o.header == plan::HeaderMode::match) {
    const auto header = plan::header_names(file.beginning.preamble, o);
    return header.value_or(std::vector<std::string>());
  }
  return numbered_columns(file);
}

/// Gives each column of a file its name in the table.
class Naming {
 public:
  Naming(const KnownColumns& known, std::vector<FileColumn>& columns)
      : known_(known), columns_(columns) {
    for (const FileColumn& column : columns_) used_.insert(column.name);
  }

  /// As it was called before, or is called there; what is only like that comes behind all of them.
  void find() {
    std::map<std::string, std::size_t> seen;
    for (FileColumn& column : columns_) {
      const std::size_t before = seen[printable_line(column.in_file)]++;
      if (!column.name.empty()) continue;
      const auto found = known_.of_files.find(printable_line(column.in_file));
      const bool is_known = found != known_.of_files.end() && before < found->second.size();
      name(column, is_known ? found->second[before] : exact(column.in_file));
    }
    for (FileColumn& column : columns_)
      if (column.name.empty() && !column.is_skipped) name(column, alike(column.in_file));
  }

  void make(sniff::Naming naming) {
    std::set<std::string> taken = used_;
    if (known_.are_taken) taken.insert(known_.names.begin(), known_.names.end());
    std::vector<std::string> unnamed;
    // A name that there is none of is that of its place in the file.
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].name.empty())
        unnamed.push_back(columns_[i].in_file.empty() ? "column" + std::to_string(i + 1)
                                                      : columns_[i].in_file);
    std::vector<std::string> made = sniff::column_names(unnamed, naming, std::move(taken));
    std::size_t next = 0;
    for (FileColumn& column : columns_)
      if (column.name.empty()) column.name = std::move(made[next++]);
  }

 private:
  void name(FileColumn& column, const std::string& name) {
    if (!name.empty() && used_.insert(name).second) column.name = name;
  }

  std::string exact(const std::string& name) const {
    return std::ranges::find(known_.names, name) == known_.names.end() ? std::string() : name;
  }

  /// The one that is like it; empty: none, or several.
  std::string alike(const std::string& name) const {
    const std::string likeness = tuple::likeness_of(name);
    std::string found;
    for (const std::string& other : known_.names) {
      if (used_.contains(other) || tuple::likeness_of(other) != likeness) continue;
      if (!found.empty()) return {};
      found = other;
    }
    return found;
  }

  const KnownColumns& known_;
  std::vector<FileColumn>& columns_;
  std::set<std::string> used_{};
};

}  // namespace

OpenedFile read_file(plan::LoadOptions options, std::shared_ptr<source::Source> source) {
  OpenedFile file{
      .options = std::move(options), .adopted = {}, .source = std::move(source), .beginning = {}};
  if (file.source->comes_once()) {
    file.options.opened = file.source;
    file.is_long_stream = file.source->beginning(stream_bytes_max).size() == stream_bytes_max;
  }
  file.beginning = plan::read_beginning(*file.source, file.options);
  file.adopted = file.options;
  plan::adopt(file.adopted, file.beginning.preamble);
  return file;
}

std::vector<FileColumn> columns_of_file(const OpenedFile& file, sniff::Naming naming,
                                        const KnownColumns& known) {
  const plan::LoadOptions& o = file.options;
  const std::vector<std::string> names = names_in_file(file);
  const std::vector<tuple::WantedColumn> wanted = tuple::wanted_columns(
      names, {.renames = o.renames, .maps = o.maps, .skipped = o.skipped_columns},
      file.source->name());
  std::vector<FileColumn> columns;
  for (std::size_t i = 0; i < names.size(); ++i)
    columns.push_back({.in_file = names[i],
                       .name = wanted[i].renamed.value_or(""),
                       .is_skipped = wanted[i].skipped});
  Naming names_of_table(known, columns);
  names_of_table.find();
  names_of_table.make(naming);
  for (FileColumn& column : columns)
    column.is_new =
        !column.is_skipped && std::ranges::find(known.names, column.name) == known.names.end();
  return columns;
}

void add_columns(const std::vector<FileColumn>& columns, KnownColumns& known) {
  std::map<std::string, std::size_t> seen;
  for (const FileColumn& column : columns) {
    const std::string key = printable_line(column.in_file);
    std::vector<std::string>& names = known.of_files[key];
    if (seen[key]++ == names.size()) names.push_back(column.name);
    if (column.is_new) known.names.push_back(column.name);
  }
}

void name_columns(const OpenedFile& file, const std::vector<FileColumn>& columns,
                  plan::LoadOptions& options) {
  const bool has_header = file.adopted.header == plan::HeaderMode::match;
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  const bool is_said = has_header && options.columns.empty() && options.maps.empty() &&
                       options.renames.empty() && names == names_in_file(file);
  if (names.empty() || is_said) return;
  options.columns = std::move(names);
  options.maps.clear();
  options.renames.clear();
  options.skipped_columns.clear();
  for (const FileColumn& column : columns)
    if (column.is_skipped) options.skipped_columns.push_back(column.name);
  options.header = has_header ? plan::HeaderMode::skip : file.adopted.header;
  options.header_given = true;
}

sniff::Seen look_through(OpenedFile& file, const std::vector<FileColumn>& columns,
                         const Reader& reader) {
  const plan::LoadOptions& o = file.adopted;
  const sniff::Manner manner{.chunks = {.dialect = o.dialect,
                                        .record_bytes_max = o.record_bytes_max,
                                        .form = o.scanner,
                                        .record_lines_max = o.record_lines_max,
                                        .cuts_open_records = true,
                                        .footer_lines = o.skip_footer},
                             .policy = o.record_policy,
                             .values = o.values,
                             .is_stopped = [&reader] { return reader.is_stopped(); }};
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  sniff::Seen seen;
  seen.columns.resize(columns.size());
  if (!file.is_long_stream)
    seen = sniff::look_through(*file.source, file.beginning.preamble, manner, names,
                               sniff::effort_of_machine());
  file.source->rewind();
  return seen;
}

}  // namespace sluice::app
