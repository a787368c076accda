#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr const char* cyrillic = "\xD1\x84\xD0\xB0\xD0\xB9\xD0\xBB";  // файл
constexpr const char* accented = "caf\xC3\xA9";
constexpr const char* no_utf8 = "n\xFF";

/// Names that a database or a text cannot hold, and what in a folder is no file.
class OddNames : public MigrationTest {
 protected:
  Finished load(const std::string& path) const {
    return pgsluice({"load", path, "-t", "t", "-d", url(), "--progress", "none"});
  }
  TemporaryFolder data_;
};

/// The same in a database of another encoding.
class OfOtherEncodings : public OddNames {
 protected:
  ~OfOtherEncodings() override { db().run("drop database if exists " + name_ + " with (force)"); }
  /// Makes it, and gives the URL.
  std::string database_in(const std::string& encoding) {
    name_ = db().value("select current_database() || '_'") + "other";
    db().run("drop database if exists " + name_ + " with (force)");
    db().run("create database " + name_ + " encoding '" + encoding +
             "' template template0 lc_collate 'C' lc_ctype 'C'");
    return url_of_database(url(), name_);
  }
  Finished load_into(const std::string& database, const std::string& path) const {
    return pgsluice({"load", path, "-t", "t", "-d", database, "--progress", "none"});
  }
  Finished migrate_in(const std::string& database, const std::string& command) const {
    return pgsluice({"migrate", command, "--dir", path(""), "-d", database});
  }
  std::string name_;
};

TEST_F(OfOtherEncodings, ANameThatTheDatabaseCannotHoldIsSaidBeforeAnythingIsDone) {
  const std::string latin = database_in("LATIN1");
  Session there(latin);
  there.run("create table t (id int)");
  const std::string file = data_.write(std::string(cyrillic) + ".csv", "id\n1\n");
  const Finished refused = load_into(latin, file);
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr(file), HasSubstr("cannot hold the name of this file"),
                                 HasSubstr("pgsluice load - --table T < FILE")));
  EXPECT_EQ("0", there.value("select count(*) from t"));
  const Finished nameless =
      pgsluice({"load", "-", "-t", "t", "-d", latin}, {.input = file, .environment = {}});
  EXPECT_EQ(0, nameless.exit_code) << nameless.err;
  EXPECT_EQ(0, load_into(latin, data_.write(std::string(accented) + ".csv", "id\n2\n")).exit_code);
  EXPECT_EQ("2", there.value("select count(*) from t"));

  const std::string script = "V2__" + std::string(cyrillic) + ".sql";
  write("V1__" + std::string(accented) + ".sql", "create table first (id int);");
  write(script, "create table second (id int);");
  for (const char* command : {"up", "status", "plan"}) {
    const Finished migrated = migrate_in(latin, command);
    EXPECT_EQ(2, migrated.exit_code) << command << migrated.err;
    EXPECT_THAT(migrated.err, AllOf(HasSubstr(script), Not(HasSubstr(accented)),
                                    HasSubstr("the encoding of the database (LATIN1)")));
  }
  EXPECT_EQ("", there.value("select to_regclass('first')")) << "before anything runs";
  fs::remove(path(script));
  EXPECT_EQ(0, migrate_in(latin, "up").exit_code);
  EXPECT_THAT(migrate_in(latin, "up").out, HasSubstr("nothing to do"));
}

TEST_F(OfOtherEncodings, WhatHasNoEncodingHoldsAll) {
  const std::string plain = database_in("SQL_ASCII");
  Session there(plain);
  there.run("create table t (id int)");
  const std::string file = data_.write(std::string(cyrillic) + ".csv", "id\n1\n");
  EXPECT_EQ(0, load_into(plain, file).exit_code);
  EXPECT_THAT(load_into(plain, file).out, HasSubstr("nothing to do"));
  write("V1__" + std::string(cyrillic) + ".sql", "create table first (id int);");
  EXPECT_EQ(0, migrate_in(plain, "up").exit_code);
  EXPECT_THAT(migrate_in(plain, "up").out, HasSubstr("nothing to do"));
}

TEST_F(OfOtherEncodings, WhatAJobSaysIsKeptInEach) {
  const std::string latin = database_in("LATIN1");
  Session there(latin);
  there.run("create table t (id int)");
  write("pgsluice.toml", "dbname = \"" + latin +
                             "\"\n[[job]]\nname = \"says\"\ncron = \"@every 1s\"\nload = \"" +
                             cyrillic + ".csv\"\ntable = \"t\"\nsettle = \"0s\"\n");
  write(std::string(cyrillic) + ".csv", "id\n1\n");
  Process scheduler({"schedule", "run", "--config", path("pgsluice.toml")});
  std::string ended;
  for (int i = 0; i < 2400 && ended != "t"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (there.value("select to_regclass('pgsluice.job_runs') is not null") == "t")
      ended = there.value("select exists (select from pgsluice.job_runs where state = 'failed')");
  }
  scheduler.signal(SIGTERM);
  const Finished stopped = scheduler.wait();
  EXPECT_EQ("t", ended) << stopped.err;
  EXPECT_THAT(there.value("select max(message) from pgsluice.job_runs"),
              HasSubstr("\\u0444\\u0430\\u0439\\u043b.csv"));
}

TEST_F(OfOtherEncodings, NamesOfJobsAreRefusedWhereTheyCannotBeKept) {
  const std::string config = path("pgsluice.toml");
  write("a.sql", "select 1;");
  struct Case {
    const char* encoding;
    const char* name;
    bool is_kept;
  };
  for (const Case& one : {Case{"LATIN1", accented, true}, Case{"LATIN1", cyrillic, false},
                          Case{"SQL_ASCII", cyrillic, true}, Case{"EUC_JP", cyrillic, true}}) {
    const std::string name = one.name;
    SCOPED_TRACE(one.encoding + (" " + name));
    const std::string there = database_in(one.encoding);
    for (const bool as_project : {false, true}) {
      write("pgsluice.toml", "project = \"" + (as_project ? name : "p") + "\"\n[[job]]\nname = \"" +
                                 (as_project ? "j" : name) +
                                 "\"\ncron = \"@daily\"\nsql = \"a.sql\"\n");
      const Finished ran = pgsluice({"schedule", "run", "--once", "--config", config, "-d", there});
      const Finished asked = pgsluice({"schedule", "history", as_project ? "j" : name, "--project",
                                       as_project ? name : "p", "--config", config, "-d", there});
      EXPECT_EQ(one.is_kept ? 0 : 2, ran.exit_code) << ran.err;
      EXPECT_EQ(one.is_kept ? 0 : 2, asked.exit_code) << asked.err;
      if (one.is_kept) continue;
      EXPECT_THAT(ran.err, AllOf(HasSubstr("pgsluice.toml:2:1: job"), HasSubstr(name)));
      for (const Finished* each : {&ran, &asked})
        EXPECT_THAT(each->err, HasSubstr("the database's encoding cannot hold"));
      EXPECT_EQ("0", Session(there).value("select count(*) from pgsluice.jobs"));
    }
  }
}

/// One that comes while the scheduler runs keeps no other job from running.
TEST_F(OfOtherEncodings, NamesOfJobsThatComeLaterAreRefusedAlone) {
  const std::string there = database_in("LATIN1");
  Session session(there);
  write("a.sql", "select 1;");
  const auto job = [](const std::string& name) {
    return "[[job]]\nname = \"" + name + "\"\ncron = \"@every 1s\"\nsql = \"a.sql\"\n";
  };
  write("pgsluice.toml", job("first"));
  Process scheduler({"schedule", "run", "--config", path("pgsluice.toml"), "-d", there});
  const auto has_run = [&session](const std::string& name) {
    for (int i = 0; i < 2400; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (session.value("select to_regclass('pgsluice.job_runs') is not null") == "t" &&
          session.value("select exists (select from pgsluice.job_runs where state = 'ran' and job "
                        "= '" +
                        name + "')") == "t")
        return true;
    }
    return false;
  };
  ASSERT_TRUE(has_run("first"));
  write("pgsluice.toml", job(cyrillic) + job("second"));
  scheduler.signal(SIGHUP);
  EXPECT_TRUE(has_run("second"));
  scheduler.signal(SIGTERM);
  const Finished stopped = scheduler.wait();
  EXPECT_THAT(stopped.exit_code, ::testing::AnyOf(0, 143)) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("the database's encoding cannot hold"));
}

TEST_F(OddNames, AreKeptInAFormThatIsReadBack) {
  db().run("create table t (id int)");
  const std::string file = "V1__" + std::string(no_utf8) + ".sql";
  const std::string again = "R__" + std::string(no_utf8) + ".sql";
  write(file, "create table first (id int);");
  write(again, "create or replace view one as select 1 as x;");
  const Finished done = up();
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ("$'V1__n\\xff.sql' $'R__n\\xff.sql'",
            db().value("select string_agg(file, ' ' order by migration_id) from "
                       "pgsluice.migrations where project = 'default'"));
  EXPECT_THAT(up().out, HasSubstr("nothing to do"));
  EXPECT_EQ(0, migrate("status").exit_code);
  const auto json = nlohmann::json::parse(migrate("status", {"--output", "json"}).out);
  EXPECT_EQ(0, json["exit_code"]);

  const std::string csv = data_.write(std::string(no_utf8) + ".csv", "id\n1\n");
  EXPECT_EQ(0, load(csv).exit_code);
  EXPECT_THAT(load(csv).out, HasSubstr("nothing to do"));
  EXPECT_THAT(db().value("select source_path from pgsluice.loads"), HasSubstr("n\\xff.csv'"));
}

/// What stands where files are expected, and is none, or may not be read.
TEST_F(OddNames, WhatCannotBeReadIsSaidInOneLine) {
  db().run("create table t (id int)");
  fs::create_symlink("V1__loop.sql", path("V1__loop.sql"));
  const std::string circle = path("V1__loop.sql");
  const Finished looped = up();
  EXPECT_EQ(2, looped.exit_code);
  EXPECT_EQ("pgsluice: " + circle + ": cannot be read: Too many levels of symbolic links\n",
            looped.err);
  fs::remove(circle);
  fs::create_symlink("loop", path("loop"));
  write("V1__a.sql", "select 1;");
  EXPECT_EQ(0, up().exit_code) << "no SQL file";
  const std::string none = data_ / std::string(300, 'x');
  const std::string loop = data_ / "loop";
  fs::create_symlink("loop", loop);
  const std::string toml = data_.write("pgsluice.toml", "");
  const auto job_of = [&](const std::string& what) {
    data_.write("pgsluice.toml", "[[job]]\nname = \"j\"\ncron = \"@daily\"\n" + what + "\n");
    return pgsluice({"schedule", "check", "--config", toml});
  };
  for (const auto& [way, says] :
       {std::pair{none, "File name too long"}, std::pair{loop, "Too many levels"}}) {
    SCOPED_TRACE(way);
    for (const Finished& finished :
         {pgsluice({"migrate", "up", "--dir", way, "-d", url()}),
          pgsluice({"migrate", "new", "a", "--dir", way + "/in"}),
          pgsluice({"migrate", "run", way, "-d", url()}), load(way), load(way + "/a.csv"),
          pgsluice({"schedule", "check", "--config", way}), job_of("migrate = \"" + way + "\""),
          job_of("sql = \"" + way + "\""),
          pgsluice({"load", data_.write("a.csv", "id\n"), "-t", "t", "-d", url(), "--after",
                    "move:" + way}),
          pgsluice({"load", data_.write("a.csv", "id\n"), "-t", "t", "-d", url(), "--max-rejects",
                    "1", "--rejects", way + "/x.csv"})}) {
      EXPECT_EQ(2, finished.exit_code) << finished.err;
      EXPECT_THAT(finished.err, AllOf(HasSubstr(says), HasSubstr(way), Not(HasSubstr("filesystem")),
                                      Not(HasSubstr("cannot get"))));
    }
  }
}

}  // namespace
}  // namespace sluice::test
