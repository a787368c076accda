#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/every_command.hpp"
#include "support/database.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The events of what a command wrote to stderr, each with its message.
std::vector<std::string> events_of(const std::string& err) {
  std::vector<std::string> events;
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(entry.is_object()) << line;
    if (!entry.is_object()) continue;
    EXPECT_THAT(entry.value("time", ""),
                ::testing::ContainsRegex("^[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9:]+Z$"))
        << line;
    EXPECT_NE("", entry.value("event", "")) << line;
    events.push_back(entry.value("event", "") + " " + entry.value("message", ""));
  }
  return events;
}

class LogAsJson : public DatabaseTest {
 protected:
  std::vector<std::string> run(std::vector<std::string> arguments, int exit_code) const {
    arguments.insert(arguments.end(), {"--log", "json", "-d", url()});
    const Finished finished = pgsluice(std::move(arguments));
    EXPECT_EQ(exit_code, finished.exit_code) << finished.err;
    return events_of(finished.err);
  }
  TemporaryFolder folder_;
};

TEST_F(LogAsJson, IsWhatEachCommandWrites) {
  db().run(tables_of_every_command);
  std::set<std::string> all;
  for (std::vector<std::string> command : every_command(folder_)) {
    std::string words;
    for (const std::string& word : command) words += word + " ";
    SCOPED_TRACE(words);
    if (command.front() == "migrate" && command.at(1) == "repair")
      folder_.write("m/001_a.sql", "create table public.made (a bigint)");
    command.insert(command.end(), {"--log", "json", "-d", url()});
    const Finished finished = pgsluice(command);
    EXPECT_TRUE(finished.exit_code == 0 || finished.exit_code == 3) << finished.err;
    for (const std::string& event : events_of(finished.err))
      all.insert(event.substr(0, event.find(' ')));
  }
  EXPECT_THAT(all, AllOf(Contains("note"), Contains("told")));
}

TEST_F(LogAsJson, HasErrorsAndNotesWithTheirLines) {
  db().run("create table t (id int)");
  const std::string bad = folder_.write("bad.csv", "id\n1\nx\n");
  EXPECT_THAT(run({"load", bad, "-t", "t"}, 1),
              Contains(AllOf(HasSubstr("/bad.csv:3: column"), HasSubstr("--max-rejects"))));
  EXPECT_THAT(run({"load", bad, "-t", "t", "--max-rejects", "1"}, 3),
              Contains(HasSubstr("note resuming load")));
  EXPECT_THAT(run({"load", bad, "-t", "t", "--max-rejects", "1", "--quiet", "--again"}, 3),
              IsEmpty());
  EXPECT_THAT(run({"migrate", "up", "--dir", folder_ / "none"}, 2), Contains(HasSubstr("error ")));
}

TEST_F(LogAsJson, IsThatOfAWrongUsageToo) {
  for (const char* flag : {"--log=json", "--log json"}) {
    std::istringstream words(flag);
    std::vector<std::string> arguments{"load", "a.csv"};
    for (std::string word; words >> word;) arguments.push_back(word);
    arguments.emplace_back("--tabel=t");
    const Finished finished = pgsluice(arguments);
    EXPECT_EQ(2, finished.exit_code);
    EXPECT_THAT(events_of(finished.err),
                ::testing::ElementsAre(AllOf(HasSubstr("error "), HasSubstr("--tabel"))));
  }
}

TEST_F(LogAsJson, IsThatOfWrongDefaultsToo) {
  const std::string wrong = folder_.write("wrong.toml", "no_such_flag = 1\n");
  const auto with = [](std::vector<std::string> environment, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "loads");
    return pgsluice(std::move(arguments), {.environment = std::move(environment)});
  };
  const Finished refused = with({"PGSLUICE_DEFAULTS=" + wrong}, {"--log", "json"});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(events_of(refused.err),
              ::testing::ElementsAre(AllOf(HasSubstr("error "), HasSubstr("no_such_flag"))));
  EXPECT_EQ(refused.err, with({"PGSLUICE_DEFAULTS=" + wrong, "PGSLUICE_LOG=json"}, {}).err);
  EXPECT_THAT(events_of(with({"PGSLUICE_JOB=1"}, {"--log=json", "-d", url(), "-n", "1"}).err),
              ::testing::ElementsAre(AllOf(HasSubstr("note "), HasSubstr("PGSLUICE_JOB"))));
  // What counts for nothing, or is overruled, makes no JSON of it.
  for (const auto& [variable, flag] : {std::pair{"PGSLUICE_DEFAULTS=none", "--no-such-flag"},
                                       std::pair{"PGSLUICE_JOB=1", "--log=text"}}) {
    const std::string err = with({variable, "PGSLUICE_LOG=json"}, {flag, "-h", "/nowhere"}).err;
    EXPECT_NE("", err);
    EXPECT_FALSE(err.starts_with("{")) << err;
  }
  // As a document where that is asked for.
  const auto json =
      nlohmann::json::parse(with({"PGSLUICE_DEFAULTS=" + wrong}, {"--output", "json"}).out);
  EXPECT_EQ("loads", json["command"]);
  EXPECT_EQ(2, json["exit_code"]);
}

TEST_F(LogAsJson, TellsOfProgressWhereItIsAskedFor) {
  db().run("create table t (id int)");
  const std::string file = folder_.write("a.csv", "id\n1\n");
  EXPECT_THAT(run({"load", file, "-t", "t", "--progress", "json"}, 0), Contains("progress "));
}

}  // namespace
}  // namespace sluice::test
