#include "app/table_maker.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/sniffed.hpp"
#include "base/quantity.hpp"
#include "report/inspect.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

/// What of a type a load is told by flags, as the ledger keeps it.
json json_of(const sniff::ColumnType& type) {
  json kept = json::object();
  if (type.decimal_comma) kept["decimal"] = ",";
  if (!type.thousands.empty()) kept["thousands"] = type.thousands;
  if (!type.date_format.empty()) kept["date-format"] = type.date_format;
  if (!type.nulls.empty()) kept["null-for"] = type.nulls;
  if (type.null_quoted) kept["null-quoted"] = true;
  return kept;
}

sniff::ColumnType type_of(const json& kept) {
  return {.decimal_comma = kept.contains("decimal"),
          .thousands = kept.value("thousands", ""),
          .date_format = kept.value("date-format", ""),
          .nulls = kept.value("null-for", std::vector<std::string>()),
          .null_quoted = kept.value("null-quoted", false)};
}

bool needs_flags(const sniff::ColumnType& type) { return !json_of(type).empty(); }

bool is_of_time(const std::string& type) {
  return type == "date" || type == "time" || type == "timestamp" || type == "timestamptz";
}

/// What a value of --add is.
std::string type_of_added(std::string_view value) {
  if (value == ":line" || value == ":record" || value == ":load") return "bigint";
  return value == ":now" ? "timestamptz" : "text";
}

std::string words_of(const tuple::ValueWishes& wishes) {
  std::string words;
  for (const std::string& flag : sniff::flags_of(wishes))
    words += (words.empty() ? "" : " ") + report::shell_word(flag);
  return words;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace

bool TableMaker::prepare(std::vector<plan::LoadOptions> files) {
  facts_ = ask_about_table(runtime_, files.front());
  if (facts_.is_there) {
    if (!flags_.create.takes_any_table()) refuse_table();
    if (!facts_.made) return false;
    wish_->made_by = facts_.made->load;
    take_over(facts_.made->mark);
    return true;
  }
  for (plan::LoadOptions& options : files) {
    const auto look = [this, &options] { found_.push_back(look_at(std::move(options))); };
    reader_.run(runtime_, look);
  }
  if (columns_.empty()) {
    throw Failure(
        FailureKind::usage,
        "--create: " + std::string(files.size() == 1 ? "the file has" : "the files have") +
            " no columns that a table could have");
  }
  make_wish();
  return true;
}

/// Where no load has made it for itself.
void TableMaker::refuse_table() const {
  if (facts_.made) return;
  throw Failure(FailureKind::usage,
                facts_.name + " is there already, and --create makes a new table",
                "Without --create it is loaded into, and with --create=if-not-exists too; another "
                "name of a table makes another one.");
}

/// What an earlier run has kept of the table that it made.
void TableMaker::take_over(const std::string& mark) {
  try {
    const json kept = json::parse(mark);
    wish_->contents = kept.at("for").get<std::set<std::string>>();
    known_.names = kept.at("columns").get<std::vector<std::string>>();
    known_.of_files = kept.at("names").get<std::map<std::string, std::vector<std::string>>>();
    for (const auto& [name, type] : kept.at("read-by").items()) read_by_[name] = type_of(type);
    const auto key = kept.at("primary-key").get<std::vector<std::string>>();
    if (flags_.create.takes_any_table() || key == flags_.create.primary_key) return;
    throw Failure(FailureKind::usage,
                  fmt::format("{} is there already: load {} made it with {}", flags_.load.table,
                              wish_->made_by->value,
                              key.empty() ? "no primary key"
                                          : fmt::format("--primary-key {}", fmt::join(key, ","))),
                  "Write the command as it was then, or drop the table.");
  } catch (const json::exception&) {
    throw Failure(
        FailureKind::failed,
        fmt::format("what load {} has kept in the ledger of the table that it made cannot "
                    "be read: leave --create out",
                    wish_->made_by->value));
  }
}

/// Blocking.
TableMaker::Found TableMaker::look_at(plan::LoadOptions options) {
  const std::shared_ptr<source::Source> source = reader_.open(options);
  if (flags_.finds_dialect) options = with_dialect_of(flags_, options, {});
  OpenedFile file = read_file(std::move(options), source);
  Found found{.options = file.options,
              .columns = columns_of_file(file, flags_.create.naming_or_keep(), known_)};
  name_columns(file, found.columns, found.options);
  if (!wish_->made_by) add(file, found.columns);
  source->rewind();  // what comes once is its load's too
  return found;
}

/// The columns of one more file, which may be those of others.
void TableMaker::add(OpenedFile& file, const std::vector<FileColumn>& columns) {
  wish_->contents.insert(file.beginning.digests.fingerprint);
  if (columns.empty()) return;
  ++files_read_;
  if (file.is_long_stream) long_stream_ = file.source->name();
  const sniff::Seen seen = look_through(file, columns, reader_);
  const bool may_be_other = file.options.encoding.empty() && !facts_.takes_any_bytes &&
                            std::getenv("PGCLIENTENCODING") == nullptr;
  if (seen.not_utf8 && may_be_other && !file.options.rejects.allow_any()) {
    throw Failure(FailureKind::usage,
                  fmt::format("{}: no UTF-8, at byte {}: say --encoding (pgsluice inspect says "
                              "which are likely)",
                              file.source->name(), *seen.not_utf8));
  }
  add_columns(columns, known_);
  columns_.resize(known_.names.size());
  files_with_.resize(known_.names.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].is_skipped) continue;
    const auto at = std::ranges::find(known_.names, columns[i].name) - known_.names.begin();
    const auto place = static_cast<std::size_t>(at);
    columns_[place].name = columns[i].name;
    columns_[place].seen.merge(seen.columns[i]);
    ++files_with_[place];
  }
}

/// Of each column the type that keeps its values as the flags read them.
std::vector<sniff::ColumnType> TableMaker::choose_types() {
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (files_with_[i] < files_read_) columns_[i].seen.add_missing();
  std::vector<sniff::ColumnType> types = sniff::types_of(columns_);
  const tuple::ValueWishes& said = flags_.load.values;
  const bool says_signs = !said.decimal.empty() || !said.thousands.empty();
  const bool no_times = flags_.create.temp_types == TempTypes::text;
  for (sniff::ColumnType& type : types) {
    const bool has_signs = type.decimal_comma || !type.thousands.empty();
    if (!long_stream_.empty() || (no_times && is_of_time(type.sql))) type = {};
    if (!says_signs || !has_signs) continue;
    type = {};
    type.why_text = "not all of its numbers are as --decimal and --thousands have them";
  }
  return types;
}

void TableMaker::make_wish() {
  const std::vector<sniff::ColumnType> types = choose_types();
  for (std::size_t i = 0; i < types.size(); ++i)
    if (needs_flags(types[i])) read_by_[known_.names[i]] = types[i];
  tuple::NewTable& table = wish_->table;
  table = sniff::table_of(columns_, types, known_.names);
  for (const std::string& wish : flags_.load.values.added) {
    const std::string name = wish.substr(0, wish.find('='));
    if (name == wish || std::ranges::find(known_.names, name) != known_.names.end()) continue;
    table.columns.push_back({.name = name, .type = type_of_added(wish.substr(name.size() + 1))});
  }
  table.primary_key = flags_.create.primary_key;
  require_key();
  wish_->mark = mark();
  note_types(types);
}

/// What the server would say of the table, or of each record.
void TableMaker::require_key() const {
  for (const std::string& name : wish_->table.primary_key) {
    const auto refuse = [&name](const std::string& why) {
      throw Failure(FailureKind::usage, "--primary-key " + name + ": " + why);
    };
    const auto column = std::ranges::find(wish_->table.columns, name, &tuple::NewColumn::name);
    if (column == wish_->table.columns.end())
      refuse(fmt::format("there is no such column\n  table: {}", fmt::join(known_.names, ", ")));
    const auto place = static_cast<std::size_t>(column - wish_->table.columns.begin());
    if (place >= columns_.size()) continue;
    const sniff::Column& seen = columns_[place].seen;
    const std::uint64_t words = column->type == "text" ? 0 : seen.null_words();
    const std::uint64_t missing = seen.empty() + words;
    if (missing > 0)
      refuse(fmt::format("{} of {} records have no value of it", format_count(missing),
                         format_count(seen.values())));
  }
}

void TableMaker::note_types(const std::vector<sniff::ColumnType>& types) {
  std::vector<std::string>& notes = wish_->notes;
  if (!long_stream_.empty()) {
    notes.push_back(long_stream_ +
                    " goes on behind what of it can be looked at before it is loaded, so all "
                    "columns are text, which any value is");
    return;
  }
  std::vector<sniff::ColumnType> read_by;
  std::vector<std::string> names;
  for (const auto& [name, type] : read_by_) {
    names.push_back(name);
    read_by.push_back(type);
  }
  if (!names.empty()) {
    notes.push_back("for the types of its columns it is read with " +
                    words_of(sniff::wishes_of(read_by, names)));
  }
  for (std::size_t i = 0; i < types.size(); ++i)
    if (!types[i].why_text.empty())
      notes.push_back("column \"" + known_.names[i] + "\" is text: " + types[i].why_text);
}

std::string TableMaker::mark() const {
  json kept{{"for", wish_->contents},
            {"columns", known_.names},
            {"names", known_.of_files},
            {"read-by", json::object()},
            {"primary-key", flags_.create.primary_key}};
  for (const auto& [name, type] : read_by_) kept["read-by"][name] = json_of(type);
  return kept.dump(-1, ' ', false, json::error_handler_t::replace);
}

plan::LoadOptions TableMaker::options_for(std::size_t file, plan::LoadOptions options) {
  Found found;
  if (file < found_.size()) {
    found = found_[file];
    found.options.more_follows = options.more_follows;
    found.options.others_stored = options.others_stored;
  } else {
    // What comes once may be silent for long.
    std::error_code error;
    const bool is_file = std::filesystem::is_regular_file(options.path, error);
    const auto look = [this, &options, &found] { found = look_at(std::move(options)); };
    if (is_file)
      look();
    else
      reader_.run(runtime_, look);
  }
  add_values(found);
  // One that is loaded into whoever made it is none of --create's any more.
  if (!facts_.is_there || !flags_.create.takes_any_table()) found.options.makes = wish_;
  return std::move(found.options);
}

/// What the file's values mean, of its columns alone.
void TableMaker::add_values(Found& found) const {
  std::vector<sniff::ColumnType> types;
  std::vector<std::string> names;
  for (const FileColumn& column : found.columns) {
    const auto type = read_by_.find(column.name);
    if (column.is_skipped || type == read_by_.end()) continue;
    types.push_back(type->second);
    names.push_back(column.name);
  }
  const tuple::ValueWishes wishes = sniff::wishes_of(types, names);
  tuple::ValueWishes& values = found.options.values;
  append(values.nulls_for, wishes.nulls_for);
  append(values.null_quoted_columns, wishes.null_quoted_columns);
  append(values.date_formats, wishes.date_formats);
  if (values.decimal.empty()) values.decimal = wishes.decimal;
  if (values.thousands.empty()) values.thousands = wishes.thousands;
}

}  // namespace sluice::app
