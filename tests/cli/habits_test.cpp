#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/characters.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// The program on a terminal of its own, at which somebody answers.
Finished at_terminal(const std::string& prompt, const std::string& answer,
                     const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {}) {
  std::vector<std::string> all{PGSLUICE_SOURCE_DIR "/tests/support/at_terminal.py", prompt, answer,
                               PGSLUICE_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return Process(all, {.input = "", .environment = environment, .program = "/usr/bin/python3"})
      .wait();
}

TEST(Habits, HelpOfACommandIsItsHelp) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"load"}, {"migrate", "up"}, {"loads", "show"}, {}}) {
    std::vector<std::string> help = words;
    help.insert(help.begin(), "help");
    std::vector<std::string> flag = words;
    flag.emplace_back("--help");
    const Finished asked = pgsluice(help);
    EXPECT_EQ(0, asked.exit_code);
    // Of one command alone the flag knows.
    if (!words.empty()) {
      EXPECT_EQ(pgsluice(flag).out, asked.out);
    }
    EXPECT_THAT(asked.out, HasSubstr("Usage: pgsluice"));
  }
  const Finished wrong = pgsluice({"help", "migrate", "upp"});
  EXPECT_EQ(2, wrong.exit_code);
  EXPECT_THAT(wrong.err, HasSubstr("pgsluice migrate has no command upp; did you mean up?"));
  EXPECT_EQ(2, pgsluice({"help", "worker"}).exit_code);
}

TEST(Habits, VersionNamesTheLibraries) {
  const Finished version = pgsluice({"--version"});
  EXPECT_EQ(0, version.exit_code);
  EXPECT_THAT(version.out, StartsWith("pgsluice "));
  for (const char* library :
       {"\nlibpq 1", "libpqxx ", "Boost 1.", "OpenSSL 3", "libcurl ", "zstd "})
    EXPECT_THAT(version.out, HasSubstr(library));
}

TEST(Habits, ColorsAreForTerminals) {
  const std::vector<std::string> wrong{"load", "/nowhere.csv", "-t", "t", "-h", "/nowhere"};
  const auto with = [&wrong](const std::vector<std::string>& more) {
    std::vector<std::string> all = wrong;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::string red = "\x1b[31mpgsluice:\x1b[0m ";
  EXPECT_THAT(pgsluice(wrong).err, StartsWith("pgsluice: "));
  EXPECT_THAT(pgsluice(with({"--color", "always"})).err, StartsWith(red));
  EXPECT_THAT(at_terminal("", "", wrong, {"TERM=xterm", "NO_COLOR="}).out, HasSubstr(red));
  EXPECT_THAT(at_terminal("", "", wrong, {"TERM=xterm", "NO_COLOR=1"}).out,
              Not(HasSubstr("\x1b[")));
  EXPECT_THAT(at_terminal("", "", wrong, {"TERM=dumb"}).out, Not(HasSubstr("\x1b[")));
  EXPECT_THAT(at_terminal("", "", with({"--color=never"}), {"TERM=xterm"}).out,
              Not(HasSubstr("\x1b[")));
  EXPECT_THAT(at_terminal("", "", with({"--color=always"}), {"TERM=xterm", "NO_COLOR=1"}).out,
              HasSubstr(red));
}

/// A server that wants a password of one of its roles.
class Password : public ::testing::Test {
 protected:
  Password() {
    Session session(server_.url());
    session.run(
        "create role asked login password 'open sesame'; create table t (id int); grant all on "
        "table t to asked; grant create on database postgres to asked");
    const std::string hba = session.value("show hba_file");
    const std::string before = read_file(hba);
    std::ofstream(hba) << "host all asked all scram-sha-256\n" << before;
    session.run("select pg_reload_conf()");
    url_ = server_.url();
    url_.replace(url_.find("postgres@"), 8, "asked");
    csv_ = folder_.write("t.csv", "id\n1\n");
  }
  /// What is asked of whoever loads it.
  std::vector<std::string> load(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all{"load", csv_, "-t", "t", "-d", url_, "--progress", "none"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::int64_t rows() { return Session(server_.url()).number("select count(*) from t"); }

  PrivateServer server_{""};
  TemporaryFolder folder_;
  std::string url_;
  std::string csv_;
  const std::vector<std::string> nobody_{"PGPASSFILE=/nowhere", "TERM=xterm"};
};

TEST_F(Password, IsAskedForAtATerminalWhenTheServerWantsOne) {
  const Finished loaded =
      at_terminal("Password for user asked: ", "open sesamX\\x7fe\\n", load(), nobody_);
  EXPECT_EQ(0, loaded.exit_code) << loaded.out;
  EXPECT_THAT(loaded.out, AllOf(HasSubstr("stored 1 row"), Not(HasSubstr("sesam"))));
  EXPECT_EQ(1, rows());
  const Finished applied =
      at_terminal("Password for user asked: ", "open sesame\\n",
                  {"migrate", "status", "--dir", folder_.path(), "-d", url_}, nobody_);
  EXPECT_EQ(0, applied.exit_code) << applied.out;
  EXPECT_THAT(applied.out, HasSubstr("Password for user asked: "));
}

/// A second connection is on its way while somebody still types.
TEST_F(Password, IsThatOfAllConnections) {
  std::string csv = "id\n";
  for (int id = 0; id < 400'000; ++id) csv += std::to_string(id) + "\n";
  csv_ = folder_.write("large.csv", csv);
  const Finished loaded =
      at_terminal("Password for user asked: ", "open sesame\n", load({"--jobs", "4"}), nobody_);
  EXPECT_EQ(0, loaded.exit_code) << loaded.out;
  EXPECT_EQ(loaded.out.find("Password for"), loaded.out.rfind("Password for"));
  EXPECT_EQ(400'000, rows());
}

TEST_F(Password, ThatIsWrongIsNotAskedForAgain) {
  const Finished refused = at_terminal("Password for user asked: ", "sesame\\n", load(), nobody_);
  EXPECT_EQ(4, refused.exit_code) << refused.out;
  EXPECT_THAT(refused.out, HasSubstr("password authentication failed"));
  EXPECT_EQ(refused.out.find("Password for"), refused.out.rfind("Password for"));
  EXPECT_EQ(0, rows());
}

TEST_F(Password, IsNotAskedForWhereThereIsNoTerminalOrItIsKnown) {
  const Finished refused = pgsluice(load(), {.environment = nobody_});
  EXPECT_EQ(4, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("no password supplied"));
  const Finished never = at_terminal("Password", "open sesame\\n", load({"-w"}), nobody_);
  EXPECT_EQ(4, never.exit_code) << never.out;
  EXPECT_THAT(never.out, Not(HasSubstr("Password for")));
  const Finished known =
      at_terminal("Password", "", load(), {"PGPASSWORD=open sesame", "TERM=xterm"});
  EXPECT_EQ(0, known.exit_code) << known.out;
  EXPECT_THAT(known.out, Not(HasSubstr("Password for")));
}

TEST_F(Password, IsAskedForAtOnceWithTheFlag) {
  const Finished loaded = at_terminal("Password: ", "open sesame\\n", load({"-W"}),
                                      {"PGPASSWORD=of somebody else", "TERM=xterm"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.out;
  const Finished nowhere = pgsluice(load({"-W"}), {.environment = nobody_});
  EXPECT_EQ(2, nowhere.exit_code);
  EXPECT_THAT(nowhere.err, HasSubstr("-W asks for the password at a terminal"));
}

TEST_F(Password, NobodyHasToAnswer) {
  EXPECT_EQ(128 + SIGINT, at_terminal("Password for", "op\\x03", load(), nobody_).exit_code);
  EXPECT_EQ(4, at_terminal("Password for", "\\x04", load(), nobody_).exit_code);
  EXPECT_EQ(0, rows());
}

class TerminalWidth : public DatabaseTest {};

TEST_F(TerminalWidth, IsWhatALineOfLoadsHas) {
  db().run("create table a_table_with_a_name_of_some_length (id int)");
  const TemporaryFolder folder;
  const std::string csv = folder.write("a_file_with_a_name_that_is_long_too.csv", "id\n1\n");
  const std::string table = "a_table_with_a_name_of_some_length";
  ASSERT_EQ(0, pgsluice({"load", csv, "-t", table, "-d", url()}).exit_code);
  for (const std::size_t columns : {40, 60, 80, 120, 500}) {
    SCOPED_TRACE(columns);
    const std::string list =
        at_terminal("", "", {"loads", "-d", url()}, {"TERMINAL_COLUMNS=" + std::to_string(columns)})
            .out;
    EXPECT_THAT(list, AllOf(HasSubstr("load"), HasSubstr("finished")));
    std::istringstream lines(list);
    for (std::string line; std::getline(lines, line);)
      EXPECT_LE(count_characters(line) - (line.ends_with('\r') ? 1 : 0), columns) << line;
    EXPECT_EQ(columns == 500, list.contains("too.csv"));
    EXPECT_EQ(columns == 500, list.contains("started"));
  }
  // A program reads all of it.
  EXPECT_THAT(pgsluice({"loads", "-d", url()}).out,
              AllOf(HasSubstr("rows/s"), HasSubstr("too.csv\n")));
}

class DoctorCommand : public DatabaseTest {
 protected:
  Finished doctor(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"doctor", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
};

TEST_F(DoctorCommand, SaysWhatALoadWouldMeet) {
  db().run(
      "create table t (id int, v text); create index on t (id); create index on t (v); create "
      "table closed (id int)");
  const Finished well = doctor({"-t", "t"});
  EXPECT_EQ(0, well.exit_code) << well.out << well.err;
  EXPECT_THAT(well.out, HasSubstr("ok       server: PostgreSQL "));
  EXPECT_THAT(well.out, HasSubstr("ok       clock: "));
  EXPECT_THAT(well.out, HasSubstr("ok       ledger: is made by the first load\n"));
  EXPECT_THAT(well.out, HasSubstr("warning  table t: has 2 secondary indexes"));
  EXPECT_THAT(well.out,
              HasSubstr("         -> for a load that is most of the table: --defer-indexes\n"));
  EXPECT_EQ("", well.err);

  const auto json = nlohmann::json::parse(doctor({"-t", "gone", "--output", "json"}).out);
  EXPECT_EQ("doctor", json["command"]);
  EXPECT_EQ(1, json["exit_code"]);
  const auto& findings = json["findings"];
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [](const auto& one) {
    return one["subject"] == "table gone" && one["verdict"] == "problem" &&
           one["advice"] == "pgsluice load FILE --table gone --create makes it";
  })) << json.dump(1);
  EXPECT_EQ(1, doctor({"-t", "gone"}).exit_code);
}

TEST_F(DoctorCommand, KnowsWhatThisUserMayNot) {
  db().run("create table t (id int)");
  const std::string role = "doctor_" + std::string(PQdb(db().raw()));
  const std::string url_of_role = url_of_new_role(role);
  const Finished poor = pgsluice({"doctor", "-d", url_of_role, "-t", "t"});
  EXPECT_EQ(1, poor.exit_code);
  EXPECT_THAT(poor.out, HasSubstr("problem  table t: " + role + " may not insert\n"));
  EXPECT_THAT(poor.out, HasSubstr("-> grant insert on t to \"" + role + "\"\n"));
  EXPECT_THAT(poor.out,
              HasSubstr("problem  ledger: is not there, and " + role + " may not make it"));
  db().run("create schema closed; create table closed.t (id int)");
  EXPECT_THAT(pgsluice({"doctor", "-d", url_of_role, "-t", "closed.t"}).out,
              HasSubstr("problem  table closed.t: is not there, or its schema is not for " + role));
  // What it says to do helps.
  db().run("grant insert on t to " + role + "; grant create on database " +
           std::string(PQdb(db().raw())) + " to " + role);
  EXPECT_EQ(0, pgsluice({"doctor", "-d", url_of_role, "-t", "t"}).exit_code);
  db().run("drop owned by " + role);
}

TEST_F(DoctorCommand, SeesUnfinishedLoads) {
  db().run("create table t (id int primary key)");
  const TemporaryFolder folder;
  const std::string bad = folder.write("bad.csv", "id\n1\n1\n");
  ASSERT_EQ(1, pgsluice({"load", bad, "-t", "t", "-d", url()}).exit_code);
  const Finished finished = doctor();
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_THAT(finished.out, HasSubstr("warning  ledger: loads that are unfinished: 1\n"));
  EXPECT_THAT(finished.out, HasSubstr("ok       ledger: is complete\n"));
}

TEST_F(DoctorCommand, SaysWhyItCannotAsk) {
  const Finished away = pgsluice({"doctor", "-h", "/nowhere"});
  EXPECT_EQ(4, away.exit_code);
  EXPECT_THAT(away.out, HasSubstr("problem  connection: "));
  for (const char* wrong : {"a.b.c.d", "t'; drop table t", "\"", "a..b"}) {
    const Finished refused = doctor({"-t", wrong});
    EXPECT_EQ(2, refused.exit_code) << wrong;
    EXPECT_THAT(refused.err, HasSubstr(std::string("--table ") + wrong + ": "));
  }
}

}  // namespace
}  // namespace sluice::test
