#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "app/cli.hpp"
#include "support/files.hpp"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

/// Words as a shell has them; nothing where a quote is open at the end. What is behind a pipe, a
/// redirection, a comment or `;` is somebody else's. A synopsis is taken for its simplest form:
/// `FILE... [--names keep|snake]` is `FILE --names keep`.
std::optional<std::vector<std::string>> words_of_shell(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool is_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote)
        quote = '\0';
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      is_word = true;
    } else if (c == ' ' || c == '\n' || c == '[' || c == ']' || c == '\\') {
      if (is_word) words.push_back(word);
      word.clear();
      is_word = false;
    } else if (c == '|' && is_word && i + 1 < line.size() && line[i + 1] != ' ') {
      while (i + 1 < line.size() && line[i + 1] != ' ' && line[i + 1] != ']') ++i;
    } else if (std::string("|<>#;&)").contains(c)) {
      break;
    } else if (!line.compare(i, 3, "...")) {
      i += 2;
    } else {
      word += c;
      is_word = true;
    }
  }
  if (quote != '\0') return std::nullopt;
  if (is_word) words.push_back(word);
  return words;
}

struct Command {
  std::string place;
  std::vector<std::string> words;  ///< behind `pgsluice`
};

/// What stands on a line of its own in a page's examples, with or without a prompt.
std::vector<Command> commands_of(const fs::path& page) {
  std::istringstream text(read_file(page));
  std::vector<Command> commands;
  bool is_example = false;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.starts_with("```")) is_example = !is_example;
    std::string_view command = line;
    if (command.starts_with("$ ")) command.remove_prefix(2);
    if (!is_example || !command.starts_with("pgsluice ")) continue;
    std::string whole(command.substr(9));
    const std::string place = page.filename().string() + ":" + std::to_string(number);
    auto words = words_of_shell(whole);
    while ((!words || whole.ends_with('\\')) && std::getline(text, line)) {
      ++number;
      whole += "\n" + line;
      words = words_of_shell(whole);
    }
    if (words) commands.push_back({place, *words});
  }
  return commands;
}

/// Pages whose examples are run have tests of their own; this one holds for all of them.
TEST(DocsCommands, AreWhatTheProgramTakes) {
  std::vector<fs::path> pages{PGSLUICE_SOURCE_DIR "/README.md"};
  for (const auto& entry : fs::directory_iterator(PGSLUICE_SOURCE_DIR "/docs"))
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  std::size_t count = 0;
  for (const fs::path& page : pages) {
    for (const Command& command : commands_of(page)) {
      EXPECT_EQ(std::nullopt, app::wrong_arguments(command.words)) << command.place;
      ++count;
    }
  }
  EXPECT_GT(count, 60U);
}

TEST(DocsCommands, AreReadAsAShellReadsThem) {
  using Words = std::vector<std::string>;
  EXPECT_EQ((Words{"load", "a b", "-d", "x y", ""}),
            words_of_shell("load 'a b' -d \"x y\" '' # c"));
  EXPECT_EQ((Words{"load", "FILE", "--names", "keep"}),
            words_of_shell("load FILE... [--names keep|snake] | less"));
  EXPECT_EQ((Words{"load", "|"}), words_of_shell("load '|' > out"));
  EXPECT_EQ(std::nullopt, words_of_shell("load --select \""));
  EXPECT_NE(std::nullopt, app::wrong_arguments({"load", "a.csv", "-t", "t", "--no-such-flag"}));
}

}  // namespace
}  // namespace sluice::test
