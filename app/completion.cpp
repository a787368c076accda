#include "app/completion.hpp"

#include <algorithm>
#include <optional>

#include "app/command_tree.hpp"

namespace sluice::app {
namespace {

/// What stands in the help for a value says what it may be.
Wanted wanted_by(const std::string& value) {
  static const std::map<std::string, Wanted> by_value{{"FILE", Wanted::files},
                                                      {"DIR", Wanted::folders},
                                                      {"TABLE", Wanted::tables},
                                                      {"ID", Wanted::loads},
                                                      {"JOB", Wanted::jobs}};
  const auto found = by_value.find(value);
  return found == by_value.end() ? Wanted::words : found->second;
}

bool is_named(const ShownOption& option, const std::string& name) {
  return !option.is_positional && std::ranges::find(option.names, name) != option.names.end();
}

/// A walk over the words in front of the one that is wanted.
class Line {
 public:
  explicit Line(const CLI::App& program) : command_(&program) { enter(program); }

  void pass(const std::string& word) {
    if (awaited_) {
      given_[awaited_->names.back()] = word;
      awaited_.reset();
    } else if (only_positionals_) {
      plain_.push_back(word);
    } else if (word == "--") {
      only_positionals_ = true;
    } else if (word.starts_with("--")) {
      pass_long(word);
    } else if (word.size() > 1 && word.starts_with('-')) {
      pass_short(word);
    } else {
      pass_plain(word);
    }
  }

  Completion last(const std::string& word) const {
    Completion made{.typed = word, .given = given_, .command = command_};
    if (awaited_) {
      add_values(*awaited_, made);
    } else if (const std::size_t equals = word.find('=');
               !only_positionals_ && word.starts_with("--") && equals != std::string::npos) {
      made.before = word.substr(0, equals + 1);
      made.typed = word.substr(equals + 1);
      if (const auto option = find(word.substr(0, equals))) add_values(*option, made);
    } else if (!only_positionals_ && word.starts_with('-')) {
      add_flags(made);
    } else {
      add_plain(made);
    }
    std::erase_if(made.candidates,
                  [&made](const Candidate& one) { return !one.text.starts_with(made.typed); });
    return made;
  }

 private:
  void enter(const CLI::App& command) {
    command_ = &command;
    options_ = shown_options(command);
    plain_.clear();
  }
  std::optional<ShownOption> find(const std::string& name) const {
    const auto found = std::ranges::find_if(
        options_, [&name](const ShownOption& option) { return is_named(option, name); });
    return found == options_.end() ? std::nullopt : std::optional(*found);
  }
  void pass_long(const std::string& word) {
    const std::size_t equals = word.find('=');
    const auto option = find(word.substr(0, equals));
    if (!option) return;
    given_[option->names.back()] = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (equals == std::string::npos && option->takes_value) awaited_ = option;
  }
  /// "-d", "-dname", "-qv"
  void pass_short(const std::string& word) {
    for (std::size_t at = 1; at < word.size(); ++at) {
      const auto option = find(std::string("-") + word[at]);
      if (!option) return;
      given_[option->names.back()] = "";
      if (!option->takes_value) continue;
      if (at + 1 < word.size()) {
        given_[option->names.back()] = word.substr(at + 1);
      } else {
        awaited_ = option;
      }
      return;
    }
  }
  void pass_plain(const std::string& word) {
    for (const CLI::App* sub : shown_subcommands(*command_))
      if (plain_.empty() && sub->get_name() == word) return enter(*sub);
    plain_.push_back(word);
  }

  void add_values(const ShownOption& option, Completion& made) const {
    if (option.is_positional && option.names.front() == "COMMAND") return add_commands(made);
    made.wanted = wanted_by(option.is_positional ? option.names.front() : option.value);
    for (const std::string& word : words_of(option.value)) made.candidates.push_back({word, ""});
  }
  /// Of help: those that stand below the words which are there.
  void add_commands(Completion& made) const {
    const CLI::App* below = command_->get_parent();
    for (const std::string& word : plain_) {
      const std::vector<const CLI::App*> all = shown_subcommands(*below);
      const auto named = std::ranges::find(all, word, &CLI::App::get_name);
      if (named == all.end()) return;
      below = *named;
    }
    for (const CLI::App* sub : shown_subcommands(*below))
      made.candidates.push_back({sub->get_name(), sub->get_description()});
  }
  void add_flags(Completion& made) const {
    for (const ShownOption& option : options_)
      for (const std::string& name : option.names)
        if (!option.is_positional) made.candidates.push_back({name, option.help});
  }
  void add_plain(Completion& made) const {
    if (plain_.empty() && !only_positionals_)
      for (const CLI::App* sub : shown_subcommands(*command_))
        made.candidates.push_back({sub->get_name(), sub->get_description()});
    std::size_t place = 0;
    for (const ShownOption& option : options_) {
      if (!option.is_positional) continue;
      if (place++ < plain_.size() && !option.is_repeatable) continue;
      add_values(option, made);
      return;
    }
  }

  const CLI::App* command_;
  std::vector<ShownOption> options_;
  std::optional<ShownOption> awaited_;
  bool only_positionals_ = false;
  std::vector<std::string> plain_;  ///< arguments that are no flags
  std::map<std::string, std::string> given_;
};

}  // namespace

Completion completion_of(const CLI::App& program, const std::vector<std::string>& words) {
  Line line(program);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) line.pass(words[i]);
  return line.last(words.empty() ? "" : words.back());
}

}  // namespace sluice::app
