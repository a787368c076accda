#include "plan/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "plan/meaning.hpp"
#include "tuple/likeness.hpp"

namespace sluice::plan {
namespace {

using Names = std::vector<std::string>;

std::string shown(const std::string& name) { return "\"" + printable_line(name) + "\""; }

std::string listed(const Names& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + shown(name);
  return list;
}

/// Letters and digits of a name, in small letters: TripID and trip_id have the same.
std::string letters_of(const std::string& name) {
  std::string letters;
  // Four bytes each, the highest first.
  const std::string likeness = tuple::likeness_of(name);
  for (std::size_t i = 0; i < likeness.size(); ++i) {
    const char c = likeness[i];
    const bool is_ascii = static_cast<unsigned char>(c) < 0x80;
    const bool counts = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    if (c != '\0' && (!is_ascii || counts)) letters += c;
  }
  return letters;
}

/// A few letters that differ, or one of them within the other.
bool are_alike(const std::string& one, const std::string& other) {
  static constexpr std::size_t telling = 4;    // shorter ones differ by a letter or two anyway
  static constexpr std::size_t longest = 256;  // what claims to be a header may be a whole file
  if (std::max(one.size(), other.size()) > longest) return false;
  const std::string a = letters_of(one);
  const std::string b = letters_of(other);
  if (a.empty() || b.empty()) return false;
  if (a == b) return true;
  if (std::min(a.size(), b.size()) < telling) return false;
  return a.contains(b) || b.contains(a) || nearest(a, {b}).has_value();
}

std::set<std::string> likenesses_of(const Names& names) {
  std::set<std::string> likenesses;
  for (const std::string& name : names) likenesses.insert(tuple::likeness_of(name));
  return likenesses;
}

/// The names of one load against those of the next.
class Comparison {
 public:
  Comparison(const FormerColumns& then, const std::vector<SourceColumn>& now)
      : then_(then), now_(now) {
    Names fed;
    for (const auto& field : then_.fields)
      if (field) fed.push_back(*field);
    fed_.insert(fed.begin(), fed.end());
    known_ = likenesses_of(fed);
    if (then_.left_out) known_.merge(likenesses_of(*then_.left_out));
    knows_all_ = then_.left_out || fed.size() == then_.fields.size();
    for (const SourceColumn& column : now_) {
      if (column.feeds) feeds_.insert(*column.feeds);
      has_.insert(tuple::likeness_of(column.name));
    }
  }

  Drift run() {
    for (std::size_t i = 0; i < now_.size(); ++i)
      if (is_new(now_[i])) added_.push_back(i);
    for (std::size_t i = 0; i < then_.fields.size(); ++i)
      if (then_.fields[i] && is_missing(*then_.fields[i])) missing_.push_back(i);
    pair([this](std::size_t then, std::size_t now) {
      return are_alike(*then_.fields[then], now_[now].name);
    });
    // Where all else has its place, what stands in the place of another is that one.
    const bool as_many = then_.fields.size() == now_.size();
    pair([as_many](std::size_t then, std::size_t now) { return as_many && then == now; });
    for (const std::size_t i : added_) drift_.added.push_back(now_[i].name);
    for (const std::size_t i : missing_) drift_.missing.push_back(*then_.fields[i]);
    return std::move(drift_);
  }

 private:
  /// What went nowhere then is no news, and neither is what goes nowhere now: flags say that, or
  /// the table.
  bool is_new(const SourceColumn& column) const {
    if (column.feeds && fed_.contains(*column.feeds)) return false;
    return knows_all_ && !known_.contains(tuple::likeness_of(column.name));
  }

  bool is_missing(const std::string& fed) const {
    return !feeds_.contains(fed) && !has_.contains(tuple::likeness_of(fed));
  }

  /// Takes those that belong together out of both.
  template <class Belong>
  void pair(const Belong& belong) {
    std::erase_if(missing_, [&](std::size_t then) {
      const auto now =
          std::ranges::find_if(added_, [&](std::size_t at) { return belong(then, at); });
      if (now == added_.end()) return false;
      drift_.renamed.push_back({.then = *then_.fields[then], .now = now_[*now].name});
      added_.erase(now);
      return true;
    });
  }

  const FormerColumns& then_;
  const std::vector<SourceColumn>& now_;
  std::set<std::string> fed_;    ///< then
  std::set<std::string> known_;  ///< then, what all its columns are like, as far as that is known
  bool knows_all_ = false;
  std::set<std::string> feeds_;  ///< now
  std::set<std::string> has_;    ///< now, what all columns are like
  std::vector<std::size_t> added_;
  std::vector<std::size_t> missing_;
  Drift drift_;
};

std::string map_flag(const Drift::Renamed& renamed) {
  std::string word;
  for (const char c : printable_line(renamed.now + "=" + renamed.then))
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "--map '" + word + "'";
}

}  // namespace

std::optional<FormerColumns> former_columns(const std::string& options) {
  const auto json = nlohmann::json::parse(options, nullptr, false);
  if (!json.is_object() || !json.contains("fields") || !json["fields"].is_array())
    return std::nullopt;
  FormerColumns columns;
  for (const auto& field : json["fields"]) {
    if (!field.is_string() && !field.is_null()) return std::nullopt;
    columns.fields.push_back(field.is_null() ? std::nullopt
                                             : std::optional(field.get<std::string>()));
  }
  const auto left_out = json.find(left_out_key);
  if (left_out == json.end()) return columns;
  const auto is_name = [](const nlohmann::json& name) { return name.is_string(); };
  if (!left_out->is_array() || !std::ranges::all_of(*left_out, is_name)) return std::nullopt;
  columns.left_out = left_out->get<Names>();
  return columns;
}

std::vector<SourceColumn> likely_columns(const std::vector<std::string>& names,
                                         const tuple::Table& table) {
  std::vector<SourceColumn> columns;
  for (const std::string& name : names) {
    std::optional<std::size_t> found = table.find(name);
    const std::string likeness = tuple::likeness_of(name);
    for (std::size_t i = 0; i < table.columns.size() && !found; ++i)
      if (tuple::likeness_of(table.columns[i].name) == likeness) found = i;
    columns.push_back(
        {.name = name, .feeds = found ? std::optional(table.columns[*found].name) : std::nullopt});
  }
  return columns;
}

Drift drift_of(const FormerColumns& then, const std::vector<SourceColumn>& now) {
  return Comparison(then, now).run();
}

std::string words_of(const Drift& drift) {
  Names parts;
  for (const Drift::Renamed& renamed : drift.renamed)
    parts.push_back(shown(renamed.now) + " may be " + shown(renamed.then) + " renamed");
  if (!drift.added.empty()) parts.push_back("new: " + listed(drift.added));
  if (!drift.missing.empty()) parts.push_back("missing: " + listed(drift.missing));
  for (const Drift::OtherType& other : drift.types)
    parts.push_back(fmt::format("{} is {}, and {} of its first {} values are not: \"{}\"",
                                shown(other.column), other.type, format_count(other.others),
                                format_count(other.values), printable_line(other.first)));
  std::string words = fmt::format("its columns are not those of load {} ({}, {})",
                                  drift.since.value, drift.source, drift.finished_at);
  for (std::size_t i = 0; i < parts.size(); ++i) words += (i == 0 ? ": " : "; ") + parts[i];
  return words;
}

std::string advice_for(const Drift& drift) {
  std::string advice = "--on-drift note loads it as it is";
  if (!drift.missing.empty() || !drift.renamed.empty())
    advice += ", without values for what is missing";
  for (std::size_t i = 0; i < drift.renamed.size(); ++i)
    advice += (i == 0 ? "; for a column that is renamed " : " ") + map_flag(drift.renamed[i]);
  return advice + ".";
}

}  // namespace sluice::plan
