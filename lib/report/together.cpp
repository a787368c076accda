#include "report/together.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "report/inspect.hpp"

namespace sluice::report {
namespace {

using Numbers = std::vector<std::size_t>;

std::string in_quotes(const std::string& name) { return "\"" + printable_line(name) + "\""; }

/// "a.csv, b.csv and 12 more"
std::string named(const sniff::Together& files, const Numbers& numbers) {
  static constexpr std::size_t named_max = 5;
  std::string text;
  for (std::size_t i = 0; i < numbers.size() && i < named_max; ++i)
    text += (i == 0 ? "" : ", ") + printable_line(files.files()[numbers[i]].shown);
  if (numbers.size() > named_max)
    text += " and " + format_count(numbers.size() - named_max) + " more";
  return text;
}

Numbers all_of(const sniff::Together& files) {
  Numbers numbers;
  for (std::size_t i = 0; i < files.files().size(); ++i) numbers.push_back(i);
  return numbers;
}

Numbers without(const sniff::Together& files, const sniff::ColumnOfMany& column) {
  Numbers numbers;
  for (const std::size_t i : all_of(files))
    if (!column.is_of(i)) numbers.push_back(i);
  return numbers;
}

Numbers with(const sniff::Together& files, const sniff::ColumnOfMany& column) {
  Numbers numbers;
  for (const std::size_t i : all_of(files))
    if (column.is_of(i)) numbers.push_back(i);
  return numbers;
}

std::string types_of(const sniff::Together& files, const sniff::ColumnOfMany& column) {
  std::string text;
  for (const auto& [type, numbers] : column.files_by_type)
    text += (text.empty() ? "" : "; ") + type + " in " + named(files, numbers);
  return text;
}

/// Where the files are not of one shape.
std::vector<std::string> differences_of(const sniff::Together& files) {
  std::vector<std::string> differences;
  const std::vector<sniff::ColumnType> types = files.types();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const sniff::ColumnOfMany& column = files.columns()[i];
    const Numbers missing = without(files, column);
    const Numbers there = with(files, column);
    const std::string name = in_quotes(column.name);
    if (!missing.empty() && there.size() <= missing.size())
      differences.push_back(name + " is only in " + named(files, there));
    else if (!missing.empty())
      differences.push_back(name + " is not in " + named(files, missing));
    if (column.files_by_type.size() > 1)
      differences.push_back(
          fmt::format("{} is {}: {} takes all", name, types_of(files, column), types[i].sql));
  }
  if (!files.in_other_order().empty())
    differences.push_back("columns stand in another order in " +
                          named(files, files.in_other_order()));
  return differences;
}

/// Of the table's columns, where that of each file alone does not say it.
std::vector<std::string> remarks_on(const sniff::Together& files) {
  std::vector<std::string> remarks;
  const std::vector<sniff::ColumnType> types = files.types();
  for (std::size_t i = 0; i < types.size(); ++i)
    if (!types[i].why_text.empty())
      remarks.push_back(in_quotes(files.columns()[i].name) + " is text: " + types[i].why_text);
  return remarks;
}

std::string word_of_path(const std::string& path) {
  // A name that begins with a hyphen is no flag.
  return shell_word((path.starts_with('-') && path != "-" ? "./" : "") + path);
}

std::vector<std::string> commands_of(const sniff::Together& files, const std::string& table) {
  std::vector<std::string> commands;
  for (const sniff::Together::Command& command : files.commands()) {
    std::string text = "pgsluice load";
    for (const std::string& path : command.paths) text += " " + word_of_path(path);
    text += " -t " + shell_word(table);
    for (const std::string& flag : command.flags) text += " " + shell_word(flag);
    commands.push_back(std::move(text));
  }
  return commands;
}

}  // namespace

std::string create_table(const sniff::Together& files, const std::string& table) {
  return tuple::create_statement(files.table(), table) + ";\n";
}

std::string text_of(const sniff::Together& files, const std::string& table) {
  std::string text;
  if (files.files().size() > 1) {
    const bool is_one_shape = files.is_one_shape();
    text = fmt::format("{} files {}: {}\n", format_count(files.files().size()),
                       is_one_shape ? "of one shape" : "for one table, which differ",
                       named(files, all_of(files)));
    for (const std::string& difference : differences_of(files)) text += "  " + difference + "\n";
    for (const std::string& remark : remarks_on(files)) text += "  " + remark + "\n";
    text += "\n";
  }
  text += create_table(files, table) + "\n";
  for (const std::string& command : commands_of(files, table)) text += command + "\n";
  return text;
}

nlohmann::ordered_json json_of(const sniff::Together& files, const std::string& table) {
  nlohmann::ordered_json json{{"files", nlohmann::ordered_json::array()},
                              {"one_shape", files.is_one_shape()},
                              {"differences", differences_of(files)},
                              {"columns", nlohmann::ordered_json::array()}};
  for (const sniff::FileOfMany& file : files.files()) json["files"].push_back(file.shown);
  const std::vector<sniff::ColumnType> types = files.types();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const sniff::ColumnOfMany& column = files.columns()[i];
    nlohmann::ordered_json one{{"column", column.name}, {"type", types[i].sql}};
    for (const std::size_t file : without(files, column))
      one["not_in"].push_back(files.files()[file].shown);
    if (column.files_by_type.size() > 1)
      for (const auto& [type, numbers] : column.files_by_type)
        for (const std::size_t file : numbers)
          one["types"][type].push_back(files.files()[file].shown);
    if (!types[i].why_text.empty()) one["why_text"] = types[i].why_text;
    json["columns"].push_back(std::move(one));
  }
  json["create_table"] = create_table(files, table);
  json["commands"] = commands_of(files, table);
  return json;
}

}  // namespace sluice::report
