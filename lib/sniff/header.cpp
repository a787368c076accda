#include "sniff/header.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "csv/dialect.hpp"
#include "sniff/naming.hpp"
#include "tuple/likeness.hpp"

namespace sluice::sniff {
namespace {

/// What people name columns: letters first, no sentence.
bool is_like_name(std::string_view cell) {
  const std::string_view text = csv::without_blanks(cell);
  if (text.empty() || text.size() > name_bytes_max) return false;
  return std::isdigit(static_cast<unsigned char>(text.front())) == 0 &&
         text.find_first_of("\r\n;\t|{}") == std::string_view::npos;
}

enum class Evidence { names, data, none };

/// What one column says.
Evidence evidence_of(const std::string& cell, const Column& rest) {
  const std::string type = rest.type().sql;
  const std::string_view text = csv::without_blanks(cell);
  if (text.empty()) return Evidence::none;
  if (type == "text") {
    const bool has_it = std::ranges::find(rest.examples(), cell) != rest.examples().end();
    return has_it ? Evidence::data : Evidence::none;
  }
  Column with = rest;
  with.add({.text = text.data(), .size = static_cast<std::uint32_t>(text.size())});
  return with.type().sql == "text" ? Evidence::names : Evidence::data;
}

}  // namespace

bool are_names_of(const std::vector<std::string>& cells, const std::vector<std::string>& names) {
  if (cells.empty() || names.empty()) return false;
  std::set<std::string> known;
  for (const std::string& name : names) known.insert(tuple::likeness_of(name));
  const auto found = static_cast<std::size_t>(std::ranges::count_if(
      cells, [&](const std::string& cell) { return known.contains(tuple::likeness_of(cell)); }));
  return found > 0 && found * 2 >= cells.size();
}

HeaderFound find_header(const std::vector<std::string>& first, const std::vector<Column>& rest,
                        const std::vector<std::string>& names) {
  if (are_names_of(first, names)) return {.is_there = true};
  std::size_t for_names = 0;
  std::size_t for_data = 0;
  for (std::size_t i = 0; i < first.size() && i < rest.size(); ++i) {
    const Evidence evidence = evidence_of(first[i], rest[i]);
    if (evidence == Evidence::names) ++for_names;
    if (evidence == Evidence::data) ++for_data;
  }
  const auto filled = std::ranges::count_if(
      first, [](const std::string& cell) { return !csv::without_blanks(cell).empty(); });
  if (filled == 1 && first.size() > 2)
    return {.is_there = false, .doubt = "the first record has one value alone, as a title has"};
  const std::set<std::string> different(first.begin(), first.end());
  const bool may_be_names = different.size() == first.size() && !first.empty();
  const bool are_like_names = may_be_names && std::ranges::all_of(first, is_like_name);
  if (for_names > 0 && for_data == 0 && may_be_names) return {.is_there = true};
  if (for_data > 0 && for_names == 0) return {.is_there = false};
  if (for_names > 0)
    return {.is_there = may_be_names, .doubt = "the first record has both names and values"};
  if (!are_like_names)
    return {.is_there = false, .doubt = "all columns are text, so nothing tells what they are"};
  return {.is_there = true,
          .doubt = "all columns are text, so nothing tells whether the first record names them"};
}

}  // namespace sluice::sniff
