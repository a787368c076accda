#include "app/completion.hpp"

#include <gmock/gmock.h>

#include <regex>

#include "app/command_tree.hpp"
#include "app/manual.hpp"
#include "app/manual_texts.hpp"
#include "app/program.hpp"
#include "app/reference.hpp"

namespace sluice::test {
namespace {

using app::Completion;
using app::Wanted;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

/// All commands, as whoever asks for --help finds them.
void collect(const CLI::App& command, std::vector<const CLI::App*>& all) {
  all.push_back(&command);
  for (const CLI::App* sub : app::shown_subcommands(command)) collect(*sub, all);
}

std::vector<std::string> path_of(const CLI::App& command) {
  std::vector<std::string> path;
  for (const CLI::App* at = &command; at->get_parent() != nullptr; at = at->get_parent())
    path.insert(path.begin(), at->get_name());
  return path;
}

/// The flags of a command's help, as it is printed.
std::vector<std::string> flags_of_help(const CLI::App& command) {
  static const std::regex line("\n  (-[^\n ]*)");
  const std::string help = command.help();
  std::vector<std::string> flags;
  for (std::sregex_iterator at(help.begin(), help.end(), line), end; at != end; ++at) {
    std::string names = (*at)[1];
    names = names.substr(0, names.find('['));
    for (names += ','; !names.empty(); names.erase(0, names.find(',') + 1))
      flags.push_back(names.substr(0, names.find(',')));
  }
  return flags;
}

std::vector<std::string> texts_of(const Completion& completion) {
  std::vector<std::string> texts;
  for (const app::Candidate& one : completion.candidates) texts.push_back(one.text);
  return texts;
}

class Commands : public ::testing::Test {
 protected:
  Commands() { collect(program_.app, all_); }
  Completion complete(const std::vector<std::string>& words) const {
    return app::completion_of(program_.app, words);
  }
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    return texts_of(complete(words));
  }

  app::Program program_{""};
  std::vector<const CLI::App*> all_;
};

TEST_F(Commands, CompletionOffersTheFlagsOfTheHelp) {
  std::size_t flags = 0;
  for (const CLI::App* command : all_) {
    std::vector<std::string> words = path_of(*command);
    words.emplace_back("-");
    EXPECT_THAT(offered(words), UnorderedElementsAreArray(flags_of_help(*command)))
        << command->get_name();
    flags += offered(words).size();
  }
  EXPECT_GE(all_.size(), 20U);
  EXPECT_GE(flags, 200U);
}

/// What man(1) makes of a text, as far as we write it.
std::string unescaped(std::string text) {
  for (const auto& [escape, is] : {std::pair{"\\fB", ""},
                                   {"\\fI", ""},
                                   {"\\fR", ""},
                                   {"\\-", "-"},
                                   {"\\(dq", "\""},
                                   {"\\(aq", "'"},
                                   {"\\(ti", "~"},
                                   {"\\(ha", "^"},
                                   {"\\(ga", "`"},
                                   {"\\&", ""},
                                   {"\n.br\n", "\n"},
                                   {"\\e", "\\"}})
    for (std::size_t at = 0; (at = text.find(escape, at)) != std::string::npos;)
      text.replace(at, std::string_view(escape).size(), is);
  return text;
}

TEST_F(Commands, ManualAndReferenceHaveEachCommandAndEachFlagOfTheHelp) {
  const app::ShownCommand tree = app::shown_command(program_.app);
  const std::string reference = app::reference_of(tree);
  std::map<std::string, std::string> pages;
  for (const app::ManualPage& page : app::manual_of(tree, "1.2.3"))
    pages[page.name] = unescaped(page.text);
  EXPECT_EQ(pages.size(), app::shown_subcommands(program_.app).size() + 1);
  for (const CLI::App* command : all_) {
    const std::vector<std::string> path = path_of(*command);
    const std::string name = path.empty() ? "pgsluice.1" : "pgsluice-" + path.front() + ".1";
    SCOPED_TRACE(name + ": " + command->get_name());
    ASSERT_TRUE(pages.contains(name));
    // As a sentence it begins with a capital.
    EXPECT_THAT(pages[name], HasSubstr(command->get_description().substr(1)));
    for (const std::string& flag : flags_of_help(*command)) {
      EXPECT_THAT(pages[name], ::testing::AnyOf(HasSubstr("\n" + flag), HasSubstr(", " + flag)));
      EXPECT_THAT(reference, ::testing::AnyOf(HasSubstr("| `" + flag), HasSubstr(", " + flag)));
    }
    for (const app::ShownOption& option : app::shown_options(*command))
      EXPECT_THAT(pages[name], HasSubstr(option.help));
  }
  EXPECT_THAT(pages["pgsluice-load.1"], HasSubstr("--writer auto|copy|insert\n"));
}

/// What runs is told by a log where somebody wants one.
TEST_F(Commands, EachWritesItsLogAsJson) {
  for (const CLI::App* command : all_) {
    const bool runs = app::shown_subcommands(*command).empty() && command->get_name() != "help";
    if (!runs) continue;
    EXPECT_THAT(flags_of_help(*command), Contains("--log")) << command->get_name();
  }
}

TEST_F(Commands, NoPageHasARequestThatIsNone) {
  // A line that begins with a dot is a request to man, whatever the text meant by it.
  const std::regex request("^\\.(TH|SH|SS|TP|PP|RS|RE|br|nf|fi|BR|\\\\\")( |$)");
  std::vector<app::ManualPage> pages = app::manual_of(app::shown_command(program_.app), "1.2.3");
  pages.push_back(app::manual_of_configuration("1.2.3"));
  for (const app::ManualPage& page : pages) {
    std::istringstream lines(page.text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_FALSE(line.starts_with('\'')) << page.name << ": " << line;
      if (!line.starts_with('.') || line.starts_with(".\\\"")) continue;
      EXPECT_TRUE(std::regex_search(line, request)) << page.name << ": " << line;
    }
  }
  EXPECT_EQ("\\&.so /etc/passwd", app::roff(".so /etc/passwd"));
  EXPECT_EQ("a\\en", app::roff("a\\n"));
}

TEST_F(Commands, ExamplesOfTheManualAreCommandLines) {
  for (const app::Example& example : app::manual_examples) {
    std::string line(example.command);
    line.resize(std::min(line.size(), line.find(" < ")));
    std::vector<std::string> words;
    const std::regex word("'[^']*'|\"[^\"]*\"|[^ ]+");
    for (std::sregex_iterator at(line.begin(), line.end(), word), end; at != end; ++at) {
      words.push_back(at->str());
      if (words.back().starts_with('"') || words.back().starts_with('\''))
        words.back() = words.back().substr(1, words.back().size() - 2);
    }
    ASSERT_EQ("pgsluice", words.front());
    words.erase(words.begin());
    EXPECT_EQ(std::nullopt, app::wrong_arguments(words)) << example.command;
    std::string path = "pgsluice";
    for (const std::string& part : words) path += " " + part;
    EXPECT_TRUE(path.starts_with(example.path)) << example.command;
  }
}

TEST_F(Commands, SubcommandsComeFirst) {
  EXPECT_THAT(offered({""}), IsSupersetOf({"load", "check", "migrate", "serve"}));
  EXPECT_THAT(offered({""}), Not(Contains("worker")));
  EXPECT_THAT(offered({"lo"}), ElementsAre("load", "loads"));
  EXPECT_THAT(offered({"migrate", "st"}), ElementsAre("status"));
  EXPECT_THAT(offered({"-q", "nonsense", ""}), IsEmpty());
}

struct Case {
  std::vector<std::string> words;
  Wanted wanted;
  std::vector<std::string> offers = {};
};

TEST_F(Commands, ValuesAreWhatTheHelpSaysOfThem) {
  const Case cases[] = {
      {{"load", "--writer", ""}, Wanted::words, {"auto", "copy", "insert"}},
      {{"load", "--writer=c"}, Wanted::words, {"copy"}},
      {{"load", "--on-conflict", "u"}, Wanted::words, {"update"}},
      {{"load", "--after", "m"}, Wanted::words, {"move:"}},
      {{"load", "--quote", ""}, Wanted::words, {"none"}},
      {{"load", "--trim="}, Wanted::words, {"all"}},
      {{"load", "--trim", ""}, Wanted::files},  // takes no value behind it
      {{"load", ""}, Wanted::files},
      {{"load", "a.csv", ""}, Wanted::files},
      {{"load", "--", "-"}, Wanted::files},
      {{"load", "--rejects", ""}, Wanted::files},
      {{"load", "--rejects="}, Wanted::files},
      {{"load", "-t", "sa"}, Wanted::tables},
      {{"load", "a.csv", "--table=sa"}, Wanted::tables},
      {{"check", "-v", "--table", ""}, Wanted::tables},
      {{"inspect", "--table", ""}, Wanted::tables},
      {{"loads", "show", ""}, Wanted::loads},
      {{"loads", "show", "1", ""}, Wanted::words},
      {{"loads", "--table", ""}, Wanted::tables},
      {{"loads", "--state", "f"}, Wanted::words, {"finished"}},
      {{"migrate", "up", "--dir", ""}, Wanted::folders},
      {{"schedule", "history", ""}, Wanted::jobs},
      {{"schedule", "run", "--config", ""}, Wanted::files},
      {{"load", "--no-such-flag", ""}, Wanted::files},
      {{"load", "--limit", ""}, Wanted::words},
      {{"help", "mig"}, Wanted::words, {"migrate"}},
      {{"help", "migrate", "st"}, Wanted::words, {"status"}},
      {{"help", "nonsense", ""}, Wanted::words},
      {{}, Wanted::words, offered({""})},
  };
  for (const Case& c : cases) {
    std::string words;
    for (const std::string& word : c.words) words += word + " ";
    SCOPED_TRACE(words);
    const Completion made = complete(c.words);
    EXPECT_EQ(c.wanted, made.wanted);
    EXPECT_EQ(c.offers, texts_of(made));
  }
}

TEST_F(Commands, WhatStandsInFrontSaysWhereToAsk) {
  const Completion made = complete(
      {"load", "-dapp", "--host", "db", "-p", "5433", "a.csv", "--username=me", "--table=pub"});
  EXPECT_EQ("app", made.given.at("--dbname"));
  EXPECT_EQ("db", made.given.at("--host"));
  EXPECT_EQ("5433", made.given.at("--port"));
  EXPECT_EQ("me", made.given.at("--username"));
  EXPECT_EQ("--table=", made.before);
  EXPECT_EQ("pub", made.typed);
}

}  // namespace
}  // namespace sluice::test
