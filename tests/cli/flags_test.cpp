#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// What the command line says of itself: every flag of every command, as the help lists them.
class Flags : public ::testing::Test {
 protected:
  static Finished run(const std::vector<std::string>& arguments) {
    return pgsluice(arguments, {.environment = {"PGHOST=/nowhere", "PGDATABASE=x"}});
  }
  static std::vector<std::string> flags_of(std::vector<std::string> command) {
    command.emplace_back("--help");
    const std::string help = run(command).out;
    const std::regex flag("\n  (?:-[a-zA-Z],)?(--[a-z-]+)");
    std::vector<std::string> flags;
    for (std::sregex_iterator at(help.begin(), help.end(), flag), end; at != end; ++at)
      flags.push_back((*at)[1]);
    return flags;
  }
  static std::vector<std::string> joined(std::vector<std::string> command,
                                         const std::vector<std::string>& more) {
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
};

const std::vector<std::vector<std::string>> commands{{"load"},
                                                     {"check"},
                                                     {"loads"},
                                                     {"loads", "show"},
                                                     {"loads", "restore"},
                                                     {"loads", "forget"},
                                                     {"loads", "undo"},
                                                     {"migrate", "up"},
                                                     {"migrate", "status"},
                                                     {"migrate", "plan"},
                                                     {"migrate", "repair"},
                                                     {"migrate", "baseline"},
                                                     {"migrate", "run"},
                                                     {"schedule", "run"},
                                                     {"schedule", "next"},
                                                     {"schedule", "check"},
                                                     {"schedule", "history"}};

/// What CLI11 says of such arguments.
::testing::Matcher<std::string> has_no_words_of_the_library() {
  return AllOf(Not(HasSubstr("FAILED")), Not(HasSubstr("Check ")),
               Not(HasSubstr("Could not convert")), Not(HasSubstr("not in range")),
               Not(HasSubstr(" missing")), Not(HasSubstr("At Most")), Not(HasSubstr("At Least")),
               Not(HasSubstr("Should be true")), Not(HasSubstr("not in {")), Not(HasSubstr("ENUM")),
               Not(HasSubstr("too many inputs")), Not(HasSubstr("disallowed flag")),
               Not(HasSubstr("were not expected")));
}

TEST_F(Flags, WrongValuesOfAllAreNamedInOurWords) {
  std::size_t refused = 0;
  for (const auto& command : commands) {
    const std::vector<std::string> flags = flags_of(command);
    ASSERT_GT(flags.size(), 1U) << command.back();
    for (const std::string& flag : flags) {
      if (flag == "--help" || flag == "--host") continue;
      for (const std::vector<std::string>& wrong : {std::vector<std::string>{flag},
                                                    {flag + "=j\x01nk"},
                                                    {flag + "=-5"},
                                                    {flag + "="},
                                                    {flag + "=99999999999999999999999"},
                                                    {flag, "1", flag, "2"}}) {
        std::vector<std::string> all = command;
        const bool waits = command.front() == "migrate" || command == commands[12];
        if (waits && flag != "--wait") all.emplace_back("--wait=0");
        const Finished finished = run(joined(all, wrong));
        SCOPED_TRACE(command.front() + " " + command.back() + " " + wrong.front() + ": " +
                     finished.err);
        EXPECT_THAT(finished.err, has_no_words_of_the_library());
        if (finished.err.find(flag + ":") != std::string::npos) ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100U);
}

TEST_F(Flags, WrongOnesAreSaidInJsonToo) {
  for (const auto& command : commands) {
    const std::vector<std::string> flags = flags_of(command);
    if (std::ranges::find(flags, "--output") == flags.end()) continue;
    SCOPED_TRACE(command.front() + " " + command.back());
    for (const std::vector<std::string>& wrong :
         {std::vector<std::string>{"--output", "json", "--nonsense"},
          {"--nonsense", "--output=json"}}) {
      const Finished finished = run(joined(command, wrong));
      EXPECT_EQ(2, finished.exit_code);
      const auto json = nlohmann::json::parse(finished.out);
      EXPECT_EQ(2, json["exit_code"]);
      EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr("--nonsense"));
      EXPECT_EQ("", finished.err);
    }
  }
  // Behind "--" stand files.
  EXPECT_EQ("", run({"load", "--nonsense", "--", "--output", "json"}).out);
}

struct Words {
  std::vector<std::string> arguments;
  const char* says;
};

TEST_F(Flags, SayWhatToWriteInstead) {
  const Words cases[] = {
      {{"load", "f", "-t", "t", "--limit", "-5"},
       "pgsluice load: --limit: \"-5\" is not a whole number 0 or more; write it in digits"},
      {{"load", "f", "-t", "t", "--jobs", "0"}, "--jobs: \"0\" is not a whole number from 1 to"},
      {{"load", "f", "-t", "t", "--max-reject-ratio", "2"}, "write for example 0.01"},
      {{"load", "f", "-t", "t", "--ragged", "pda"},
       "--ragged: \"pda\" is no choice; write error, reject, pad, trim or fit (did you mean pad?)"},
      {{"load", "f", "-t", "t", "--header", "yes"}, "write match, skip or none"},
      {{"load", "f", "-t", "t", "--output", "xml"}, "write text or json"},
      {{"load", "f", "-t"}, "--table needs a value behind it"},
      {{"load", "f", "-t", "t", "-t", "u"}, "--table is given 2 times"},
      {{"load", "f", "-t", "t", "--truncate=seven"}, "--truncate takes no value"},
      {{"load", "f", "-t", "t", "--key"}, "--key needs a value"},
      {{"load", "-t", "t"}, "pgsluice load: FILE is required"},
      {{"loads", "show"}, "pgsluice loads show: ID is required"},
      {{"loads", "show", "x"}, "ID: \"x\" is not a whole number 1 or more"},
      {{"schedule", "next", "@daily", "--count", "0"}, "a whole number from 1 to 10000000"},
      {{"schedule", "next", "0", "3", "a.csv", "b.csv"},
       "the expression is one argument, and here are 4: put it in quotes"},
      {{"schedule", "next", "@every", "90s"}, "put it in quotes"},
      {{"migrate"}, "pgsluice migrate: say what to do: up, status, plan"},
      {{}, "pgsluice: say what to do: load, check, inspect, loads, migrate, schedule"},
  };
  for (const Words& c : cases) {
    const Finished finished = run(c.arguments);
    EXPECT_EQ(2, finished.exit_code) << c.says;
    EXPECT_THAT(finished.err, HasSubstr(c.says));
  }
}

/// A list must not take the files behind it, nor an empty value what follows it.
class FlagsInFrontOfFiles : public DatabaseTest {};

TEST_F(FlagsInFrontOfFiles, TakeTheirOwnValueAlone) {
  db().run("create table t (id int, v text)");
  const TemporaryFolder folder;
  const std::string path = folder.write("in.csv", "nr,v\n010,\n");
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--map", "nr=id"},
                                                {"--map", "nr=id", "--set", "work_mem=4MB"},
                                                {"--header=skip", "--columns", "id,v"},
                                                {"--map", "nr=id", "--null="},
                                                {"--map", "nr=id", "--limit", "010"}}) {
    std::vector<std::string> all{"load", "-t", "t", "-d", url(), "--again"};
    all.insert(all.end(), flags.begin(), flags.end());
    all.push_back(path);
    const Finished finished = pgsluice(all);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
  }
  EXPECT_EQ(50, db().number("select sum(id) from t where v is null"));
}

}  // namespace
}  // namespace sluice::test
