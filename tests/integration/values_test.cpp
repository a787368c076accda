#include <set>

#include "integration/edge_values.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

/// One value in one column: the server's own COPY and pgsluice take the same texts, store the same
/// values, and refuse the others with the same SQLSTATE.
class Values : public DatabaseTest {
 protected:
  void compare(const EdgeValues& values,
               plan::WriterChoice writer = plan::WriterChoice::automatic) {
    plan::LoadOptions options;
    options.writer = writer;
    compare(values, options);
  }

  void compare(const EdgeValues& values, plan::LoadOptions options) {
    Session oracle(url());  // a session begun after settings of the database were changed
    oracle.run("create table expected (v " + values.type + "); create table stored (v " +
               values.type + ")");
    std::size_t accepted = 0;
    for (const std::string& text : values.texts) {
      // One of each type is taken.
      if (accepted > 0 && !sample_.takes()) continue;
      oracle.run("truncate expected, stored");
      const std::string csv = quoted(text) + "\n";
      const auto refusal = oracle.copy("expected", "format csv", csv);
      options.path = folder_.write("one.csv", csv);
      options.table = "stored";
      options.header = plan::HeaderMode::none;
      options.use_ledger = options.atomic;
      options.jobs = 1;
      const Loaded loaded = run_load(url(), options);
      const std::string shown = values.type + ": \"" + text.substr(0, 60) + "\"";
      if (refusal) {
        EXPECT_FALSE(loaded.ok()) << shown << ": accepted what COPY refuses: " << refusal->message;
        EXPECT_EQ(refusal->sql_state, loaded.sql_state) << shown << ": " << loaded.message;
        ASSERT_TRUE(loaded.bad_record) << shown << ": " << loaded.message;
        EXPECT_EQ(1U, loaded.bad_record->reject().position.line) << shown;
        EXPECT_EQ(0U, oracle.number("select count(*) from stored")) << shown;
        continue;
      }
      ++accepted;
      EXPECT_TRUE(loaded.ok()) << shown << ": " << loaded.message;
      EXPECT_EQ(oracle.copy_out("select * from expected", "format binary"),
                oracle.copy_out("select * from stored", "format binary"))
          << shown;
    }
    EXPECT_GT(accepted, 0U) << values.type;
    oracle.run("drop table expected, stored");
  }

  /// What the plan says of the columns of a load into `stored`.
  std::vector<std::string> planned_columns() {
    plan::LoadOptions options;
    options.path = folder_.write("none.csv", "");
    options.table = "stored";
    options.header = plan::HeaderMode::none;
    options.dry_run = true;
    return run_load(url(), options).report.plan.columns;
  }

 private:
  TemporaryFolder folder_;
  Sample sample_{3};
};

TEST_F(Values, AreThoseThatCopyReads) {
  db().run(edge_types_sql);
  for (const EdgeValues& values : edge_values()) compare(values);
}

/// Texts that INSERT hands to a cast mean what COPY's input functions make of them.
TEST_F(Values, AreTheSameByInsert) {
  db().run(edge_types_sql);
  for (const EdgeValues& values : edge_values()) compare(values, plan::WriterChoice::insert);
}

/// The types of extensions, where the server has these; COPY and INSERT. Those of PostGIS and
/// pgvector are packages of their own, and what their codecs write is golden in unit tests too.
TEST_F(Values, AreThoseThatExtensionsRead) {
  const std::map<std::string, std::string> packaged{
      {"geometry", "postgis"}, {"geography", "postgis"}, {"vector", "vector"}};
  for (const EdgeValues& values : extension_values()) {
    const std::string name = values.type;
    const auto package = packaged.find(name);
    const std::string extension = package == packaged.end() ? name : package->second;
    const std::string is_there =
        "select count(*) from pg_available_extensions where name = '" + extension + "'";
    if (db().value(is_there) == "0" && package != packaged.end()) continue;
    if (db().value(is_there) == "0") GTEST_SKIP() << "the server has no extension " << name;
    db().run("create extension if not exists " + extension);
    compare(values);
    compare(values, plan::WriterChoice::insert);
    db().run("drop table if exists stored; create table stored (v " + name + ")");
    EXPECT_EQ(std::vector<std::string>{"1 -> v public." + name}, planned_columns())
        << "and not as text";
    db().run("drop table stored");
  }
}

/// A cast is a function that the owner of a type chooses, and it would run as who loads. No way of
/// writing calls one, and none means another value by a text than COPY.
TEST_F(Values, AreReadByNoCast) {
  db().run(edge_types_sql);
  db().run("create sequence cast_calls");
  // On a domain a cast is ignored; those to the types of the server only a superuser makes.
  const std::vector<EdgeValues> targets{{"mood", {"happy", "Happy"}},
                                        {"pair", {"(1,happy)", "(x,)"}},
                                        {"span", {"[1,5)", "x"}},
                                        {"held_pair", {"(1,happy)"}},
                                        {"mood[]", {"{happy,sad}", "{angry}"}},
                                        {"pair[]", {"{\"(1,happy)\"}"}},
                                        {"few", {"{1}", "{1,2,3,4}"}},
                                        {"integer[]", {"{1,2}", "{x}"}},
                                        {"integer", {"1", "x", "0x1"}},
                                        {"regclass", {"1259", "-"}},
                                        {"point", {"(1,2)", "x"}},
                                        {"money", {"1", "x"}},
                                        {"numeric(5,2)", {"1.005", "x", "1e2"}},
                                        {"varchar(3)", {"abc", "abcd", "abc  "}}};
  int number = 0;
  for (const EdgeValues& target : targets) {
    const std::string is_domain =
        db().value("select typtype = 'd' from pg_type where oid = '" + target.type + "'::regtype");
    if (is_domain == "t") continue;
    for (const std::string from : {"text", "varchar", "bpchar", "name"}) {
      const std::string type = target.type.substr(0, target.type.find('('));
      const std::string is_there = "select exists (select from pg_cast where castsource = '" +
                                   from + "'::regtype and casttarget = '" + type + "'::regtype)";
      if (db().value(is_there) == "t") continue;
      const std::string function = "cast_" + std::to_string(++number);
      db().run("create function " + function + "(" + from + ") returns " + type +
               " language plpgsql as $$ begin perform nextval('public.cast_calls'); return null; "
               "end $$; create cast (" +
               from + " as " + type + ") with function " + function + " as implicit");
    }
  }
  ASSERT_GT(number, 30);
  db().value("select 'happy'::text::mood");
  ASSERT_EQ("t", db().value("select is_called from cast_calls"));
  db().run("select setval('cast_calls', 1, false)");
  for (const EdgeValues& target : targets) {
    compare(target, plan::WriterChoice::copy);
    compare(target, plan::WriterChoice::insert);
    plan::LoadOptions atomic;
    atomic.atomic = true;
    atomic.again = true;
    compare(target, atomic);
  }
  EXPECT_EQ("f", db().value("select is_called from cast_calls"));
}

/// What a text means may depend on the session; pgsluice's result is \copy's whatever it is set to.
TEST_F(Values, FollowTheSettingsOfTheSession) {
  const std::string name = db().value("select current_database()");
  for (const std::string& settings :
       {std::string("datestyle = 'SQL, DMY'"), std::string("timezone = 'Europe/Berlin'"),
        std::string("timezone = 'UTC'"), std::string("datestyle = 'ISO, YMD'"),
        std::string("intervalstyle = 'sql_standard'"), std::string("array_nulls = off")}) {
    db().run("alter database " + name + " reset all");
    db().run("alter database " + name + " set " + settings);
    for (const EdgeValues& values : edge_values()) {
      static const std::set<std::string> types{
          "date",   "timestamp",     "timestamptz", "timetz",  "interval",  "integer[]",
          "text[]", "timestamptz[]", "interval[]",  "tsrange", "tstzrange", "daterange"};
      const bool is_of_dates =
          settings.starts_with("datestyle") || settings.starts_with("timezone");
      const bool has_nulls = values.type == "integer[]" || values.type == "text[]";
      if (types.contains(values.type) && is_of_dates != has_nulls) compare(values);
    }
  }
}

}  // namespace
}  // namespace sluice::test
