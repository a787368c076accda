#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/schema_dump.hpp"
#include "support/tool_folders.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Folders that were written for other tools.
class MigrateStyles : public MigrationTest {
 protected:
  /// Empty is the folder of the fixture.
  std::vector<std::string> of(const ToolFolder& tool, const TemporaryFolder& folder,
                              const std::string& subcommand, std::vector<std::string> more = {}) {
    for (const auto& [file, text] : tool.files) folder.write(file, text);
    std::vector<std::string> all{"migrate", subcommand, "--dir",     folder.path(),
                                 "-d",      url(),      "--project", tool.tool};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string versions_of(const std::string& project) {
    return db().value(
        "select coalesce(string_agg(version || version_rest, ',' order by migration_id), '') from "
        "pgsluice.migrations where project = '" +
        project + "'");
  }
  static std::string listed(const std::vector<std::string>& versions) {
    std::string all;
    for (const std::string& version : versions) all += (all.empty() ? "" : ",") + version;
    return all;
  }
};

TEST_F(MigrateStyles, WhatIsNearlyAMarkIsRefused) {
  const struct {
    const char* up;
    const char* down;
    const char* right;
  } cases[] = {
      {"-- migrate:up", "-- migrate: down", "write -- migrate:down"},
      {"-- migrate:up", "-- migrate:down;", "write -- migrate:down"},
      {"-- migrate:up", "-- migrate-down", "write -- migrate:down"},
      {"-- +goose Up", "-- + goose Down", "write -- +goose Down"},
      {"-- +goose Up", "-- +goose: Down", "write -- +goose Down"},
      {"-- +goose Up", "-- goose Down", "write -- +goose Down"},
      {"-- +goose Up", "/* +goose Down */", "write -- +goose Down"},
      {"-- +migrate Up", "-- migrate Down", "write -- +migrate Down"},
      {"-- +migrate Up", "-- Down", "write -- +migrate Down"},
      {"-- Up", "-- Down", "write -- +goose Up"},
      {"-- no mark", "-- Down", "write -- +goose Down"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.down);
    write("1_a.sql",
          std::string(one.up) + "\ncreate table a (i int);\n" + one.down + "\ndrop table a;\n");
    const Finished finished = up();
    EXPECT_EQ(2, finished.exit_code) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr("1_a.sql:"));
    EXPECT_THAT(finished.err, HasSubstr("is nearly a mark"));
    EXPECT_THAT(finished.err, HasSubstr(one.right));
  }
}

TEST_F(MigrateStyles, TheEndingOfAWayBackIsOfEitherCase) {
  write("1_a.Down.sql", "drop table a");
  const Finished alone = up();
  EXPECT_EQ(2, alone.exit_code);
  EXPECT_THAT(alone.err, HasSubstr("1_a.Down.sql: goes back"));
  write("1_a.UP.sql", "create table a (i int)");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ(0, migrate("down", {"--yes"}).exit_code);
  EXPECT_FALSE(has_table("a"));
  write("2_b.undo.sql", "drop table b");
  EXPECT_THAT(up().err, HasSubstr("what goes back ends with .down.sql"));
}

TEST_F(MigrateStyles, AllMakeTheSameSchemaForthAndBack) {
  const TemporaryFolder plain;
  const Finished finished = pgsluice(of(plain_folder(), plain, "up"));
  ASSERT_EQ(0, finished.exit_code) << finished.err;
  const std::string schema = schema_dump(url());
  if (schema.empty()) GTEST_SKIP() << "pg_dump is older than the server";
  EXPECT_THAT(schema, HasSubstr("orders_placed"));
  db().run("drop table orders, customers; drop function orders_of");
  const std::string empty = schema_dump(url());
  for (const ToolFolder& tool : tool_folders()) {
    SCOPED_TRACE(tool.tool);
    const TemporaryFolder folder;
    const Finished up = pgsluice(of(tool, folder, "up"));
    ASSERT_EQ(0, up.exit_code) << up.err;
    EXPECT_EQ(listed(tool.versions), versions_of(tool.tool));
    EXPECT_EQ(schema, schema_dump(url()));
    EXPECT_EQ(0, pgsluice(of(tool, folder, "status")).exit_code);
    const Finished half =
        pgsluice(of(tool, folder, "down", {"--to", tool.versions[1], "--yes", "--no-transaction"}));
    ASSERT_EQ(0, half.exit_code) << half.err;
    EXPECT_THAT(schema_dump(url()), Not(HasSubstr("orders_of")));
    EXPECT_EQ(tool.versions[0] + "," + tool.versions[1], versions_of(tool.tool));
    EXPECT_EQ(0, pgsluice(of(tool, folder, "up")).exit_code);
    EXPECT_EQ(schema, schema_dump(url()));
    const Finished all =
        pgsluice(of(tool, folder, "down", {"--to", "0", "--yes", "--no-transaction"}));
    ASSERT_EQ(0, all.exit_code) << all.err;
    EXPECT_EQ(empty, schema_dump(url()));
    EXPECT_EQ("", versions_of(tool.tool));
    EXPECT_EQ(6, db().number("select count(*) from pgsluice.reverted where project = '" +
                             tool.tool + "'"));
  }
}

TEST_F(MigrateStyles, PlacesAreThoseOfTheFile) {
  write("1_a.sql",
        "-- a comment\n-- +goose Up\nselect 1;\n\n-- +goose Down\nselect 2;\n  select x;\n");
  ASSERT_EQ(0, up().exit_code);
  const Finished down = migrate("down", {"--yes"});
  EXPECT_EQ(1, down.exit_code);
  EXPECT_THAT(down.err, HasSubstr("1_a.sql:7:10: column \"x\" does not exist"));
  EXPECT_THAT(down.err, HasSubstr("nothing is taken back"));
  EXPECT_EQ("1 applied", history());
}

TEST_F(MigrateStyles, WhatIsWrongIsSaidByLineBeforeAnythingRuns) {
  write("1_a.sql", "-- migrate:up\ncreate table t (a int);\n");
  write("2_b.sql", "-- migrate:up transaction:no\nselect 1;\n");
  write("3_c.down.sql", "select 1");
  write("4_d.sql", "select 1;\n-- +goose Up\n");
  const Finished refused = up();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("2_b.sql:1: \"-- migrate:up transaction:no\" says nothing"));
  EXPECT_THAT(refused.err, HasSubstr("3_c.down.sql: goes back, and the folder has no file of "
                                     "version 3 that goes forth"));
  EXPECT_FALSE(has_table("t"));
}

TEST_F(MigrateStyles, MixedFoldersAreSaid) {
  write("1_a.sql", "-- migrate:up\ncreate table t (a int);\n-- migrate:down\ndrop table t;\n");
  write("2_b.up.sql", "create table u (a int)");
  write("3_c.sql", "create table v (a int)");
  const Finished mixed = up();
  EXPECT_EQ(0, mixed.exit_code);
  EXPECT_THAT(mixed.err, HasSubstr("files of several styles, each read as what it is: .up.sql and "
                                   ".down.sql (1 file), dbmate (1 file), plain (1 file)"));
  EXPECT_TRUE(has_table("t"));
}

TEST_F(MigrateStyles, VariablesOfGooseComeFromTheEnvironment) {
  write("1_a.sql",
        "-- +goose ENVSUB ON\n-- +goose Up\ncreate table ${PGSLUICE_TEST_A} (a text default "
        "'${PGSLUICE_TEST_B:-b}');\n-- +goose Down\ndrop table ${PGSLUICE_TEST_A};\n");
  const Finished without = up();
  EXPECT_EQ(2, without.exit_code);
  EXPECT_THAT(without.err, HasSubstr("1_a.sql: ${PGSLUICE_TEST_A}: the environment has no "
                                     "variable of this name"));
  const auto with = [this](std::vector<std::string> arguments) {
    return pgsluice(std::move(arguments), {.environment = {"PGSLUICE_TEST_A=made"}});
  };
  ASSERT_EQ(0, with(command("up")).exit_code);
  EXPECT_TRUE(has_table("made"));
  EXPECT_EQ(0, with(command("down", {"--yes"})).exit_code);
  EXPECT_FALSE(has_table("made"));
}

TEST_F(MigrateStyles, NewWritesInTheStyleThatIsAskedFor) {
  for (const auto& [style, name, text] : std::vector<std::array<std::string, 3>>{
           {"goose", "_add_x.sql", "-- add x\n-- +goose Up\n\n-- +goose Down\n"},
           {"dbmate", "_add_x.sql", "-- add x\n-- migrate:up\n\n-- migrate:down\n"},
           {"sql-migrate", "-add_x.sql", "-- add x\n-- +migrate Up\n\n-- +migrate Down\n"},
           {"node-pg-migrate", "_add_x.sql", "-- add x\n-- Up Migration\n\n-- Down Migration\n"},
           {"golang-migrate", "_add_x.down.sql", "-- add x\n\n"},
           {"sqlx", "_add_x.down.sql", "-- add x\n\n"},
           {"flyway", "__add_x.sql", "-- add x\n-- The whole file is"}}) {
    const TemporaryFolder folder;
    const Finished made =
        pgsluice({"migrate", "new", "add x", "--dir", folder.path(), "--style", style});
    ASSERT_EQ(0, made.exit_code) << made.err;
    EXPECT_THAT(made.out, HasSubstr(name));
    std::string path = made.out.substr(0, made.out.size() - 1);
    if (const std::size_t comma = path.find(", "); comma != std::string::npos)
      path = path.substr(comma + 2);
    EXPECT_THAT(read_file(path), ::testing::StartsWith(text)) << style;
    // The next one is alike without being asked for.
    EXPECT_THAT(pgsluice({"migrate", "new", "add y", "--dir", folder.path()}).out,
                HasSubstr(name.substr(0, name.find('_') + 1)));
    EXPECT_EQ(0,
              pgsluice({"migrate", "up", "--dir", folder.path(), "-d", url(), "--project", style})
                  .exit_code);
  }
  EXPECT_EQ(2, pgsluice({"migrate", "new", "x", "--dir", folder(), "--style", "gose"}).exit_code);
}

TEST_F(MigrateStyles, VersionsOfFlywayAreOrderedByTheirNumbers) {
  write("V1.10__c.sql", "insert into t values (3);");
  write("V1.9__b.sql", "insert into t values (2);");
  write("V1__a.sql", "create table t (id int, n int generated always as identity);");
  write("V2_1__d.sql", "insert into t values (4);");
  ASSERT_EQ(0, up({"--to", "1.9"}).exit_code);
  EXPECT_EQ(2, up({"--to", "1.x"}).exit_code);
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ("2,3,4", db().value("select string_agg(id::text, ',' order by n) from t"));
  EXPECT_EQ("1,1.9,1.10,2.1", versions_of("default"));
  const auto json = nlohmann::json::parse(migrate("status", {"--output", "json"}).out);
  EXPECT_EQ(1, json["migrations"][0]["version"]);
  EXPECT_EQ("1.10", json["migrations"][2]["version"]);
  write("V1.9__b.sql", "insert into t values (9);");
  EXPECT_EQ(7, up().exit_code);
  EXPECT_EQ(0, migrate("repair", {"--accept", "1.9"}).exit_code);
  EXPECT_EQ(0, up().exit_code);
}

}  // namespace
}  // namespace sluice::test
