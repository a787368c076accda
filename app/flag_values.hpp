#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/names.hpp"

/// Flags with values, read by ourselves: the message of a wrong one names the flag and says what to
/// write instead. CLI11's own readers take -5 for a very large number, 010 for 8, and let a list
/// take the arguments that follow it.
namespace sluice::app {

/// A flag's value that is none. what() is a whole message, without the command's name.
struct WrongValue : CLI::ValidationError {
  explicit WrongValue(const std::string& message)
      : CLI::ValidationError("WrongValue", message, CLI::ExitCodes::ValidationError) {}
};

/// Takes a value that was read.
template <class T>
using Take = std::function<void(const T&)>;

struct NumberRange {
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::int64_t>::max();
};

/// `flags` as CLI11 wants them: "-j,--jobs", or the name of a positional argument.
CLI::Option& add_number_option(CLI::App& command, const std::string& flags, NumberRange range,
                               Take<std::uint64_t> take, const std::string& help);
/// A number from 0 to 1.
CLI::Option& add_share_option(CLI::App& command, const std::string& flags, Take<double> take,
                              const std::string& help);
CLI::Option& add_size_option(CLI::App& command, const std::string& flags, std::size_t& bytes,
                             const std::string& help);
CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 Take<std::chrono::milliseconds> take, const std::string& help);
CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 std::chrono::milliseconds& duration, const std::string& help);
CLI::Option& add_duration_option(CLI::App& command, const std::string& flags,
                                 std::optional<std::chrono::milliseconds>& duration,
                                 const std::string& help);
/// What `word` says where it is given, or one character.
struct CharacterWord {
  std::string word;
  std::function<void()> take;
};
CLI::Option& add_character_option(CLI::App& command, const std::string& flags,
                                  std::optional<char>& c, const CharacterWord& word,
                                  const std::string& help);
/// One to eight bytes.
CLI::Option& add_characters_option(CLI::App& command, const std::string& flags,
                                   Take<std::string> take, const std::string& help);
/// The texts of one list: nothing where a quote is not closed, or something stands behind it.
std::optional<std::vector<std::string>> split_list(const std::string& list);
/// Texts, one for each time that the flag is given. Where it `has_commas`, each is a list as a
/// record of CSV has it: with commas between its texts, and one with a comma in it in quotes.
CLI::Option& add_list_option(CLI::App& command, const std::string& flags,
                             std::vector<std::string>& texts, bool has_commas,
                             const std::string& help);

/// Refuses an empty value where that says nothing: the flag would count as left out.
CLI::Option& not_empty(CLI::Option& option);

/// The place of `text` in `names`. Throws WrongValue that lists them.
std::size_t place_of_choice(const std::string& flag, const std::string& text,
                            const std::vector<std::string>& names);
/// How messages name an option: "--jobs" for "-j,--jobs".
std::string shown_name(const std::string& flags);

/// One of the words for an enum's values, which the help lists.
template <HasNames T>
CLI::Option& add_choice_option(CLI::App& command, const std::string& flags, Take<T> take,
                               const std::string& help) {
  std::vector<std::string> names;
  std::string listed;
  for (const Named<T>& each : names_of(T{})) {
    names.emplace_back(each.name);
    listed += (listed.empty() ? "" : "|") + names.back();
  }
  const std::string flag = shown_name(flags);
  const auto read = [flag, names, take](const std::string& text) {
    take(names_of(T{}).at(place_of_choice(flag, text, names)).value);
  };
  return *command.add_option_function<std::string>(flags, read, help)->option_text(listed);
}

template <HasNames T>
CLI::Option& add_choice_option(CLI::App& command, const std::string& flags, T& value,
                               const std::string& help) {
  const Take<T> take = [&value](const T& chosen) { value = chosen; };
  return add_choice_option<T>(command, flags, take, help);
}

}  // namespace sluice::app
