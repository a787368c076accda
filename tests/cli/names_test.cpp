#include <dirent.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// A terminal would obey it, a reader would be misled by it, or it begins a line like one of ours.
const std::string hostile = "x\x1b[2J\x1b]0;t\x07\r\nnote: all is well\xe2\x80\xaegpj\xc2\x9b";

/// Nothing of it is left, wherever it was printed.
::testing::Matcher<std::string> is_harmless() {
  return AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), Not(HasSubstr("\r")),
               Not(HasSubstr("\nnote: all is well")), Not(HasSubstr("\xe2\x80\xae")),
               Not(HasSubstr("\xc2\x9b")));
}

/// Names and texts that others have written.
class Names : public DatabaseTest {
 protected:
  Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-d", url()});
    return pgsluice(arguments);
  }
  void expect_harmless(const std::vector<std::string>& arguments, const std::string& shows) const {
    const Finished finished = run(arguments);
    SCOPED_TRACE(arguments.front() + " " + (arguments.size() > 1 ? arguments[1] : ""));
    EXPECT_THAT(finished.out, is_harmless());
    EXPECT_THAT(finished.err, is_harmless());
    EXPECT_THAT(finished.out + finished.err, HasSubstr(shows));
  }
  /// A configuration in which everything is due: it was there before, and nobody looked.
  void make_due(const std::string& config = "pgsluice.toml") {
    // A job that fails may be due by then.
    pgsluice({"schedule", "run", "--once", "--config", config});
    ASSERT_LT(0, db().number("select count(*) from pgsluice.jobs"));
    db().run(
        "update pgsluice.jobs set since = now() - interval '10 seconds'; delete from "
        "pgsluice.job_runs");
  }
  static std::string quoted(const std::string& name) { return "\"" + name + "\""; }

  TemporaryFolder folder_;
};

TEST_F(Names, OfFilesTablesAndColumnsAreShownEscaped) {
  const std::string path = folder_.write(hostile + ".csv", "\"" + hostile + "\"\n1\n");
  db().run("create table " + quoted(hostile) + " (" + quoted(hostile) + " int)");
  const std::string shown = "x\\x1b[2J\\x1b]0;t\\x07\\r";
  expect_harmless({"load", path, "-t", quoted(hostile), "--dry-run"}, shown);
  expect_harmless({"load", path, "-t", quoted(hostile), "-v"}, shown);
  expect_harmless({"load", path, "-t", quoted(hostile)}, "nothing to do");
  expect_harmless({"load", path, "-t", quoted(hostile + "absent")}, shown);
  expect_harmless({"loads"}, shown);
  expect_harmless({"loads", "show", "1"}, shown);
  expect_harmless({"load", path + "absent", "-t", "t"}, shown);
  db().run("create table t (a int)");
  expect_harmless({"load", path, "-t", "t"}, shown);
  expect_harmless({"load", "-t", "t", "--" + hostile, path}, "unknown flag");
  expect_harmless({"migrate", "up", "--dir", folder_ / hostile}, "\\x1b");

  const std::string bad = folder_.write(hostile + "bad.csv", "a\n\"" + hostile + "\"\n2\n");
  expect_harmless({"load", bad, "-t", "t"}, shown);
  expect_harmless({"load", bad, "-t", "t", "--max-rejects", "9"}, shown);
  expect_harmless({"check", bad, "-t", "t"}, shown);
  expect_harmless({"load", bad, "-t", "t", "--max-rejects", "9", "--again", "--after",
                   "move:" + (folder_ / "done")},
                  "-> ");
}

TEST_F(Names, InJsonAreEscapedAndMeanWhatTheyAre) {
  const std::string path = folder_.write(hostile + ".csv", "a\n1\n");
  db().run("create table t (a int)");
  const Finished loaded = run({"load", path, "-t", "t", "--output", "json", "--progress", "json"});
  EXPECT_THAT(loaded.out, is_harmless());
  EXPECT_EQ(path, nlohmann::json::parse(loaded.out)["loads"][0]["source"]);
  const Finished listed = run({"loads", "--output", "json"});
  EXPECT_THAT(listed.out, is_harmless());
  EXPECT_EQ(path, nlohmann::json::parse(listed.out)[0]["source_path"]);
}

/// What a server says: errors with all their parts, notices.
TEST_F(Names, TextsOfTheServerAreShownEscaped) {
  db().run("create table t (a int)");
  const std::string text = "E'x\\x1b[2J\\r\\nnote: all is well'";
  db().run(
      "create function f() returns trigger language plpgsql as $$ begin raise exception using "
      "message = " +
      text + ", detail = " + text + ", hint = " + text +
      ", errcode = 'P0001'; end $$; create trigger f before insert on t for each row execute "
      "function f()");
  const std::string path = folder_.write("x.csv", "a\n1\n");
  for (const char* command : {"load", "check"})
    expect_harmless({command, path, "-t", "t"}, "x\\x1b[2J\\r");
  fs::create_directory(folder_ / "m");
  folder_.write("m/V1__a.sql", "do $$ begin raise notice using message = " + text + "; end $$");
  expect_harmless({"migrate", "up", "--dir", folder_ / "m"}, "\\x1b[2J\\r");
  folder_.write("m/V2__b.sql", "-- pgsluice: no-transaction\ninsert into t values (1)");
  expect_harmless({"migrate", "up", "--dir", folder_ / "m"}, "\\x1b[2J\\r");
  expect_harmless({"migrate", "status", "--dir", folder_ / "m"}, "\\x1b[2J\\r");
}

TEST_F(Names, OfJobsAndWhatTheySayAreShownEscaped) {
  folder_.write(
      "j.sql", "do $$ begin raise exception E'x\\x1b[2J\\r\\npgsluice: note: all is well'; end $$");
  folder_.write("pgsluice.toml", "dbname = \"" + url() +
                                     "\"\n[[job]]\nname = \"a\\u001b[2J\\r\\nnote: all is well\"\n"
                                     "cron = \"@every 1s\"\nsql = \"j.sql\"\n");
  const std::string config = folder_ / "pgsluice.toml";
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"check"},
                                             {"run", "--once"},
                                             {"run", "--once", "--log", "json"},
                                             {"history"},
                                             {"history", "--output", "json"}}) {
    if (command.front() == "run") make_due(config);
    std::vector<std::string> all{"schedule"};
    all.insert(all.end(), command.begin(), command.end());
    all.insert(all.end(), {"--config", config});
    const Finished finished = pgsluice(all);
    SCOPED_TRACE(command.back());
    EXPECT_THAT(finished.out, is_harmless());
    EXPECT_THAT(finished.err, is_harmless());
    EXPECT_THAT(finished.out + finished.err, HasSubstr("1b[2J"));
  }
}

/// The folder of the configuration is the one that one stands in.
class Here : public Names {
 protected:
  void SetUp() override {
    db().run("create table t (a int)");
    before_ = fs::current_path();
    fs::current_path(folder_.path());
  }
  void TearDown() override { fs::current_path(before_); }
  void configure(const std::string& job) const {
    std::ofstream("pgsluice.toml")
        << "dbname = \"" << url() << "\"\n[[job]]\nname = \"j\"\ncron = \"@every 5s\"\n"
        << job;
  }
  fs::path before_;
};

TEST_F(Here, FilesThatLookLikeFlagsAreLoaded) {
  int number = 0;
  for (const char* name :
       {"good.csv", "--after=delete", "-x.csv", "--", "-", "-t", "[good.csv]", "load"})
    std::ofstream(folder_ / name) << "a\n" << ++number << "\n";
  configure(
      "load = [\"*\"]\ntable = \"t\"\nsettle = \"0s\"\nflags = [\"--max-rejects\", \"1000\", "
      "\"--ragged\", \"pad\"]\n");
  make_due();
  const Finished once = pgsluice({"schedule", "run", "--once"});
  for (int i = 1; i <= number; ++i) {
    EXPECT_EQ(1, db().number("select count(*) from t where a = " + std::to_string(i))) << i << "\n"
                                                                                       << once.err;
  }
  EXPECT_TRUE(fs::exists(folder_ / "good.csv"));
  EXPECT_TRUE(fs::exists(folder_ / "--after=delete"));
}

TEST_F(Here, SqlFilesThatLookLikeFlagsAreRun) {
  std::ofstream(folder_ / "-x.sql") << "insert into t values (1)";
  configure("sql = \"-x.sql\"\n");
  EXPECT_EQ(0, pgsluice({"schedule", "check"}).exit_code);
  make_due();
  const Finished once = pgsluice({"schedule", "run", "--once"});
  EXPECT_EQ(0, once.exit_code) << once.err;
  EXPECT_EQ(1, db().number("select count(*) from t"));
  fs::create_directory("--dir");
  std::ofstream("--dir/V1__a.sql") << "insert into t values (2)";
  configure("migrate = \"--dir\"\n");
  db().run("delete from pgsluice.job_runs");
  make_due();
  const Finished migrated = pgsluice({"schedule", "run", "--once"});
  EXPECT_EQ(0, migrated.exit_code) << migrated.err;
  EXPECT_EQ(1, db().number("select count(*) from t where a = 2"));
}

TEST_F(Here, AListOfTheCommandLineIsAFile) {
  std::ofstream(folder_ / "[a]") << "a\n7\n";
  std::ofstream(folder_ / "a") << "a\n8\n";
  EXPECT_EQ(0, run({"load", "[a]", "-t", "t"}).exit_code);
  EXPECT_EQ("7", db().value("select string_agg(a::text, ',') from t"));
}

TEST_F(Here, TheFlagsOfAJobCannotEndThem) {
  configure("load = [\"*.csv\"]\ntable = \"t\"\nflags = [\"--\"]\n");
  const Finished checked = pgsluice({"schedule", "check"});
  EXPECT_EQ(2, checked.exit_code);
  EXPECT_THAT(checked.err, HasSubstr("flags: -- ends them"));
}

/// What every process of this machine sees of the others.
std::string command_lines() {
  std::string all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::string line = read_file(entry.path() / "cmdline");
    std::ranges::replace(line, '\0', ' ');
    if (line.contains("pgsluice")) all += line + "\n";
  }
  return all;
}

TEST_F(Here, SecretsStandOnNoCommandLine) {
  std::string with_secrets = url();
  with_secrets += std::string(with_secrets.contains('?') ? "&" : "?") +
                  "sslpassword=s3cret-one&options=-c%20a.b%3Ds3cret-two";
  std::ofstream("s.sql")
      << "-- pgsluice: lock-timeout 0\ninsert into t values (length(current_setting('a.b'))); "
         "lock table busy";
  std::ofstream("pgsluice.toml")
      << "dbname = \"" << with_secrets
      << "\"\n[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nsql = \"s.sql\"\n";
  const Finished checked = pgsluice({"schedule", "check"});
  EXPECT_THAT(checked.out + checked.err, Not(HasSubstr("s3cret")));
  db().run("create table busy ()");
  make_due();
  Session holder(url());
  holder.run("begin; lock table busy");
  Process process({"schedule", "run", "--once"});
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 'busy'::regclass and not "
                 "granted)"));
  const std::string lines = command_lines();
  EXPECT_THAT(lines, HasSubstr("migrate run -- s.sql"));
  EXPECT_THAT(lines, Not(HasSubstr("s3cret")));
  holder.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, Not(HasSubstr("s3cret")));
  EXPECT_EQ(10, db().number("select a from t")) << "the child has the connection's options";
}

/// Whoever leaves out the -d, or misspells: what is said is no secret.
TEST_F(Here, SecretsStandInNoMessage) {
  const std::string broken = "postgresql://me:s3cret%zz@h/d";
  const std::string split = "postgresql://me:a/s3cret@h/d";
  const std::string right = "postgresql://me:s3cret@127.0.0.1:1/d";
  std::ofstream("x.csv") << "a\n1\n";
  std::ofstream("V1__a.sql") << "select 1";
  std::vector<std::vector<std::string>> commands;
  for (const std::string& uri :
       {broken, split, right, std::string("host=127.0.0.1 port=1 password=a s3cret")}) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"load", "x.csv", "-t", "t", "-d"},
             {"check", "x.csv", "-t", "t", "-d"},
             {"loads", "-d"},
             {"loads", "show", "1", "-d"},
             {"migrate", "up", "--wait", "0", "--dir", ".", "-d"},
             {"migrate", "status", "--wait", "0", "--dir", ".", "-d"},
             {"migrate", "up", "--wait", "0", "--dir", ".", "--migrate-url"},
             {"schedule", "history", "-d"},
             {"schedule", "run", "--wait", "0", "--once", "-d"},
             {"loads"},
             {"load", "-t", "t"},
             {"migrate"},
             {"migrate", "up"},
             {}}) {
      commands.push_back(command);
      commands.back().push_back(uri);
    }
  }
  // As the value of another flag, or of a part of one.
  const std::string web = "https://me:s3cret@127.0.0.1:1/x?X-Amz-Signature=s3cret";
  for (const std::string& uri : {right, web, "move:" + web}) {
    for (const char* flag :
         {"--jobs",        "--chunk-size",  "--retry-for",   "--max-rejects", "--max-reject-ratio",
          "--quote",       "--delimiter",   "--newline",     "--encoding",    "--format",
          "--dialect",     "--after",       "--columns",     "--map",         "--skip-column",
          "--on-conflict", "--key",         "--rejects",     "--null-for",    "--add",
          "--decimal",     "--booleans",    "--date-format", "--output",      "--set",
          "--member",      "--primary-key", "--names",       "--where",       "--select"}) {
      commands.push_back({"load", "x.csv", "-t", "t", "-d", "host=127.0.0.1 port=1", flag});
      if (commands.size() % 2 == 0) {
        commands.back().back() += "=" + uri;
      } else {
        commands.back().push_back(uri);
      }
    }
    commands.push_back({"load", "x.csv", "-d", "host=127.0.0.1 port=1", "-t", uri});
    commands.push_back({"loads", "prune", "--older", uri});
    commands.push_back({"loads", "show", uri});
    commands.push_back({"migrate", "plan", "--wait", "0", "--dir", uri});
    commands.push_back({"schedule", "check", "--config", uri});
  }
  for (const std::string& uri : {broken, split}) {
    std::ofstream("pgsluice.toml")
        << "dbname = \"" << uri << "\"\nmigrate_url = \"" << uri
        << "\"\n[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nsql = \"V1__a.sql\"\n";
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"schedule", "run", "--once"}, {"schedule", "history"}, {"schedule", "check"}})
      commands.push_back(command);
  }
  for (const std::vector<std::string>& command : commands) {
    const Finished finished = pgsluice(command);
    std::string line;
    for (const std::string& word : command) line += " " + word;
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr("s3cret"))) << line;
    if (line != " schedule check") {
      EXPECT_NE(0, finished.exit_code) << line;
    }
  }
}

/// Texts for the server and for JSON: each with a message that names the flag.
TEST_F(Here, TextsThatAreNoUtf8) {
  std::ofstream("x.csv") << "a\n1\n";
  struct Given {
    std::vector<std::string> flags;
    std::string named;
  };
  for (const Given& given : std::vector<Given>{
           {{"x.csv", "-t", "t", "--null", "\xff"}, "--null"},
           {{"x.csv", "-t", "t", "--map", "\xff=a"}, "--map"},
           {{"x.csv", "-t", "t", "--header", "skip", "--columns", "a,\xff"}, "--columns"},
           {{"x.csv", "-t", "t", "--key", "\xff", "--on-conflict", "nothing"}, "--key"},
           {{"x.csv", "-t", "t", "--key", "a", "--on-conflict", "update", "--update-columns",
             "\xff"},
            "--update-columns"},
           {{"x.csv", "-t", "t", "--set", "a.b=\xff"}, "--set"},
           {{"x.csv", "-t", "t\xff"}, "--table"},
           {{"x.csv", "-t", "t", "--encoding", "\xff"}, "--encoding"},
           {{"x.csv", "-t", "t", "--delimiter", "\xff"}, "delimiter"},
           {{"x.csv", "-t", "t", "--quote", "\xff"}, "quote"},
           {{"x.csv", "-t", "t", "--escape", "\xff"}, "escape"}}) {
    std::vector<std::string> arguments{"load"};
    arguments.insert(arguments.end(), given.flags.begin(), given.flags.end());
    const Finished finished = run(arguments);
    EXPECT_EQ(2, finished.exit_code) << given.named << ": " << finished.out << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(given.named));
    EXPECT_THAT(finished.err, Not(HasSubstr("json")));
    arguments.insert(arguments.end(), {"--output", "json"});
    EXPECT_THAT(run(arguments).err, Not(HasSubstr("json.exception")));
  }
  EXPECT_EQ(0, db().number("select count(*) from t"));
  std::ofstream("V1__a.sql") << "-- pgsluice: placeholders x\nselect 1";
  EXPECT_THAT(run({"migrate", "up", "--dir", ".", "--project", "\xff"}).err,
              HasSubstr("--project"));
  EXPECT_THAT(run({"migrate", "up", "--dir", ".", "--placeholder", "x=\xff"}).err,
              HasSubstr("--placeholder"));
  EXPECT_THAT(run({"schedule", "history", "\xff"}).err, HasSubstr("JOB"));
}

/// ... and names of files work, whatever they are: the ledger and JSON have them in a form that
/// leads back to the file.
TEST_F(Here, NamesOfFilesThatAreNoUtf8) {
  fs::create_directory("f\xff");
  std::ofstream("f\xff/n\xe9.csv") << "a\n1\nx\n2\n";
  const std::string path = "f\xff/n\xe9.csv";
  const Finished first = run({"load", path, "-t", "t", "--max-rejects", "1"});
  EXPECT_EQ(3, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("$'f\\xff/n\\xe9.csv' -> public.t"));
  EXPECT_THAT(first.out, HasSubstr("rejected 1 -> f\\xff/n\\xe9.rejects.csv"));
  EXPECT_TRUE(fs::exists("f\xff/n\xe9.rejects.csv"));
  const std::string kept = db().value("select source_path from pgsluice.loads");
  EXPECT_THAT(kept, ::testing::MatchesRegex("\\$'/.*/f\\\\xff/n\\\\xe9\\.csv'"));
  EXPECT_THAT(run({"load", path, "-t", "t", "--max-rejects", "1"}).out, HasSubstr("nothing to do"));
  // A budget that is exceeded, and a resume that takes the rejects up again.
  std::ofstream("m\xe9.csv") << "a\nx\ny\n3\n";
  EXPECT_EQ(5, run({"load", "m\xe9.csv", "-t", "t", "--max-rejects", "1"}).exit_code);
  EXPECT_EQ(3, run({"load", "m\xe9.csv", "-t", "t", "--max-rejects", "2"}).exit_code);
  EXPECT_EQ("a\nx\ny\n", read_file("m\xe9.rejects.csv"));
  EXPECT_FALSE(fs::exists("m\xe9.rejects.2.csv"));
  const auto json = nlohmann::json::parse(
      run({"load", path, "-t", "t", "--again", "--max-rejects", "1", "--rejects", "r\xff.csv",
           "--after", "move:d\xff", "--output", "json"})
          .out);
  EXPECT_EQ("$'f\\xff/n\\xe9.csv'", json["loads"][0]["source"]);
  EXPECT_THAT(json["loads"][0]["rejects_path"].get<std::string>(), HasSubstr("/r\\xff.csv'"));
  EXPECT_TRUE(fs::exists("r\xff.csv"));
  EXPECT_TRUE(fs::exists("d\xff/n\xe9.csv"));
  EXPECT_THAT(run({"loads", "show", "1"}).out, HasSubstr("f\\xff/n\\xe9.csv"));
  EXPECT_EQ(1, run({"check", "m\xe9.csv", "-t", "nix"}).exit_code);
  EXPECT_THAT(run({"check", "m\xe9.csv", "-t", "t"}).out, HasSubstr("$'m\\xe9.csv':2: "));
}

/// What stands behind a byte 0 is said too.
TEST_F(Here, MessagesWithAByteZeroAreWhole) {
  std::ofstream("z.csv") << std::string("a\n1\0x\n", 7);
  const Finished text = run({"load", "z.csv", "-t", "t"});
  EXPECT_THAT(text.err, AllOf(HasSubstr("value \"1\\x00x\": "), HasSubstr("--max-rejects")));
  const auto json =
      nlohmann::json::parse(run({"load", "z.csv", "-t", "t", "--output", "json"}).out);
  EXPECT_THAT(json["loads"][0]["error"]["message"].get<std::string>(),
              AllOf(HasSubstr("1\\x00x"), HasSubstr("--max-rejects")));
  std::ofstream("h.csv") << std::string("a\0b\n1\n", 6);
  EXPECT_THAT(run({"load", "h.csv", "-t", "t", "--map", "x=a"}).err,
              AllOf(HasSubstr("file:  a\\x00b"), HasSubstr("--map x=a")));
}

}  // namespace
}  // namespace sluice::test
