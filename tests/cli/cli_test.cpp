#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Cli : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, v text)");
    path_ = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  }
  Finished run(std::vector<std::string> arguments, Process::Options options = {}) {
    arguments.insert(arguments.end(), {"-d", url()});
    return pgsluice(std::move(arguments), std::move(options));
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(Cli, ResultsGoToStdoutTheRestToStderr) {
  const Finished first = run({"load", path_, "--table", "t"});
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.out, HasSubstr("stored 2 rows in "));
  EXPECT_THAT(first.err, HasSubstr(path_ + " -> public.t     "));
  EXPECT_THAT(first.err, HasSubstr("COPY binary, 8 MiB chunks"));
  EXPECT_THAT(first.err, Not(HasSubstr("\x1b")));
  const Finished second = run({"load", path_, "--table", "t"});
  EXPECT_EQ(0, second.exit_code);
  EXPECT_THAT(second.out, HasSubstr("nothing to do: this file is already in public.t (load 1,"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Cli, QuietSaysNothing) {
  const Finished finished = run({"load", path_, "-t", "t", "-q"});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_EQ("", finished.out);
  EXPECT_EQ("", finished.err);
}

TEST_F(Cli, JsonIsOneObjectAlsoOnFailure) {
  const auto good =
      nlohmann::json::parse(run({"load", path_, "-t", "t", "--output", "json", "-q"}).out);
  EXPECT_EQ(0, good["exit_code"]);
  EXPECT_EQ("stored", good["loads"][0]["status"]);
  EXPECT_EQ(2, good["loads"][0]["rows_stored"]);
  const std::string bad_path = folder_.write("bad.csv", "id,v\n1,a\nx\xff,b\n");
  const Finished failed = run({"load", bad_path, "-t", "t", "--output", "json"});
  EXPECT_EQ(1, failed.exit_code);
  const auto bad = nlohmann::json::parse(failed.out);
  EXPECT_EQ("failed", bad["loads"][0]["status"]);
  EXPECT_EQ(3, bad["loads"][0]["error"]["record"]["line"]);
  EXPECT_EQ(2, bad["loads"][0]["error"]["record"]["record"]);
  EXPECT_EQ(9, bad["loads"][0]["error"]["record"]["byte_offset"]);
  const auto usage = run({"load", "/nowhere.csv", "-t", "t", "--output", "json"});
  EXPECT_EQ(2, usage.exit_code);
  EXPECT_EQ(2, nlohmann::json::parse(usage.out)["exit_code"]);
}

TEST_F(Cli, BadRecordIsNamedAndWhatIsStoredIsSaid) {
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\n2x,b\n");
  const Finished finished = run({"load", bad, "-t", "t"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(
      finished.err,
      HasSubstr("bad.csv:3: column \"id\": value \"2x\": invalid input syntax for type integer"));
  EXPECT_THAT(finished.err, HasSubstr("stored nothing (load 1)"));
  EXPECT_EQ("", finished.out);
}

struct UsageCase {
  std::vector<std::string> arguments;
  int exit_code;
  const char* says;
};

TEST_F(Cli, WrongUsageNamesTheFlagAndWhatToWriteInstead) {
  const UsageCase cases[] = {
      {{"load", path_, "--tabel", "t"}, 2, "unknown flag --tabel; did you mean --table?"},
      {{"load", path_, "-t", "t", "--chunksize", "1M"}, 2, "did you mean --chunk-size?"},
      {{"laod", path_, "-t", "t"}, 2, "unknown command laod; did you mean load?"},
      {{"--chunk-size", "1M", "load", path_, "-t", "t"},
       2,
       "--chunk-size stands in front of its command: write it behind load"},
      {{"load", path_}, 2, "--table is required"},
      {{"load", "-t", "t"}, 2, "FILE is required"},
      {{"load", path_, "-t", "t", "--chunk-size", "8Q"},
       2,
       "--chunk-size: \"8Q\" is not a size; write for example 8MiB"},
      {{"load", path_, "-t", "t", "--chunk-size", "0"}, 2, "--chunk-size must be from 1 byte"},
      {{"load", path_, "-t", "t", "--retry-for", "soon"},
       2,
       "--retry-for: \"soon\" is not a duration; write for example 500ms"},
      {{"load", path_, "-t", "t", "--delimiter", "123456789"},
       2,
       "--delimiter: \"123456789\" is not one to eight bytes"},
      {{"load", path_, "-t", "t", "--delimiter", "\""}, 2, "--delimiter and --quote must differ"},
      {{"load", path_, "-t", "t", "--null", "a,b"}, 2, "--null must not contain the delimiter"},
      {{"load", path_, "-t", "t", "--header", "yes"}, 2, "--header"},
      {{"load", path_, "-t", "t", "--columns", "id,v"}, 2, "--header=skip"},
      {{"load", path_, "-t", "t", "--map", "id"}, 2, "--map: \"id\" has no name and value"},
      {{"load", path_, "-t", "t", "--jobs", "0"}, 2, "--jobs"},
      {{"load", path_, "-t", "t", "--encoding", "SHIFT_JIS_2004"}, 2, "no conversion"},
      {{"load", "/nowhere.csv", "-t", "t"}, 2, "/nowhere.csv: No such file or directory"},
      {{"load", "/usr", "-t", "t"}, 2, "/usr: the folder has no *.csv"},
      {{"load", path_, "-t", "999999"}, 2, R"(a table of that name is '"999999"')"},
      {{"load", path_, "-t", "0"}, 2, "a number is no name"},
      {{"load", path_, "-t", "-"}, 2, "it is no name"},
      {{"load", path_, "-t", ""}, 2, "is empty"},
      {{"load", path_, "-t", "\xff"}, 2, "no UTF-8"},
      {{"load", path_, "--atomic", "-t", "999999"}, 2, "a number is no name"},
      {{"load", path_, "--dry-run", "-t", "1259"}, 2, "a number is no name"},
      {{"check", path_, "-t", "999999"}, 2, "a number is no name"},
      {{"check", path_, "-t", "-"}, 2, "it is no name"},
      {{"load", path_, "-t", "nix"}, 1, "relation \"nix\" does not exist"},
      {{"load", path_, "-t", "nix"}, 1, "--create makes the table"},
      {{"loads", "show", "99"}, 1, "there is no load 99"},
  };
  for (const UsageCase& c : cases) {
    const Finished finished = run(c.arguments);
    EXPECT_EQ(c.exit_code, finished.exit_code) << c.says << "\n" << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(c.says));
  }
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

TEST_F(Cli, CannotConnect) {
  const Finished refused = pgsluice({"load", path_, "-t", "t", "-d", "postgresql://127.0.0.1:1/x"});
  EXPECT_EQ(4, refused.exit_code);
  const Finished unknown = pgsluice({"loads", "-d", url_of_database(url(), "no_such_database")});
  EXPECT_EQ(4, unknown.exit_code);
  EXPECT_THAT(unknown.err, HasSubstr("no_such_database"));
}

TEST_F(Cli, PasswordsAreNeverShown) {
  const std::string with_password = "postgresql://someone:s3cret-word@127.0.0.1:1/x";
  const Finished finished =
      pgsluice({"load", path_, "-t", "t", "-d", with_password, "-v", "--output", "json"});
  EXPECT_EQ(4, finished.exit_code);
  EXPECT_THAT(finished.out + finished.err, Not(HasSubstr("s3cret-word")));
}

TEST_F(Cli, EnvironmentAndSeveralHostsWorkBecauseLibpqDoesIt) {
  const Session session(url());
  const std::string host = PQhost(session.raw());
  const std::string port = PQport(session.raw());
  const Finished finished =
      pgsluice({"load", path_, "-t", "t"},
               {.environment = {"PGHOST=127.0.0.1," + host, "PGPORT=1," + port,
                                "PGUSER=" + std::string(PQuser(session.raw())),
                                "PGDATABASE=" + std::string(PQdb(session.raw())),
                                "PGPASSWORD=" + std::string(PQpass(session.raw())),
                                "PGOPTIONS=-c my.tag=x"}});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Cli, StandardInput) {
  const Finished finished = run({"load", "-", "-t", "t"}, {.input = path_});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("stdin -> public.t"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Cli, SeveralFilesOneAfterTheOther) {
  const std::string more = folder_.write("more.csv", "v,id\nc,3\n");
  EXPECT_EQ(0, run({"load", path_, more, "-t", "t"}).exit_code);
  EXPECT_EQ(6, db().number("select sum(id) from t"));
  const auto json =
      nlohmann::json::parse(run({"load", path_, more, "-t", "t", "--output", "json"}).out);
  EXPECT_EQ(2U, json["loads"].size());
  EXPECT_EQ("nothing to do", json["loads"][1]["status"]);
  EXPECT_EQ(2, run({"load", path_, more, "-t", "t", "--truncate"}).exit_code);
}

TEST_F(Cli, DryRunShowsThePlan) {
  const Finished finished = run({"load", path_, "-t", "t", "--dry-run", "--jobs", "3"});
  EXPECT_EQ(0, finished.exit_code);
  EXPECT_THAT(finished.out, HasSubstr("writer       COPY binary"));
  EXPECT_THAT(finished.out, HasSubstr("connections  3"));
  EXPECT_THAT(finished.out, HasSubstr("id -> id integer"));
  EXPECT_THAT(finished.out, HasSubstr("buffers      about"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

TEST_F(Cli, LoadsAndShow) {
  EXPECT_THAT(run({"loads"}).out, HasSubstr("no loads yet"));
  run({"load", path_, "-t", "t"});
  EXPECT_THAT(run({"loads"}).out, HasSubstr("finished"));
  const auto list = nlohmann::json::parse(run({"loads", "--output", "json"}).out);
  EXPECT_EQ(2, list[0]["rows_stored"]);
  const Finished show = pgsluice({"loads", "show", "1", "-d", url()});
  EXPECT_THAT(show.out, HasSubstr("load 1: finished"));
  EXPECT_THAT(show.out, HasSubstr("rows stored    2"));
}

TEST_F(Cli, ProgressAsJsonLines) {
  const Finished finished = run({"load", path_, "-t", "t", "--progress", "json"});
  const auto last = nlohmann::json::parse(
      finished.err.substr(finished.err.rfind('\n', finished.err.size() - 2) + 1));
  EXPECT_EQ(2, last["rows_stored"]);
  EXPECT_EQ(13, last["bytes_total"]);
}

TEST_F(Cli, ClosedOutputDoesNotStopALoad) {
  const std::string command =
      std::string(PGSLUICE_BINARY) + " load " + path_ + " -t t -d '" + url() + "' >&- 2>&-";
  EXPECT_EQ(0, WEXITSTATUS(std::system(command.c_str())));
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(Cli, HelpIsOnStdout) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"load", "--help"}, {"loads", "--help"}, {"loads", "show", "--help"}}) {
    const Finished help = pgsluice(arguments);
    EXPECT_EQ(0, help.exit_code);
    EXPECT_THAT(help.out, HasSubstr("--help"));
  }
}

/// A script whose $HOST is empty says the same as a person who asks for help: it is no success.
TEST_F(Cli, AHostThatIsNotThereAsksForHelp) {
  const Finished whole = pgsluice({"-h"});
  EXPECT_EQ(0, whole.exit_code);
  EXPECT_EQ(pgsluice({"--help"}).out, whole.out);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"load"}, {"load", path_}, {"loads", "show"}, {"migrate", "up"}}) {
    std::vector<std::string> asked = words;
    asked.emplace_back("--help");
    const std::string help = pgsluice(asked).out;
    asked.back() = "-h";
    const Finished lone = pgsluice(asked);
    EXPECT_EQ(2, lone.exit_code);
    EXPECT_EQ(help, lone.out);
  }
  const Finished behind_flags = pgsluice({"load", path_, "-t", "t", "-h"});
  EXPECT_EQ(2, behind_flags.exit_code);
  EXPECT_THAT(behind_flags.err, HasSubstr("--host needs a value behind it"));
}

TEST_F(Cli, RejectsAreCountedAndTheExitCodeSaysSo) {
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\n2x,b\n3,c\n");
  const Finished some = run({"load", bad, "-t", "t", "--max-rejects", "1"});
  EXPECT_EQ(3, some.exit_code) << some.err;
  EXPECT_THAT(some.out, HasSubstr("rejected 1 -> "));
  EXPECT_THAT(some.out, HasSubstr("bad.rejects.csv"));
  EXPECT_EQ(2, db().number("select count(*) from t"));
  const auto json = nlohmann::json::parse(
      run({"load", bad, "-t", "t", "--max-rejects", "1", "--again", "--output", "json"}).out);
  EXPECT_EQ(3, json["exit_code"]);
  EXPECT_EQ(1, json["loads"][0]["rows_rejected"]);
  EXPECT_EQ(folder_ / "bad.rejects.2.csv", json["loads"][0]["rejects_path"].get<std::string>());
  const std::string worse = folder_.write("worse.csv", "id,v\n1x,a\n2x,b\n3,c\n");
  const Finished many = run({"load", worse, "-t", "t", "--max-rejects", "1"});
  EXPECT_EQ(5, many.exit_code) << many.err;
  EXPECT_THAT(many.err, HasSubstr("2 records are bad, and --max-rejects allows 1: stopped here"));
  EXPECT_THAT(many.err, HasSubstr("rejects are in "));
  // Several files: the good ones are loaded, and the exit code is that of the others.
  const Finished both = run({"load", bad, path_, "-t", "t", "--max-rejects", "1", "--again"});
  EXPECT_EQ(3, both.exit_code) << both.err;
  EXPECT_THAT(run({"loads", "show", "1"}).out,
              HasSubstr("rejects in     " + (folder_ / "bad.rejects.csv")));
}

TEST_F(Cli, CheckPrintsEachBadRecordAndKeepsNothing) {
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\n2x,b\n3\n");
  const Finished found = run({"check", bad, path_, "-t", "t"});
  EXPECT_EQ(3, found.exit_code) << found.err;
  EXPECT_EQ(
      bad + ":3: column \"id\": value \"2x\": invalid input syntax for type integer: \"2x\"\n" +
          bad + ":4: missing data for column \"v\": 1 fields where 2 are expected\n" +
          "checked 3 records of " + bad + ": 2 bad\nchecked 2 records of " + path_ + ": all good\n",
      found.out);
  EXPECT_EQ(0, db().number("select count(*) from t"));
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.loads')"));
  EXPECT_EQ(0, run({"check", path_, "-t", "t"}).exit_code);
  const auto json = nlohmann::json::parse(run({"check", bad, "-t", "t", "--output", "json"}).out);
  EXPECT_EQ(3, json["exit_code"]);
  EXPECT_EQ("22P02", json["checks"][0]["rejects"][0]["sqlstate"]);
  EXPECT_EQ(4, json["checks"][0]["rejects"][1]["line"]);
  EXPECT_EQ(5, run({"check", bad, "-t", "t", "--max-rejects", "1"}).exit_code);
}

TEST_F(Cli, RejectsWithoutABudgetIsAMistake) {
  const Finished finished = run({"load", path_, "-t", "t", "--rejects", "x.csv"});
  EXPECT_EQ(2, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("--max-rejects"));
}

/// A ledger that an older version made gets what it lacks: as each of them has left it, without a
/// history, which V008 changes.
TEST_F(Cli, LedgerOfAnOlderVersionIsBroughtUpToDate) {
  const std::vector<std::string> files = ledger_files();
  constexpr std::size_t without_history = 7;
  ASSERT_GE(files.size(), without_history);
  for (std::size_t version = 1; version <= without_history; ++version) {
    db().run("truncate t; drop schema if exists pgsluice cascade; create schema pgsluice");
    for (std::size_t i = 0; i < version; ++i) db().run(read_file(files[i]));
    const Finished finished = run({"load", path_, "-t", "t"});
    EXPECT_EQ(0, finished.exit_code) << version << ": " << finished.err;
    EXPECT_EQ(2, db().number("select count(*) from t")) << version;
    EXPECT_EQ(static_cast<std::int64_t>(files.size()),
              db().number("select count(*) from pgsluice.migrations where project = 'pgsluice'"));
  }
}

TEST_F(Cli, LoadedFilesAreMovedAndABadOneDoesNotStopTheOthers) {
  const std::string bad = folder_.write("bad.csv", "id,v\nx,a\n");
  const std::string last = folder_.write("last.csv", "id,v\n3,c\n");
  const std::vector<std::string> files{"load", path_, bad, last, "-t", "t"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), files.begin(), files.end());
    return more;
  };
  EXPECT_EQ(2, run(with({"--after", "burn"})).exit_code);
  EXPECT_EQ(0, db().number("select count(*) from t"));
  EXPECT_EQ(1, run(with({"--jobs", "1"})).exit_code);
  EXPECT_EQ(2, db().number("select count(*) from t")) << "without --keep-going it stops there";

  const std::string done = folder_ / "done";
  const Finished moved = run(with({"--keep-going", "--after", "move:" + done}));
  EXPECT_EQ(1, moved.exit_code);
  EXPECT_THAT(moved.err, HasSubstr("note: " + last + " -> " + done + "/last.csv"));
  EXPECT_EQ(3, db().number("select count(*) from t"));
  EXPECT_EQ("id,v\nx,a\n", read_file(bad));
  EXPECT_EQ("id,v\n3,c\n", read_file(done + "/last.csv"));
  EXPECT_FALSE(std::ifstream(path_).good());

  const std::string same_name = folder_.write("last.csv", "id,v\n4,d\n");
  EXPECT_EQ(0, run({"load", same_name, "-t", "t", "--after", "move:" + done}).exit_code);
  EXPECT_EQ("id,v\n4,d\n", read_file(done + "/last.2.csv"));
  EXPECT_EQ("id,v\n3,c\n", read_file(done + "/last.csv")) << "no file is replaced";
  const std::string again = folder_.write("again.csv", "id,v\n4,d\n");
  EXPECT_EQ(7, run({"load", again, "-t", "t", "--after", "delete"}).exit_code)
      << "another file has brought this";
  EXPECT_TRUE(std::ifstream(again).good());
  EXPECT_EQ(
      0, run({"load", again, "-t", "t", "--after", "delete", "--same-content", "skip"}).exit_code);
  EXPECT_FALSE(std::ifstream(again).good());
}

/// Several runs of one command at once: one of them stores the rows.
TEST_F(Cli, ManyAtOnceStoreItOnce) {
  ASSERT_EQ(0, run({"load", folder_.write("other.csv", "id,v\n"), "-t", "t"}).exit_code);
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 8; ++i) {
    processes.push_back(std::make_unique<Process>(
        std::vector<std::string>{"load", path_, "-t", "t", "-d", url(), "-q"}));
  }
  for (const auto& process : processes)
    EXPECT_THAT(process->wait().exit_code, ::testing::AnyOf(0, 6));
  EXPECT_EQ(2, db().number("select count(*) from t"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

}  // namespace
}  // namespace sluice::test
