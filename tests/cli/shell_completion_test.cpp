#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/shell.hpp"

namespace sluice::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
  std::istringstream from(text);
  Lines lines;
  for (std::string line; std::getline(from, line);) lines.push_back(line);
  return lines;
}

/// What the shells make of a line that is being typed, with the tables, loads and jobs that are
/// there.
class ShellCompletion : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create schema sales; create table trips (id int); create table sales.orders (id int); "
        "create table \"Big One\" (id int); create table secret (id int); create view views as "
        "select 1 as a");
    folder_.write("trips.csv", "id\n1\n");
    std::filesystem::create_directory(folder_ / "migrations");
  }
  /// The arguments of the line behind the program's name, once it is completed.
  Lines completed(const std::string& which, const std::string& line) {
    const Finished finished = shell("python3 " PGSLUICE_SOURCE_DIR "/tests/support/completed.py " +
                                        which + " " + quoted("pgsluice " + line),
                                    folder_.path(), db().raw(), PQdb(db().raw()));
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    Lines words = lines_of(finished.out);
    if (!words.empty()) words.erase(words.begin());
    return words;
  }
  Lines in_fish(const std::string& line) {
    const std::string command =
        "fish --no-config -c " + quoted("source " PGSLUICE_SOURCE_DIR
                                        "/share/completion/pgsluice.fish; complete -C \"pgsluice " +
                                        line + "\"");
    const Finished finished = shell(command, folder_.path(), db().raw(), PQdb(db().raw()));
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    Lines words;
    for (const std::string& found : lines_of(finished.out))
      words.push_back(found.substr(0, found.find('\t')));
    return words;
  }
  static std::string quoted(const std::string& text) {
    std::string made = "'";
    for (const char c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return made + "'";
  }

  TemporaryFolder folder_;
};

TEST_F(ShellCompletion, BashPutsInWhatFits) {
  struct Case {
    std::string line;
    Lines becomes;
  };
  const Case cases[] = {
      {"insp", {"inspect"}},
      {"lo", {"load", "loads"}},
      {"load tr", {"load", "trips.csv"}},
      {"load trips.csv --wri", {"load", "trips.csv", "--writer"}},
      {"load --writer ", {"load", "--writer", "auto", "copy", "insert"}},
      {"load --writer=c", {"load", "--writer=copy"}},
      {"load --rejects=tr", {"load", "--rejects=trips.csv"}},
      {"load -t tr", {"load", "-t", "trips"}},
      {"load -t sales.", {"load", "-t", "sales.orders"}},
      {"load --table=tri", {"load", "--table=trips"}},
      {"load -t \\\"B", {"load", "-t", "\"Big One\""}},
      {"load --after m", {"load", "--after", "move:"}},
      {"migrate up --dir m", {"migrate", "up", "--dir", "migrations"}},
      {"load --no-such", {"load", "--no-such"}},
  };
  for (const Case& c : cases) EXPECT_EQ(c.becomes, completed("bash", c.line)) << c.line;
  for (const char* quote : {"'\"B", "\\\"B"})
    EXPECT_THAT(completed("bash-one", std::string("load -t ") + quote),
                ElementsAre("load", "-t", "\"Big One\""));
}

TEST_F(ShellCompletion, ZshPutsInWhatFits) {
  EXPECT_THAT(completed("zsh", "insp"), ElementsAre("inspect"));
  EXPECT_THAT(completed("zsh", "load trips.csv --wri"),
              ElementsAre("load", "trips.csv", "--writer"));
  EXPECT_THAT(completed("zsh", "load --writer=c"), ElementsAre("load", "--writer=copy"));
  EXPECT_THAT(completed("zsh", "load --rejects=tri"), ElementsAre("load", "--rejects=trips.csv"));
  EXPECT_THAT(completed("zsh", "load tri"), ElementsAre("load", "trips.csv"));
  EXPECT_THAT(completed("zsh", "load -t sales."), ElementsAre("load", "-t", "sales.orders"));
  EXPECT_THAT(completed("zsh", "load -t \\\"B"), ElementsAre("load", "-t", "\"Big One\""));
  EXPECT_THAT(completed("zsh", "migrate up --dir m"),
              ElementsAre("migrate", "up", "--dir", "migrations"));
}

TEST_F(ShellCompletion, FishOffersWhatFits) {
  EXPECT_THAT(in_fish("insp"), ElementsAre("inspect"));
  EXPECT_THAT(in_fish("load --writer "), ElementsAre("auto", "copy", "insert"));
  EXPECT_THAT(in_fish("load -t tr"), ElementsAre("trips"));
  EXPECT_THAT(in_fish("load -t sales."), ElementsAre("sales.orders"));
  EXPECT_THAT(in_fish("load tri"), ElementsAre("trips.csv"));
  EXPECT_THAT(in_fish("load --wri"), ElementsAre("--writer"));
}

TEST_F(ShellCompletion, LoadsAndJobsAreOffered) {
  ASSERT_EQ(0, pgsluice({"load", folder_ / "trips.csv", "-t", "trips", "-d", url()}).exit_code);
  EXPECT_THAT(completed("bash", "loads show "), ElementsAre("loads", "show", "1"));
  folder_.write("job.sql", "select 1");
  folder_.write("pgsluice.toml",
                "[[job]]\nname = \"nightly\"\ncron = \"@daily\"\nsql = \"job.sql\"\n");
  EXPECT_THAT(completed("bash", "schedule history ni"),
              ElementsAre("schedule", "history", "nightly"));
  EXPECT_THAT(completed("zsh", "loads show "), ElementsAre("loads", "show", "1"));
}

TEST_F(ShellCompletion, NamesOfOthersAreNeverRun) {
  const std::string name = "$(touch pwned) `touch pwned`; touch pwned it's \\ & *";
  db().run("create table \"" + name + "\" (id int); create table \"line\nend\" (id int)");
  const std::string shown = "\"" + name + "\"";
  EXPECT_EQ((Lines{"load", "-t", shown}), completed("bash-one", "load -t \\\"\\$"));
  EXPECT_EQ((Lines{"load", "-t", shown}), completed("zsh", "load -t \\\"\\$"));
  EXPECT_THAT(completed("bash", "load -t \\\"li"), ElementsAre("load", "-t", "\"li"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "pwned"));
}

TEST_F(ShellCompletion, WhatCannotBeFoundOutIsLeftOut) {
  const auto complete = [](Lines words, const Lines& environment) {
    words.insert(words.begin(), {"complete", "--"});
    return pgsluice(words, {.environment = environment});
  };
  const std::string role = url_of_new_role("completes_" + std::string(PQdb(db().raw())));
  for (const Lines& connection : {Lines{"-h", "/nowhere"}, Lines{"-d", "no such = conninfo"},
                                  Lines{"-p", "x"}, Lines{"-d", "service=none"}}) {
    Lines words{"load"};
    words.insert(words.end(), connection.begin(), connection.end());
    words.insert(words.end(), {"-t", ""});
    const Finished finished = complete(words, {"PGPASSFILE=/nowhere"});
    EXPECT_EQ(0, finished.exit_code) << connection.back();
    EXPECT_EQ("words\n", finished.out) << connection.back();
    EXPECT_EQ("", finished.err) << connection.back();
  }
  // A table that the user cannot see is no secret here: but what is behind a schema is.
  db().run("create schema hidden; create table hidden.accounts (id int)");
  EXPECT_EQ("words\n", complete({"load", "-d", role, "-t", "hidden."}, {}).out);
}

TEST_F(ShellCompletion, AServerThatSaysNothingIsNotWaitedFor) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  ASSERT_EQ(0, ::bind(fd, reinterpret_cast<sockaddr*>(&address), size));
  ASSERT_EQ(0, ::listen(fd, 8));
  ASSERT_EQ(0, ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size));
  const std::string port = std::to_string(ntohs(address.sin_port));
  const auto begin = std::chrono::steady_clock::now();
  const Finished finished =
      pgsluice({"complete", "--", "load", "-h", "127.0.0.1", "-p", port, "-t", ""});
  ::close(fd);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_EQ("words\n", finished.out);
}

}  // namespace
}  // namespace sluice::test
