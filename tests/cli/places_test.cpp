#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What may become of a table and its name between two runs of the same load.
struct Change {
  std::string name;
  std::string sql;
  int exit_code;  ///< of the load that is run again
  std::string says;
};

const std::vector<Change> changes{
    {"nothing", "", 0, "nothing to do"},
    {"emptied", "truncate t", 0, "stored"},
    {"made anew", "drop table t; create table t (id int)", 0, "stored"},
    {"another one has its name",
     "create table n (id int); alter table t rename to o; alter table n rename to t", 0, "stored"},
    {"made anew as a copy", "create table n as table t; drop table t; alter table n rename to t", 7,
     "--same-content"},
    {"a copy has its name",
     "create table n as table t; alter table t rename to o; alter table n rename to t", 7,
     "--same-content"},
    {"made anew, with other rows",
     "drop table t; create table t (id int); insert into t values (70), (71)", 7, "--same-content"},
    {"renamed and back", "alter table t rename to o; alter table o rename to t", 0,
     "nothing to do"},
    {"partitioned anew",
     "drop table t; create table t (id int) partition by range (id); create table t0 partition of "
     "t default",
     0, "stored"},
    {"partitioned anew with its rows",
     "alter table t rename to t0; create table t (id int) partition by range (id); alter table t "
     "attach partition t0 default",
     7, "--same-content"}};

/// Whether the ledger comes from a dump, and a load has seen it since.
enum class Dump { none, restored, restored_and_loaded };

/// A load is of the table that it went into. Whatever becomes of that table and of its name: no row
/// is in the table twice, and none is missing behind an exit code of 0.
class Places : public DatabaseTest {
 protected:
  Finished load(const std::string& as, const std::string& file,
                std::vector<std::string> more = {}) {
    std::vector<std::string> command{"load", file, "-t", "t", "--progress", "none", "-d", as};
    command.insert(command.end(), more.begin(), more.end());
    return pgsluice(command);
  }
  void begin() {
    db().run(
        "drop schema if exists pgsluice cascade; drop table if exists t, o, n cascade; create "
        "table t (id int)");
    for (const std::string& file : {a_, b_}) ASSERT_EQ(0, load(url(), file).exit_code);
  }
  /// As a dump that is restored into another database leaves it: no oid means anything there.
  void restore() {
    db().run(
        "update pgsluice.loads set origin = '1:1', ledger_oid = 1, target_oid = "
        "(target_oid::bigint + 1000000)::oid");
  }
  void grant(const std::string& role) {
    db().run("grant usage on schema pgsluice to " + role +
             "; grant select, insert, update, delete on all tables in schema pgsluice to " + role +
             "; grant usage on all sequences in schema pgsluice to " + role +
             "; grant insert on t to " + role);
  }
  void expect_each_once(const std::string& rows, bool all) {
    EXPECT_EQ(0, db().number("select count(*) - count(distinct id) from t")) << "doubled";
    if (all) {
      EXPECT_EQ(0, db().number("select count(*) from unnest('{" + rows +
                               "}'::int[]) r where r not in (select id from t)"))
          << "left out";
    }
  }

  TemporaryFolder folder_;
  std::string a_ = folder_.write("a.csv", "id\n1\n2\n");
  std::string b_ = folder_.write("b.csv", "id\n3\n");
  std::string c_ = folder_.write("c.csv", "id\n4\n");
};

TEST_F(Places, WhateverBecomesOfATableNoRowIsDoubledOrLeftOut) {
  const std::string low = url_of_new_role("places_low");
  Sample sample(3);
  for (const Change& change : changes) {
    for (const Dump dump : {Dump::none, Dump::restored, Dump::restored_and_loaded}) {
      const bool is_restored = dump != Dump::none;
      for (const bool is_new_first : {false, true}) {
        for (const std::string& as : {url(), low}) {
          if (is_restored && as == low) continue;  // of a restored ledger oids decide as well
          if (!sample.takes()) continue;
          SCOPED_TRACE(change.name + (is_restored ? ", restored" : "") +
                       (dump == Dump::restored ? ", and not looked at" : "") +
                       (is_new_first ? ", another file first" : "") +
                       (as == low ? ", may only insert" : ""));
          begin();
          if (is_restored) restore();
          if (dump == Dump::restored_and_loaded) {
            EXPECT_THAT(load(url(), a_).out, HasSubstr("nothing to do"));
          }
          if (!change.sql.empty()) db().run(change.sql);
          grant("places_low");
          if (is_new_first) {
            const Finished other = load(as, c_);
            EXPECT_EQ(0, other.exit_code) << other.err;
          }
          const Finished again = load(as, a_);
          EXPECT_EQ(change.exit_code, again.exit_code) << again.err;
          EXPECT_THAT(again.out + again.err, HasSubstr(change.says));
          expect_each_once("1, 2", again.exit_code == 0);
          const Finished second = load(as, b_);
          EXPECT_EQ(change.exit_code, second.exit_code) << second.err;
          expect_each_once("1, 2, 3", second.exit_code == 0);
          EXPECT_THAT(load(as, c_).out, HasSubstr(is_new_first ? "nothing to do" : "stored"));
          expect_each_once("4", true);
        }
      }
    }
  }
  db().run("drop owned by places_low; drop role places_low");
}

TEST_F(Places, AFlagDecidesWhatNobodyKnows) {
  const std::string copy = "create table n as table t; drop table t; alter table n rename to t";
  begin();
  db().run(copy);
  const Finished refused = load(url(), a_);
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("load 1 brought rows of " + a_ + " into another table"));
  EXPECT_THAT(load(url(), a_, {"--same-content", "skip"}).out, HasSubstr("nothing to do"));
  EXPECT_EQ(3, db().number("select count(*) from t"));
  EXPECT_EQ(0, load(url(), a_, {"--same-content", "load"}).exit_code);
  EXPECT_EQ(5, db().number("select count(*) from t"));
  EXPECT_THAT(load(url(), a_).out, HasSubstr("nothing to do")) << "that one is of this table";
  EXPECT_EQ(0, load(url(), b_, {"--truncate"}).exit_code);
  EXPECT_EQ("3", db().value("select string_agg(id::text, ',') from t"));
  EXPECT_EQ(0, load(url(), a_).exit_code) << "nothing of before counts";
  EXPECT_EQ(3, db().number("select count(*) from t"));
}

/// The other table goes on with the loads that are its own.
TEST_F(Places, ATableThatWasRenamedKeepsItsLoads) {
  begin();
  db().run("alter table t rename to o; create table t (id int)");
  EXPECT_EQ(0, load(url(), a_).exit_code);
  const Finished there = pgsluice({"load", a_, "-t", "o", "-d", url()});
  EXPECT_THAT(there.out, HasSubstr("nothing to do"));
  EXPECT_EQ("public.o", db().value("select target from pgsluice.loads where load_id = 1"));
  db().run("drop table t; alter table o rename to t");
  EXPECT_THAT(load(url(), a_).out, HasSubstr("nothing to do"));
  EXPECT_THAT(load(url(), b_).out, HasSubstr("nothing to do"));
}

}  // namespace
}  // namespace sluice::test
