#include "report/spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/characters.hpp"
#include "report/inspect.hpp"
#include "sniff/value_kind.hpp"

namespace sluice::report {
namespace {

using sniff::Kind;

/// A value and how often it was there.
struct Share {
  std::string text;
  std::uint64_t times = 0;
};

/// Few different values, the most frequent first; none where there are many, or one for all.
std::vector<Share> shares_of(const sniff::Column& column) {
  std::vector<Share> shares;
  if (!column.few_values().are_few()) return shares;
  std::map<std::string, std::uint64_t> times;
  for (const sniff::FewValues::Value& value : column.few_values().all())
    if (value.kind != Kind::empty) times[value.text] += value.times;
  for (const auto& [text, count] : times) shares.push_back({.text = text, .times = count});
  std::ranges::stable_sort(shares, std::ranges::greater{}, &Share::times);
  const std::uint64_t filled = column.values() - column.empty();
  // What is different in each record is no share of anything.
  if (shares.size() < 2 || filled < 2 * shares.size()) shares.clear();
  return shares;
}

/// Numbers, or times in seconds.
bool has_places(const std::string& type) {
  static constexpr std::array<std::string_view, 8> types{
      "integer", "bigint",           "numeric",   "date",
      "time",    "double precision", "timestamp", "timestamptz"};
  return std::ranges::find(types, type) != types.end();
}

/// Where the smallest and the largest value are; nothing where there is no room between them.
struct Range {
  double from = 0;
  double to = 0;
  bool is_wide() const { return to > from; }
};

Range range_of(const sniff::Column& column, const sniff::ColumnType& type) {
  if (column.spread().empty() || !has_places(type.sql) || type.decimal_comma) return {};
  const auto from = sniff::classify(column.smallest()).number;
  const auto to = sniff::classify(column.largest()).number;
  return from && to ? Range{.from = *from, .to = *to} : Range{};
}

std::string spark(const std::vector<std::uint64_t>& bars) {
  static constexpr std::array<std::string_view, 9> heights{" ", "▁", "▂", "▃", "▄",
                                                           "▅", "▆", "▇", "█"};
  const std::uint64_t most = std::max<std::uint64_t>(1, std::ranges::max(bars));
  std::string text;
  for (const std::uint64_t bar : bars) {
    const auto height = static_cast<std::size_t>((bar * (heights.size() - 1) + most - 1) / most);
    text += heights[height];
  }
  return text;
}

/// A bar in eighths of a character.
std::string bar_of(double share, std::size_t characters) {
  static constexpr std::array<std::string_view, 8> eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto size = static_cast<std::size_t>(share * 8 * static_cast<double>(characters) + 0.5);
  std::string text;
  for (std::size_t i = 0; i < size / 8; ++i) text += "█";
  return text + std::string(size == 0 ? "▏" : eighths[size % 8]);
}

std::string percent(std::uint64_t part, std::uint64_t all) {
  const double share = 100 * static_cast<double>(part) / static_cast<double>(all);
  return share > 0 && share < 1 ? "<1 %" : fmt::format("{:.0f} %", share);
}

class Lines {
 public:
  /// Beside names so long there is the rest of the screen.
  Lines(std::size_t screen_columns, std::size_t names)
      : room_(screen_columns > names + 4 ? screen_columns - names - 4 : 0) {}

  void add(const std::string& name, const sniff::Column& column, const sniff::ColumnType& type) {
    static constexpr std::size_t bars = 24;
    const std::vector<Share> shares = shares_of(column);
    if (!shares.empty()) {
      lines_.push_back({name, shares_text(shares, column.values() - column.empty())});
      return;
    }
    const Range range = range_of(column, type);
    if (!range.is_wide()) return;
    lines_.push_back({name, spark(column.spread().bars(range.from, range.to, bars)) + "  " +
                                shown(column.smallest()) + " to " + shown(column.largest())});
  }

  std::string text() const {
    std::size_t width = 0;
    for (const auto& [name, line] : lines_) width = std::max(width, count_characters(name));
    std::string text;
    for (const auto& [name, line] : lines_)
      text += "  " + name + std::string(width - count_characters(name) + 2, ' ') + line + "\n";
    return text;
  }

 private:
  /// As many as there is room for.
  std::string shares_text(const std::vector<Share>& shares, std::uint64_t all) const {
    static constexpr std::size_t bar_characters = 8;
    std::string text;
    std::size_t used = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const std::string bar =
          bar_of(static_cast<double>(shares[i].times) / static_cast<double>(all), bar_characters);
      const std::string label = shown(shares[i].text) + " " + percent(shares[i].times, all);
      const std::string more = fmt::format("{} more", shares.size() - i);
      const std::size_t size = count_characters(label) + 1 + count_characters(bar);
      const bool is_last = i + 1 == shares.size();
      const std::size_t behind = is_last ? 0 : 2 + more.size();
      if (i > 0 && used + 2 + size + behind > room_) return text + "  " + more;
      text += (i == 0 ? "" : "  ") + label + " " + bar;
      used += (i == 0 ? 0 : 2) + size;
    }
    return text;
  }

  std::size_t room_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

}  // namespace

std::string spread_text(const sniff::Proposal& proposal,
                        const std::vector<sniff::ColumnType>& types, std::size_t screen_columns) {
  std::size_t names = 0;
  for (const sniff::ProposedColumn& column : proposal.columns)
    names = std::max(names, count_characters(shown(column.name)));
  Lines lines(screen_columns, names);
  for (std::size_t i = 0; i < types.size(); ++i)
    lines.add(shown(proposal.columns[i].name), proposal.columns[i].seen, types[i]);
  return lines.text();
}

nlohmann::ordered_json spread_json(const sniff::Column& column, const sniff::ColumnType& type) {
  static constexpr std::size_t bars = 24;
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const std::vector<Share> shares = shares_of(column);
  for (const Share& share : shares)
    json["few_values"].push_back({{"value", share.text}, {"times", share.times}});
  const Range range = range_of(column, type);
  if (range.is_wide()) {
    json["histogram"] = {{"from", column.smallest()},
                         {"to", column.largest()},
                         {"counts", column.spread().bars(range.from, range.to, bars)}};
  }
  return json;
}

}  // namespace sluice::report
