#include "s3/pattern.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <optional>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

constexpr std::string_view escapable = "*?[]{},\\";
constexpr std::size_t ways_max = 1'000;

bool is_escape(std::string_view text, std::size_t at) {
  return text[at] == '\\' && at + 1 < text.size() &&
         escapable.find(text[at + 1]) != std::string_view::npos;
}

/// Of {a,b}: where it begins and ends, and where its commas are.
struct List {
  std::size_t begin = 0;
  std::size_t end = 0;  ///< at the }
  std::vector<std::size_t> commas;
};

/// The list that begins at a {, if it is one: its } is there, and a comma.
std::optional<List> list_at(std::string_view text, std::size_t begin) {
  List list{.begin = begin};
  std::size_t depth = 0;
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (is_escape(text, at)) {
      ++at;
    } else if (text[at] == '{') {
      ++depth;
    } else if (text[at] == ',' && depth == 1) {
      list.commas.push_back(at);
    } else if (text[at] == '}' && --depth == 0) {
      list.end = at;
      if (list.commas.empty()) return std::nullopt;
      return list;
    }
  }
  return std::nullopt;
}

std::optional<List> first_list(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_escape(text, at)) {
      ++at;
    } else if (text[at] == '{') {
      if (auto list = list_at(text, at)) return list;
    }
  }
  return std::nullopt;
}

/// Every text that the lists mean.
std::vector<std::string> ways_through(std::string_view pattern) {
  std::vector<std::string> open{std::string(pattern)};
  std::vector<std::string> ways;
  while (!open.empty()) {
    const std::string text = std::move(open.back());
    open.pop_back();
    const auto list = first_list(text);
    if (!list) {
      ways.push_back(text);
    } else {
      std::size_t from = list->begin + 1;
      std::vector<std::size_t> ends = list->commas;
      ends.push_back(list->end);
      for (const std::size_t end : ends) {
        std::string way = text.substr(0, list->begin);
        way += text.substr(from, end - from);
        way += text.substr(list->end + 1);
        open.push_back(std::move(way));
        from = end + 1;
      }
    }
    if (ways.size() + open.size() > ways_max) {
      throw Failure(FailureKind::usage, std::string(pattern) + ": its lists mean more than " +
                                            std::to_string(ways_max) + " patterns");
    }
  }
  return ways;
}

bool is_wild(char c) { return c == '*' || c == '?' || c == '['; }

/// As fnmatch() reads it: braces and commas are nothing there, a backslash always takes the next.
std::vector<std::string> names_of(std::string_view way) {
  std::vector<std::string> names(1);
  for (std::size_t at = 0; at < way.size(); ++at) {
    if (way[at] == '/') {
      names.emplace_back();
    } else if (is_escape(way, at)) {
      names.back() += '\\';
      names.back() += way[++at];
    } else {
      names.back() += way[at] == '\\' ? "\\\\" : std::string(1, way[at]);
    }
  }
  return names;
}

std::string prefix_of(std::string_view way) {
  std::size_t end = 0;
  while (end < way.size() && !is_wild(way[end])) end += is_escape(way, end) ? 2 : 1;
  return plain_key(way.substr(0, end));
}

std::vector<std::string> without_covered(std::vector<std::string> prefixes) {
  std::ranges::sort(prefixes);
  std::vector<std::string> kept;
  for (std::string& each : prefixes)
    if (kept.empty() || !each.starts_with(kept.back())) kept.push_back(std::move(each));
  return kept;
}

std::vector<std::string> names_of_key(std::string_view key) {
  std::vector<std::string> names(1);
  for (const char c : key) {
    if (c == '/') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  return names;
}

bool is_name_match(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
}

/// Row by row: which beginnings of the key the first names of the pattern mean. As the last name **
/// means all that is below.
bool is_match(const std::vector<std::string>& pattern, const std::vector<std::string>& key) {
  std::vector<char> means(key.size() + 1, 0);
  means[0] = 1;
  for (std::size_t row = 0; row < pattern.size(); ++row) {
    std::vector<char> next(key.size() + 1, 0);
    const bool is_any = pattern[row] == "**";
    const bool is_last = row + 1 == pattern.size();
    if (is_any && !is_last) next[0] = means[0];
    for (std::size_t at = 1; at <= key.size(); ++at) {
      const std::string& name = key[at - 1];
      if (!is_any) {
        next[at] = static_cast<char>(means[at - 1] != 0 && is_name_match(pattern[row], name));
        continue;
      }
      const bool is_shown = !name.starts_with('.');
      const bool goes_on = (means[at - 1] != 0 || next[at - 1] != 0) && is_shown;
      next[at] = static_cast<char>(goes_on || (!is_last && means[at] != 0));
    }
    means = std::move(next);
  }
  return means.back() != 0;
}

}  // namespace

bool is_pattern(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_escape(text, at)) {
      ++at;
    } else if (is_wild(text[at])) {
      return true;
    }
  }
  return first_list(text).has_value();
}

std::string plain_key(std::string_view text) {
  std::string key;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_escape(text, at)) ++at;
    key += text[at];
  }
  return key;
}

std::string written_key(std::string_view key) {
  const auto written = [key](bool has_list) {
    std::string text;
    for (std::size_t at = 0; at < key.size(); ++at) {
      const bool is_odd = is_wild(key[at]) || (has_list && key[at] == '{');
      const bool is_backslash = key[at] == '\\' && (at + 1 == key.size() || is_escape(key, at));
      if (is_odd || is_backslash) text += '\\';
      text += key[at];
    }
    return text;
  };
  std::string text = written(false);
  return is_pattern(text) ? written(true) : text;
}

Pattern::Pattern(std::string_view text) {
  std::vector<std::string> prefixes;
  for (const std::string& way : ways_through(text)) {
    ways_.push_back(names_of(way));
    prefixes.push_back(prefix_of(way));
  }
  prefixes_ = without_covered(std::move(prefixes));
}

bool Pattern::matches(std::string_view key) const {
  if (key.find('\0') != std::string_view::npos) return false;
  const std::vector<std::string> names = names_of_key(key);
  return std::ranges::any_of(ways_, [&names](const Names& way) { return is_match(way, names); });
}

}  // namespace sluice::s3
