#include <set>

#include "integration/edge_values.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

/// One value in one column: the server's own COPY and pgsluice take the same texts, store the same
/// values, and refuse the others with the same SQLSTATE.
class Values : public DatabaseTest {
 protected:
  void compare(const EdgeValues& values,
               load::WriterChoice writer = load::WriterChoice::automatic) {
    Session oracle(url());  // a session begun after settings of the database were changed
    oracle.run("create table expected (v " + values.type + "); create table stored (v " +
               values.type + ")");
    std::size_t accepted = 0;
    for (const std::string& text : values.texts) {
      oracle.run("truncate expected, stored");
      const std::string csv = quoted(text) + "\n";
      const auto refusal = oracle.copy("expected", "format csv", csv);
      load::LoadOptions options;
      options.path = folder_.write("one.csv", csv);
      options.table = "stored";
      options.header = load::HeaderMode::none;
      options.use_ledger = false;
      options.writer = writer;
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

 private:
  TemporaryFolder folder_;
};

TEST_F(Values, AreThoseThatCopyReads) {
  db().run(edge_types_sql);
  for (const EdgeValues& values : edge_values()) compare(values);
}

/// Texts that INSERT hands to a cast mean what COPY's input functions make of them.
TEST_F(Values, AreTheSameByInsert) {
  db().run(edge_types_sql);
  for (const EdgeValues& values : edge_values()) compare(values, load::WriterChoice::insert);
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
      static const std::set<std::string> types{"date",   "timestamp",     "timestamptz",
                                               "timetz", "interval",      "integer[]",
                                               "text[]", "timestamptz[]", "interval[]"};
      const bool is_of_dates =
          settings.starts_with("datestyle") || settings.starts_with("timezone");
      const bool has_nulls = values.type == "integer[]" || values.type == "text[]";
      if (types.contains(values.type) && is_of_dates != has_nulls) compare(values);
    }
  }
}

}  // namespace
}  // namespace sluice::test
