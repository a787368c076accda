#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/schema_dump.hpp"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// migrate squash.
class MigrateSquash : public MigrationTest {
 protected:
  MigrateSquash() { write_four(); }
  void SetUp() override {
    if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  }
  ~MigrateSquash() override { db().run("drop database if exists squashed with (force)"); }

  void write_four() {
    write("001_a.sql",
          "create type state as enum ('new', 'done');\n"
          "create table a (id bigint generated always as identity primary key, s state, t text);\n"
          "insert into a (s, t) values ('new', E'a\\tb\\\\.\\nc'), ('done', null);\n");
    write("002_b.up.sql",
          "alter table a add column extra text default ';' not null;\n"
          "create function f() returns trigger language plpgsql as $$ begin return new; end $$;\n"
          "create trigger tr before update on a for each row execute function f();\n"
          "grant select on a to pg_monitor;\n");
    write("002_b.down.sql", "select 1");
    write("003_c.sql", "-- pgsluice: no-transaction\ncreate index concurrently a_t on a (t);\n");
    write("004_d.sql", "create table d (id int references a)");
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& one : fs::directory_iterator(folder()))
      names.push_back(one.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  Finished squash(const std::string& to) { return migrate("squash", {"--to", to, "--yes"}); }
  Finished there(const std::string& command) {
    return pgsluice({"migrate", command, "--dir", folder(), "-d", other()});
  }
  std::string other() { return url_of_database(url(), "squashed"); }
  void make_other() {
    db().run("drop database if exists squashed with (force)");
    db().run("create database squashed");
  }
  static std::string schema_of(const std::string& url) {
    return schema_dump(url) + Session(url).copy_out("select * from a order by id", "format text");
  }
};

TEST_F(MigrateSquash, SaysWhatCannotBeInItAndWhatToDo) {
  write("003_c.sql", "select lo_create(4711)");
  const Finished large = squash("3");
  EXPECT_EQ(2, large.exit_code);
  EXPECT_THAT(large.err, HasSubstr("large objects, which a squashed file cannot: 4711"));
  write("003_c.sql", "alter database postgres set work_mem = '8MB'");
  const Finished beyond = squash("3");
  EXPECT_EQ(2, beyond.exit_code);
  EXPECT_THAT(beyond.err,
              HasSubstr("ALTER DATABASE changes what all databases of the server share"));
  EXPECT_THAT(beyond.err, Not(HasSubstr("--scratch-url")));
  write("003_c.sql", "select 1");
  write("before.sql", "create table if not exists hooklog (id int)");
  const Finished hooked = squash("3");
  EXPECT_EQ(1, hooked.exit_code);
  EXPECT_THAT(hooked.err, HasSubstr("relation \"hooklog\" already exists"));
  EXPECT_THAT(hooked.err, HasSubstr("move it elsewhere while you squash"));
  EXPECT_EQ(6U, files().size()) << "nothing is taken away";
}

TEST_F(MigrateSquash, ADatabaseThatIsPastItGoesOnAndAFreshOneBeginsThere) {
  ASSERT_EQ(0, up().exit_code);
  const std::string before = schema_of(url());
  const Finished done = squash("3");
  ASSERT_EQ(0, done.exit_code) << done.err;
  EXPECT_THAT(files(), ElementsAre("003_squashed.sql", "004_d.sql"));
  EXPECT_THAT(done.out, HasSubstr("took away " + path("002_b.down.sql")));
  EXPECT_THAT(done.out, HasSubstr("wrote " + path("003_squashed.sql") + ", which makes the same"));

  EXPECT_THAT(up().out, HasSubstr("nothing to do"));
  EXPECT_EQ(0, migrate("status").exit_code) << migrate("status").err;
  make_other();
  const Finished fresh = there("up");
  ASSERT_EQ(0, fresh.exit_code) << fresh.err;
  EXPECT_THAT(fresh.out, HasSubstr("applied " + path("003_squashed.sql")));
  EXPECT_EQ(before, schema_of(other()));
  EXPECT_EQ(before, schema_of(url()));
  EXPECT_EQ("3", Session(other()).value("insert into a (s) values ('new') returning id"))
      << "sequences go on";

  write("005_e.sql", "create table e (id int)");
  EXPECT_THAT(up().out, HasSubstr("applied " + path("005_e.sql")));
  EXPECT_THAT(there("up").out, HasSubstr("applied " + path("005_e.sql")));
  EXPECT_EQ(0, migrate("verify").exit_code) << migrate("verify").out;
}

TEST_F(MigrateSquash, ADatabaseInTheMiddleIsRefusedByName) {
  ASSERT_EQ(0, up({"--to", "2"}).exit_code);
  ASSERT_EQ(0, squash("3").exit_code);
  for (const char* const command : {"up", "status", "plan"}) {
    const Finished refused = migrate(command);
    EXPECT_EQ(7, refused.exit_code) << command;
    EXPECT_THAT(refused.err,
                HasSubstr(path("003_squashed.sql") +
                          ": stands for 3 files, of which this database has only some: 003_c.sql "
                          "is not applied"));
    EXPECT_THAT(refused.err, HasSubstr("pgsluice migrate up --to 3; then this folder goes on"));
  }
  EXPECT_EQ("1 applied, 2 applied", history());
  // The remedy.
  const std::string kept = output_of("cat '" + path("003_squashed.sql") + "'");
  ASSERT_EQ(0, std::remove(path("003_squashed.sql").c_str()));
  write_four();
  ASSERT_EQ(0, up({"--to", "3"}).exit_code);
  for (const char* const file : {"001_a.sql", "002_b.up.sql", "002_b.down.sql", "003_c.sql"})
    ASSERT_EQ(0, std::remove(path(file).c_str()));
  write("003_squashed.sql", kept);
  EXPECT_EQ(0, up().exit_code) << up().err;
  EXPECT_EQ("1 applied, 2 applied, 3 applied, 4 applied", history());
}

TEST_F(MigrateSquash, WhatWasAppliedWithAnotherContentIsRefused) {
  write("001_a.sql", "create table a (id int primary key, t text)");
  write("002_b.up.sql", "select 1");
  ASSERT_EQ(0, up().exit_code);
  write_four();
  ASSERT_EQ(0, squash("3").exit_code);
  const Finished refused = up();
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("001_a.sql was applied with another content"));
}

/// All three kinds of databases: of before both, of the first one, and new ones.
TEST_F(MigrateSquash, OneThatWasSquashedIsSquashedAgain) {
  ASSERT_EQ(0, up().exit_code);
  ASSERT_EQ(0, squash("2").exit_code);
  make_other();
  ASSERT_EQ(0, there("up").exit_code);
  const std::string second = squash("4").out;
  EXPECT_THAT(files(), ElementsAre("004_squashed.sql"));
  EXPECT_THAT(up().out, HasSubstr("nothing to do")) << second;
  EXPECT_THAT(there("up").out, HasSubstr("nothing to do"));
  const std::string text = output_of("cat '" + path("004_squashed.sql") + "'");
  EXPECT_THAT(text, HasSubstr("-- pgsluice: replaces-all-to "));
  make_other();
  EXPECT_THAT(there("up").out, HasSubstr("applied " + path("004_squashed.sql")));
  EXPECT_EQ(schema_of(url()), schema_of(other()));
  // One that stands at the first one only.
  Session session(other());
  session.run(
      "delete from pgsluice.migrations where project = 'default'; insert into pgsluice.migrations "
      "(project, version, file, checksum, state, runner, search_path, finished_at) values "
      "('default', 2, "
      "'002_squashed.sql', '" +
      text.substr(text.find("replaces-all-to ") + 16, 64) + "', 'applied', '', 'public', now())");
  const Finished middle = there("up");
  EXPECT_EQ(7, middle.exit_code);
  EXPECT_THAT(middle.err, HasSubstr("003_c.sql is not applied"));
}

TEST_F(MigrateSquash, ABaselineCountsAsApplied) {
  ASSERT_EQ(0, squash("3").exit_code);
  db().run("create table a (id int primary key)");
  ASSERT_EQ(0, migrate("baseline", {"2"}).exit_code);
  const Finished middle = up();
  EXPECT_EQ(7, middle.exit_code);
  EXPECT_THAT(middle.err, HasSubstr("003_c.sql is not applied"));
  db().run("delete from pgsluice.migrations where project = 'default'");
  ASSERT_EQ(0, migrate("baseline", {"3"}).exit_code);
  EXPECT_THAT(up().out, HasSubstr("applied " + path("004_d.sql")));
}

TEST_F(MigrateSquash, IsAskedForAndRefusedWhereItCannotBe) {
  const Finished asked = migrate("squash", {"--to", "3"});
  EXPECT_EQ(2, asked.exit_code);
  EXPECT_THAT(asked.err, HasSubstr("--yes says so"));
  EXPECT_EQ(5U, files().size());
  const Finished dry = migrate("squash", {"--to", "3", "--dry-run"});
  EXPECT_EQ(0, dry.exit_code);
  EXPECT_THAT(dry.out, HasSubstr("would write " + path("003_squashed.sql")));
  EXPECT_EQ(5U, files().size());
  write("001_a\n-- x.sql", "select 1");
  EXPECT_EQ(2, squash("3").exit_code) << "two files of one version";
  ASSERT_EQ(0, std::rename(path("001_a\n-- x.sql").c_str(), path("000_a\n-- x.sql").c_str()));
  EXPECT_THAT(squash("3").err, HasSubstr("its name is not one line"));
  ASSERT_EQ(0, std::remove(path("000_a\n-- x.sql").c_str()));
  EXPECT_THAT(squash("7").err, HasSubstr("--to 7: the folder has no such version"));
  EXPECT_THAT(squash("1").err, HasSubstr("nothing to squash"));
  EXPECT_EQ(2, migrate("squash", {"--yes"}).exit_code);

  write("003_c.sql", "select nonsense");
  const Finished broken = squash("3");
  EXPECT_EQ(1, broken.exit_code);
  EXPECT_THAT(broken.err, HasSubstr("squash: the files do not build from nothing: "));
  write("003_c.sql", "create role somebody_new");
  EXPECT_THAT(squash("3").err, HasSubstr("changes what all databases of the server share"));
  write("003_c.sql", "-- pgsluice: placeholder pw secret\nselect :'pw'");
  const Finished secret = squash("3");
  EXPECT_EQ(2, secret.exit_code);
  EXPECT_THAT(secret.err, HasSubstr("003_c.sql: takes values (placeholders)"));
  EXPECT_EQ(5U, files().size());
}

/// What it stands for must not come back beside it, as a merge may bring it.
TEST_F(MigrateSquash, WhatItStandsForMustNotBeThereToo) {
  ASSERT_EQ(0, squash("3").exit_code);
  write("002_b.up.sql", "select 1");
  const Finished refused = up();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr(path("002_b.up.sql") + ": is older than 003_squashed.sql"));
}

TEST_F(MigrateSquash, ItsDirectivesAreRead) {
  const std::string checksum(64, 'a');
  const struct {
    std::string line;
    const char* said;
  } wrong[] = {
      {"replaces", "it takes the checksum of a file, and its name"},
      {"replaces abc 001_a.sql", "it takes the checksum"},
      {"replaces " + checksum, "it takes the checksum"},
      {"replaces " + checksum + " readme", "is no name of a file with a version"},
      {"replaces " + checksum + " R__x.sql", "is no name of a file with a version"},
  };
  for (const auto& one : wrong) {
    write("005_x.sql", "-- pgsluice: " + one.line + "\nselect 1");
    const Finished refused = migrate("status");
    EXPECT_EQ(2, refused.exit_code) << one.line;
    EXPECT_THAT(refused.err, HasSubstr(path("005_x.sql") + ":1:"));
    EXPECT_THAT(refused.err, HasSubstr(one.said));
  }
}

}  // namespace
}  // namespace sluice::test
