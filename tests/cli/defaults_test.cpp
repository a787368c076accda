#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Lines = std::vector<std::string>;

/// What a person always wants: in ~/.config/pgsluice/config.toml, and in variables.
class Defaults : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int)");
    csv_ = folder_.write("t.csv", "id\n1\n2\n");
    std::filesystem::create_directories(folder_ / ".config/pgsluice");
  }
  void config(const std::string& text) const {
    folder_.write(".config/pgsluice/config.toml", text);
  }
  std::string place(const std::string& position) const {
    return folder_ / ".config/pgsluice/config.toml" + position;
  }
  Finished run(const Lines& arguments, Lines environment = {}) const {
    environment.insert(environment.begin(), {"HOME=" + folder_.path(), "XDG_CONFIG_HOME="});
    return pgsluice(arguments, {.environment = environment});
  }
  /// What --dry-run says of how many connections there are: 2 without a word.
  std::string jobs_of(const Lines& more, const Lines& environment = {}) const {
    Lines all{"load", csv_, "-t", "t", "-d", url(), "--dry-run", "--output", "json"};
    all.insert(all.end(), more.begin(), more.end());
    const Finished finished = run(all, environment);
    const auto json = nlohmann::json::parse(finished.out, nullptr, false);
    if (json.is_discarded() || !json.contains("loads")) return finished.out + finished.err;
    const auto& plan = json["loads"][0]["plan"];
    return plan.is_null() ? finished.out + finished.err : std::to_string(plan["jobs"].get<int>());
  }

  TemporaryFolder folder_;
  std::string csv_;
};

TEST_F(Defaults, TheCommandLineWinsThenVariablesThenTheCommandsTableThenAll) {
  config("jobs = 3\n");
  EXPECT_EQ("3", jobs_of({}));
  config("jobs = 3\n[load]\njobs = 4\n[check]\nquiet = true\n");
  EXPECT_EQ("4", jobs_of({}));
  EXPECT_EQ("5", jobs_of({}, {"PGSLUICE_JOBS=5"}));
  EXPECT_EQ("6", jobs_of({"--jobs", "6"}, {"PGSLUICE_JOBS=5"}));
  EXPECT_EQ("6", jobs_of({"--jobs=6"}, {"PGSLUICE_JOBS=5"}));
  EXPECT_EQ("6", jobs_of({"-j", "6"}, {"PGSLUICE_JOBS=5"}));
  EXPECT_EQ("6", jobs_of({"-j6"}, {"PGSLUICE_JOBS=5"}));
  EXPECT_EQ("4", jobs_of({}, {"PGSLUICE_JOBS="}));
  const std::string without = jobs_of({}, {"PGSLUICE_DEFAULTS=none", "PGSLUICE_JOBS=5"});
  EXPECT_NE("4", without);
  EXPECT_NE("5", without);
}

TEST_F(Defaults, TheConnectionMayStandThere) {
  config("dbname = \"" + url() + "\"\n[load]\nprogress = \"none\"\n");
  EXPECT_EQ(0, run({"load", csv_, "-t", "t"}).exit_code);
  EXPECT_EQ(0, run({"loads"}).exit_code);
  EXPECT_EQ(0, run({"loads", "show", "1"}).exit_code);
  EXPECT_EQ(4, run({"load", csv_, "-t", "t", "-h", "/nowhere", "-d", "x"}).exit_code);
  const Finished completed = run({"complete", "--", "load", "-t", ""});
  EXPECT_THAT(completed.out, HasSubstr("t\ttable\n"));
}

TEST_F(Defaults, AnotherFileMayBeNamed) {
  const std::string other = folder_.write("other.toml", "jobs = 7\n");
  EXPECT_EQ("7", jobs_of({}, {"PGSLUICE_DEFAULTS=" + other}));
  const Finished gone = run({"loads", "-d", url()}, {"PGSLUICE_DEFAULTS=/nowhere.toml"});
  EXPECT_EQ(2, gone.exit_code);
  EXPECT_THAT(gone.err, HasSubstr("/nowhere.toml"));
  std::filesystem::create_directories(folder_ / "xdg/pgsluice");
  folder_.write("xdg/pgsluice/config.toml", "jobs = 8\n");
  EXPECT_EQ("8", jobs_of({}, {"XDG_CONFIG_HOME=" + folder_ / "xdg"}));
}

TEST_F(Defaults, SwitchesAreTrueOrFalse) {
  config(
      "[load]\nquiet = true\nignore-extra = false\ntrim = \"all\"\nset = [\"a.b=1\", \"a.c=2\"]\n");
  EXPECT_EQ("", run({"load", csv_, "-t", "t", "-d", url()}).err);
  EXPECT_THAT(run({"load", csv_, "-t", "t", "-d", url(), "--again"}, {"PGSLUICE_QUIET=0"}).out,
              HasSubstr("stored 2 rows"));
}

struct DefaultsCase {
  const char* config;
  const char* position;
  const char* says;
};

TEST_F(Defaults, WhatIsWrongIsAnErrorWithItsLine) {
  const DefaultsCase cases[] = {
      {"[load]\njbos = 3\n", ":2:1", "pgsluice load has no flag --jbos; did you mean jobs?"},
      {"\n\nnonsense = 3\n", ":3:1", "no command has a flag --nonsense"},
      {"[laod]\njobs = 3\n", ":2:1", "there is no command laod"},
      {"[migrate.upp]\nstrict = true\n", ":2:1", "there is no command migrate upp"},
      {"[load]\ntruncate = true\n", ":2:1", "--truncate is no default"},
      {"[load]\nafter = \"delete\"\n", ":2:1", "--after is no default"},
      {"jobs = true\n", ":1:1", "--jobs wants a value: N"},
      {"quiet = \"yes\"\n", ":1:1", "--quiet is true or false"},
      {"jobs = [1, 2]\n", ":1:1", "--jobs has one value"},
      {"jobs = 2026-01-01\n", ":1:8", "this is no value of a flag"},
      {"jobs = [[1]]\n", ":1:9", "this is no value of a flag"},
      {"jobs = \n", ":1:8", ""},
      {"dbname = \"a\\u0000b\"\n", ":1:10", "this is no value of a flag"},
  };
  for (const DefaultsCase& c : cases) {
    SCOPED_TRACE(c.config);
    config(c.config);
    // Whichever command runs: a mistyped key would never count.
    const Finished refused = run({"loads", "-d", url()});
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, AllOf(HasSubstr(place(c.position)), HasSubstr(c.says)));
    EXPECT_EQ(0, run({"loads", "-d", url()}, {"PGSLUICE_DEFAULTS=none"}).exit_code);
    EXPECT_EQ(0, run({"--version"}).exit_code);
    EXPECT_EQ(0, run({"loads", "--help"}).exit_code);
  }
}

TEST_F(Defaults, AnErrorSaysWhereItsFlagComesFrom) {
  config("[load]\njobs = 0\n");
  const Finished refused = run({"load", csv_, "-t", "t", "-d", url()});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("\n  --jobs is from " + place(":2:1")));
  config("");
  const Finished of_variable =
      run({"load", csv_, "-t", "t", "-d", url()}, {"PGSLUICE_MAX_RATE=fast"});
  EXPECT_EQ(2, of_variable.exit_code);
  EXPECT_THAT(of_variable.err, HasSubstr("--max-rate is from PGSLUICE_MAX_RATE"));
  const Finished as_json =
      run({"load", csv_, "-t", "t", "-d", url(), "--output", "json"}, {"PGSLUICE_CHUNK_SIZE=x"});
  EXPECT_THAT(as_json.out, HasSubstr("--chunk-size is from PGSLUICE_CHUNK_SIZE"));
  EXPECT_EQ(2, run({"loads", "-d", url()}, {"PGSLUICE_QUIET=perhaps"}).exit_code);
}

TEST_F(Defaults, AFileThatOthersMayWriteIsRefused) {
  config("jobs = 2\n");
  ASSERT_EQ(0, ::chmod(place("").c_str(), 0666));
  const Finished refused = run({"loads", "-d", url()});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("anybody may write to it"));
  if (::geteuid() == 0) {
    ASSERT_EQ(0, ::chmod(place("").c_str(), 0644));
    ASSERT_EQ(0, ::chown(place("").c_str(), 65534, 65534));
    EXPECT_THAT(run({"loads", "-d", url()}).err, HasSubstr("belongs to somebody else"));
  }
}

TEST_F(Defaults, JobsOfASchedulerHaveTheirFlagsFromItAlone) {
  config("[load]\nheader = \"none\"\nmax-rejects = 7\n");
  const std::string jobs = folder_.write("pgsluice.toml",
                                         "[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nload = "
                                         "[\"t.csv\"]\ntable = \"t\"\nsettle = \"0s\"\n");
  // The first one makes the job known.
  for (int i = 0; i < 100 && db().number("select count(*) from t") == 0; ++i)
    ASSERT_EQ(0, run({"schedule", "run", "--once", "--config", jobs, "-d", url()}).exit_code);
  // With --header=none the word id would be a record, and bad.
  EXPECT_EQ(2, db().number("select count(*) from t"));
  EXPECT_EQ(0, db().number("select sum(rows_rejected) from pgsluice.chunks"));
}

TEST_F(Defaults, TheExampleOfThePageIsTaken) {
  const std::string page = read_file(PGSLUICE_SOURCE_DIR "/docs/habits.md");
  const std::string mark = "```toml\n";
  const std::size_t begin = page.find(mark) + mark.size();
  config(page.substr(begin, page.find("```", begin) - begin));
  EXPECT_EQ("4", jobs_of({}));
  // There is no such service here; and the connection is the file's.
  EXPECT_THAT(run({"loads"}, {"PGSERVICEFILE=/nowhere"}).err,
              HasSubstr("service file \"/nowhere\""));
}

TEST_F(Defaults, SecretsInThemAreNotShown) {
  config("dbname = \"postgresql://me:open-sesame@127.0.0.1:1/x\"\n");
  const Finished refused = run({"load", csv_, "-t", "t"});
  EXPECT_EQ(4, refused.exit_code);
  EXPECT_THAT(refused.err + refused.out, Not(HasSubstr("sesame")));
  config("dbname = \"postgresql://me:open@sesame@127.0.0.1:1/x\"\n");
  EXPECT_THAT(run({"load", csv_, "-t", "t"}).err, Not(HasSubstr("sesame")));
}

}  // namespace
}  // namespace sluice::test
