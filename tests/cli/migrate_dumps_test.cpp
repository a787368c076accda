#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "support/migrations.hpp"
#include "support/schema_dump.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Files that pg_dump has written, as they are.
class MigrateDumps : public MigrationTest {
 protected:
  /// A database with what is easily lost on the way, and its dump as 001_dump.sql.
  void SetUp() override {
    if (schema_dump(url()).empty()) GTEST_SKIP() << "pg_dump is older than the server";
    db().run("create database " + other_);
    other_url_ = url_of_database(url(), other_);
    Session other(other_url_);
    other.run(
        "create schema shop; create type shop.mood as enum ('ok', 'it''s'); create table shop.t "
        "(id "
        "int generated always as identity primary key, v text, b bytea, m shop.mood, n numeric, "
        "a text[], g int generated always as (length(v)) stored); create table public.empty (); "
        "create table \"odd \"\"name\" (\"a b\" text); create view shop.v as select v from shop.t; "
        "create function shop.f() returns int language plpgsql as $$ begin return 1; end; $$; "
        "create table shop.child (t int references shop.t)");
    other.run(
        "insert into shop.t (v, b, m, n, a) values (e'tab\\there', '\\x005c6e', 'ok', 1.50, "
        "array['a', null, '']), (e'line\\nand \\\\. \\\\N', null, 'it''s', 'nan', '{}'), ('', '', "
        "null, "
        "null, null), (e'\\\\N', null, null, null, null), (e'\\b\\f\\v\\r', null, null, null, "
        "null), "
        "('ü; -- select ''x', null, null, null, null); insert into public.empty default values; "
        "insert into \"odd \"\"name\" values ('x'), (null); insert into shop.child values (1)");
    output_of("pg_dump -f '" + path("001_dump.sql") + "' '" + other_url_ + "'");
  }
  ~MigrateDumps() override { db().run("drop database if exists " + other_ + " with (force)"); }

  static std::string whole_dump(const std::string& of) {
    return output_of("pg_dump -N pgsluice '" + of + "' | grep -v '^.\\(un\\)\\?restrict '");
  }

  std::string other_ = "dumped_" + std::to_string(::getpid());
  std::string other_url_;
};

TEST_F(MigrateDumps, RunAsTheyAre) {
  const Finished dry = up({"--dry-run"});
  EXPECT_EQ(0, dry.exit_code) << dry.err;
  const Finished done = up();
  ASSERT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ("1 applied", history());
  EXPECT_EQ(whole_dump(other_url_), whole_dump(url()));
}

TEST_F(MigrateDumps, OfOneDatabaseNameNoOther) {
  output_of("pg_dump -C -f '" + path("001_dump.sql") + "' '" + other_url_ + "'");
  const Finished refused = up();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err,
              HasSubstr(": \\connect: a command of psql, which no server knows; give each "
                        "database a folder of its own"));
}

TEST_F(MigrateDumps, ABadRowTakesAllOfTheFileBack) {
  std::string dump = read_file(path("001_dump.sql"));
  const std::string row = "ü; -- select 'x\t\\N\t\\N";
  ASSERT_NE(std::string::npos, dump.find(row));
  dump.replace(dump.find(row), row.size(), "ü; -- select 'x\t\\N\tsad");
  write("001_dump.sql", dump);
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("invalid input value for enum shop.mood: \"sad\""));
  EXPECT_THAT(failed.err, HasSubstr("| COPY shop.t (id, v, b, m, n, a) FROM stdin"));
  EXPECT_THAT(failed.err, HasSubstr("nothing of this file is applied"));
  const std::size_t line =
      1 + static_cast<std::size_t>(std::count(
              dump.begin(), dump.begin() + static_cast<long>(dump.find("COPY shop.t ")), '\n'));
  EXPECT_THAT(failed.err, HasSubstr("001_dump.sql:" + std::to_string(line) + ":1: "));
  EXPECT_FALSE(has_table("shop.t"));
}

TEST_F(MigrateDumps, WithoutATransactionGoOnBehindTheirRows) {
  std::filesystem::remove(path("001_dump.sql"));
  write("002_rows.sql",
        "-- pgsluice: no-transaction\ncreate table r (id int);\ncopy r from stdin;\n1\n2\n\\.\n"
        "vacuum r;\nselect nix;\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("002_rows.sql:8:8: statement 4 of 4: column \"nix\""));
  write("002_rows.sql",
        "-- pgsluice: no-transaction\ncreate table r (id int);\ncopy r from stdin;\n1\n2\n\\.\n"
        "vacuum r;\ncopy r from stdin;\n3\n\\.\n");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ("1,2,3", db().value("select string_agg(id::text, ',' order by id) from r"));
}

}  // namespace
}  // namespace sluice::test
