#include "app/flag_values.hpp"

#include <algorithm>
#include <charconv>

#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "csv/dialect.hpp"

namespace sluice::app {
namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

/// "from 1 to 256", "0 or more"
std::string shown(NumberRange range) {
  if (range.max == NumberRange().max) return std::to_string(range.min) + " or more";
  return "from " + std::to_string(range.min) + " to " + std::to_string(range.max);
}

std::uint64_t read_number(const std::string& flag, const std::string& text, NumberRange range) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && stop == text.data() + text.size();
  if (is_number && number >= range.min && number <= range.max) return number;
  throw WrongValue(flag + ": " + quoted(text) + " is not a whole number " + shown(range) +
                   "; write it in digits");
}

double read_share(const std::string& flag, const std::string& text) {
  double share = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  const bool is_number = error == std::errc() && stop == text.data() + text.size();
  if (is_number && share >= 0 && share <= 1) return share;
  throw WrongValue(flag + ": " + quoted(text) +
                   " is not a share from 0 to 1; write for example 0.01 for one in a hundred");
}

}  // namespace

std::string shown_name(const std::string& flags) {
  const std::size_t dashes = flags.find("--");
  const std::size_t begin = dashes == std::string::npos ? 0 : dashes;
  return flags.substr(begin, flags.find(',', begin) - begin);
}

CLI::Option& add_number_option(CLI::App& command, const std::string& flags, NumberRange range,
                               Take<std::uint64_t> take, const std::string& help) {
  const auto read = [flag = shown_name(flags), range, take = std::move(take)](
                        const std::string& text) { take(read_number(flag, text, range)); };
  return *command.add_option_function<std::string>(flags, read, help)->option_text("N");
}

CLI::Option& add_share_option(CLI::App& command, const std::string& flags, Take<double> take,
                              const std::string& help) {
  const auto read = [flag = shown_name(flags), take = std::move(take)](const std::string& text) {
    take(read_share(flag, text));
  };
  return *command.add_option_function<std::string>(flags, read, help)->option_text("R");
}

CLI::Option& add_size_option(CLI::App& command, const std::string& flags, std::size_t& bytes,
                             const std::string& help) {
  const auto read = [flag = shown_name(flags), &bytes](const std::string& text) {
    const auto size = parse_bytes(text);
    if (!size) throw WrongValue(flag + ": " + size.error());
    bytes = *size;
  };
  return *command.add_option_function<std::string>(flags, read, help)->option_text("SIZE");
}

CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 Take<std::chrono::milliseconds> take, const std::string& help) {
  const auto read = [flag = shown_name(flags), take = std::move(take)](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw WrongValue(flag + ": " + duration.error());
    take(*duration);
  };
  return *command.add_option_function<std::string>(flags, read, help)->option_text("DURATION");
}

CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 std::chrono::milliseconds& duration, const std::string& help) {
  const auto take = [&duration](const std::chrono::milliseconds& read) { duration = read; };
  return add_duration_option(command, flags, take, help);
}

CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 std::optional<std::chrono::milliseconds>& duration,
                                 const std::string& help) {
  const auto take = [&duration](const std::chrono::milliseconds& read) { duration = read; };
  return add_duration_option(command, flags, take, help);
}

CLI::Option& add_character_option(CLI::App& command, const std::string& flags,
                                  std::optional<char>& c, const CharacterWord& word,
                                  const std::string& help) {
  const auto read = [flag = shown_name(flags), &c, word](const std::string& text) {
    if (text == word.word) {
      word.take();
      return;
    }
    c = csv::parse_character(text);
    if (c && *c != '\0') return;
    throw WrongValue(flag + ": " + quoted(text) +
                     " is not one character; write for example '\"', '\\x01' or " + word.word);
  };
  return *command.add_option_function<std::string>(flags, read, help)
              ->option_text("CHAR|" + word.word);
}

CLI::Option& add_characters_option(CLI::App& command, const std::string& flags,
                                   Take<std::string> take, const std::string& help) {
  const auto read = [flag = shown_name(flags), take = std::move(take)](const std::string& text) {
    const auto characters = csv::parse_characters(text);
    if (characters && csv::Delimiter::of(*characters) && is_utf8(*characters)) {
      take(*characters);
      return;
    }
    throw WrongValue(flag + ": " + quoted(text) +
                     " is not one to eight bytes of text; write for example ';', '||', '\\t', tab, "
                     "pipe, '\\x1f' or '\\u00a7'");
  };
  return *command.add_option_function<std::string>(flags, read, help)->option_text("TEXT");
}

std::optional<std::vector<std::string>> split_list(const std::string& list) {
  std::vector<std::string> texts(1);
  for (std::size_t at = 0; at < list.size();) {
    std::string& text = texts.back();
    if (text.empty() && list[at] == '"' && (at == 0 || list[at - 1] == ',')) {
      for (++at; at < list.size(); ++at) {
        if (list[at] != '"') {
          text += list[at];
        } else if (list.substr(at + 1).starts_with('"')) {
          text += list[at++];
        } else {
          break;
        }
      }
      if (at == list.size() || (at + 1 < list.size() && list[at + 1] != ',')) return std::nullopt;
      ++at;
    } else if (list[at] == ',') {
      texts.emplace_back();
      ++at;
    } else {
      text += list[at++];
    }
  }
  return texts;
}

CLI::Option& add_list_option(CLI::App& command, const std::string& flags,
                             std::vector<std::string>& texts, bool has_commas,
                             const std::string& help) {
  // Otherwise it would take the arguments behind it too, among them the files.
  if (!has_commas) return *command.add_option(flags, texts, help)->allow_extra_args(false);
  const auto read = [flag = shown_name(flags), &texts](const std::vector<std::string>& lists) {
    for (const std::string& list : lists) {
      const auto split = split_list(list);
      if (!split) {
        throw WrongValue(flag + ": " + quoted(list) +
                         " has a quote that is not closed; a name with a comma or a quote in it is "
                         "written as CSV has it: 'a,\"b, c\",d'");
      }
      texts.insert(texts.end(), split->begin(), split->end());
    }
  };
  return *command.add_option_function<std::vector<std::string>>(flags, read, help)
              ->allow_extra_args(false);
}

CLI::Option& not_empty(CLI::Option& option) {
  const auto defect = [](const std::string& text) {
    return std::string(text.empty() ? "it is empty" : "");
  };
  return *option.check(defect);
}

std::size_t place_of_choice(const std::string& flag, const std::string& text,
                            const std::vector<std::string>& names) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string listed;
  for (std::size_t i = 0; i < names.size(); ++i)
    listed += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  const auto meant = nearest(text, names);
  throw WrongValue(flag + ": " + quoted(text) + " is no choice; write " + listed +
                   (meant ? " (did you mean " + *meant + "?)" : ""));
}

}  // namespace sluice::app
