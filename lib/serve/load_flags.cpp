#include "serve/load_flags.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "base/suggestion.hpp"
#include "serve/message.hpp"

namespace sluice::serve {
namespace {

enum class Value { none, one, several, optional };

struct Flag {
  std::string_view name;
  Value value;
  bool is_allowed_to_all = true;
};

/// In the order of `pgsluice load --help`.
constexpr std::array flags{
    Flag{"format", Value::one},
    Flag{"dialect", Value::one},
    Flag{"delimiter", Value::one},
    Flag{"quote", Value::one},
    Flag{"escape", Value::one},
    Flag{"null", Value::several},
    Flag{"newline", Value::one},
    Flag{"comment", Value::one},
    Flag{"header", Value::one},
    Flag{"columns", Value::one},
    Flag{"map", Value::several},
    Flag{"skip_column", Value::several},
    Flag{"ignore_extra", Value::none},
    Flag{"skip_lines", Value::one},
    Flag{"skip_footer", Value::one},
    Flag{"encoding", Value::one},
    Flag{"max_record_lines", Value::one},
    Flag{"null_for", Value::several},
    Flag{"null_quoted", Value::optional},
    Flag{"trim", Value::optional},
    Flag{"decimal", Value::one},
    Flag{"thousands", Value::one},
    Flag{"booleans", Value::several},
    Flag{"date_format", Value::several},
    Flag{"add", Value::several},
    Flag{"member", Value::several},
    Flag{"max_bytes", Value::one},
    Flag{"where", Value::one, false},
    Flag{"select", Value::one, false},
    Flag{"create", Value::optional, false},
    Flag{"primary_key", Value::one, false},
    Flag{"names", Value::one, false},
    Flag{"temp_types", Value::one, false},
    Flag{"add_columns", Value::none, false},
    Flag{"truncate", Value::none, false},
    Flag{"again", Value::none, false},
    Flag{"same_content", Value::one, false},
    Flag{"grown", Value::one},
    Flag{"on_drift", Value::one},
    Flag{"limit", Value::one},
    Flag{"atomic", Value::none},
    Flag{"replace", Value::one, false},
    Flag{"delete_missing", Value::none, false},
    Flag{"max_deletes", Value::one, false},
    Flag{"on_conflict", Value::one},
    Flag{"key", Value::one},
    Flag{"dedupe", Value::one},
    Flag{"update_columns", Value::one},
    Flag{"update_if_changed", Value::none},
    Flag{"set_sequences", Value::none},
    Flag{"analyze", Value::none},
    Flag{"max_rejects", Value::one},
    Flag{"max_reject_ratio", Value::one},
    Flag{"ragged", Value::one},
    Flag{"blank_lines", Value::one},
    Flag{"max_rate", Value::one, false},
    Flag{"lock_timeout", Value::one},
    Flag{"dry_run", Value::none},
};

const Flag* find(std::string_view name) {
  const auto found = std::ranges::find(flags, name, &Flag::name);
  return found == flags.end() ? nullptr : &*found;
}

std::string argument_of(std::string_view name) {
  std::string argument = "--" + std::string(name);
  std::ranges::replace(argument, '_', '-');
  return argument;
}

[[noreturn]] void refuse_name(const std::string& name) {
  std::vector<std::string> known;
  for (const Flag& flag : flags) known.emplace_back(flag.name);
  std::string detail = "\"" + name + "\" is nothing that an upload may say";
  if (const auto meant = nearest(name, known)) detail += "; did you mean " + *meant + "?";
  throw Refused{400, detail};
}

/// False: it is said that it is not meant.
bool is_meant(const std::string& name, const std::string& value) {
  if (value.empty() || value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  throw Refused{400, name + " is true or false, and not \"" + value + "\""};
}

/// Where a flag may have a value too, it may be said as one that has none.
bool is_truth(const std::string& value) {
  return value.empty() || value == "true" || value == "false";
}

}  // namespace

bool is_flag_to_allow(const std::string& name) {
  const Flag* const flag = find(name);
  return flag != nullptr && !flag->is_allowed_to_all;
}

std::string flags_to_allow() {
  std::string all;
  for (const Flag& flag : flags)
    if (!flag.is_allowed_to_all) all += (all.empty() ? "" : ", ") + std::string(flag.name);
  return all;
}

std::string in_words_of_query(std::string_view text) {
  std::string said;
  for (;;) {
    const std::size_t begin = text.find("--");
    said += text.substr(0, begin);
    if (begin == text.npos) return said;
    text.remove_prefix(begin);
    const std::size_t end =
        std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", 2), text.size());
    std::string name(text.substr(2, end - 2));
    std::ranges::replace(name, '-', '_');
    // In a value, which stands in quotes, or in the middle of a word it is no flag.
    const bool is_quoted = std::ranges::count(said, '"') % 2 != 0;
    const bool is_word = said.empty() || std::string_view(" (\n").contains(said.back());
    const bool is_flag = is_word && !is_quoted && find(name) != nullptr;
    said += is_flag ? name : std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<std::string> arguments_of(const std::vector<std::pair<std::string, std::string>>& query,
                                      const Permission& permission) {
  std::vector<std::string> arguments;
  std::set<std::string> seen;
  for (const auto& [name, value] : query) {
    const Flag* const flag = find(name);
    if (flag == nullptr) refuse_name(name);
    if (!seen.insert(name).second && flag->value != Value::several)
      throw Refused{400, name + " is said twice"};
    if (!flag->is_allowed_to_all && !permission.flags.contains(name))
      throw Refused{403, name +
                             " is not allowed here: it has to be named in the token's line, or "
                             "by --allow"};
    if (flag->value == Value::none) {
      if (is_meant(name, value)) arguments.push_back(argument_of(name));
    } else if (flag->value == Value::optional && is_truth(value)) {
      if (is_meant(name, value)) arguments.push_back(argument_of(name));
    } else {
      arguments.push_back(argument_of(name) + "=" + value);
    }
  }
  return arguments;
}

}  // namespace sluice::serve
