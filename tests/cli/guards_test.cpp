#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// The functions and triggers that keep others from writing about a load: whatever becomes of them,
/// the next load of who may makes them again.
class Guards : public DatabaseTest {
 protected:
  Finished load(const std::string& as) {
    const std::string number = std::to_string(++files_);
    const std::string file = folder_.write("in" + number + ".csv", "id\n" + number + "\n");
    return pgsluice({"load", file, "-t", "t", "--progress", "none", "-d", as});
  }
  std::string guards() {
    return db().value(
        "select string_agg(g, e'\\n' order by g) from (select pg_get_functiondef(oid) from pg_proc "
        "where pronamespace = 'pgsluice'::regnamespace and proname <> 'guards_as_made' union all "
        "select pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where "
        "tgrelid::regclass::text like 'pgsluice.%' and not "
        "tgisinternal) as x (g)");
  }

  TemporaryFolder folder_;
  int files_ = 0;
};

TEST_F(Guards, AreMadeAgainWhereTheyAreMissingOrOthers) {
  const std::string low = url_of_new_role("guards_low");
  db().run("create table t (id int)");
  ASSERT_EQ(0, load(url()).exit_code);
  db().run(
      "grant usage on schema pgsluice to guards_low; grant select, insert, update on all tables in "
      "schema pgsluice to guards_low; grant usage on all sequences in schema pgsluice to "
      "guards_low; grant insert on t to guards_low");
  const std::string before = guards();
  std::vector<std::string> changes{"drop function pgsluice.refuse() cascade"};
  for (const auto& row : db().rows("select oid::regprocedure::text from pg_proc where pronamespace "
                                   "= 'pgsluice'::regnamespace and proname not in ('refuse', "
                                   "'guards_as_made')")) {
    changes.push_back("drop function " + row.front() + " cascade");
    changes.push_back("alter function " + row.front() + " security definer");
  }
  changes.emplace_back(
      "create or replace function pgsluice.may_write_of(load_id bigint) returns boolean language "
      "sql volatile set search_path = pg_catalog, pg_temp as 'select true'");
  for (const auto& row : db().rows(
           "select tgname, tgrelid::regclass::text from pg_trigger where tgname like 'whose%'")) {
    const std::string& name = row[0];
    const std::string& table = row[1];
    changes.push_back("drop trigger " + name + " on " + table);
    changes.push_back("alter table " + table + " disable trigger " + name);
    changes.push_back("drop trigger " + name + " on " + table + "; create trigger " + name +
                      " before insert or update or delete on " + table +
                      " for each row when (false) execute function pgsluice.refuse()");
  }
  for (const std::string& change : changes) {
    SCOPED_TRACE(change);
    db().run(change);
    ASSERT_NE(before, guards());
    const Finished refused = load(low);
    EXPECT_EQ(1, refused.exit_code) << "who may not make them does not load without them";
    EXPECT_THAT(refused.err, HasSubstr("its owner brings it up to date"));
    EXPECT_EQ(0, pgsluice({"loads", "-d", low}).exit_code) << "who reads does not need them";
    const Finished mended = load(url());
    EXPECT_EQ(0, mended.exit_code) << mended.err;
    EXPECT_EQ(before, guards());
    EXPECT_EQ(0, load(low).exit_code);
  }
  db().run("drop owned by guards_low; drop role guards_low");
}

/// The advice for a function of somebody else's takes the guards along.
TEST_F(Guards, AreThereAgainBehindTheAdviceForAnUntrustedSchema) {
  url_of_new_role("guards_mallory");
  db().run("create table t (id int)");
  ASSERT_EQ(0, load(url()).exit_code);
  const std::string before = guards();
  for (const char* function : {"refuse()", "may_write_of(bigint)", "may_enter(bigint)"}) {
    SCOPED_TRACE(function);
    db().run(std::string("grant create, usage on schema pgsluice to guards_mallory; create or "
                         "replace function pgsluice.may_enter(bigint) returns boolean language sql "
                         "as 'select true'; alter function pgsluice.") +
             function + " owner to guards_mallory");
    const Finished refused = load(url());
    EXPECT_EQ(1, refused.exit_code);
    const std::string advice = std::string("drop function pgsluice.") + function + " cascade;";
    ASSERT_THAT(refused.err, HasSubstr(advice));
    db().run(advice);
    db().run("drop function if exists pgsluice.may_enter(bigint)");
    EXPECT_EQ(0, load(url()).exit_code);
    EXPECT_EQ(before, guards());
  }
  db().run("drop owned by guards_mallory; drop role guards_mallory");
}

/// Who makes the schema for himself alone is told that, and superusers what to do then.
TEST_F(Guards, TheAdviceForAMissingSchemaLocksNobodyOut) {
  const std::string low = url_of_new_role("guards_low");
  db().run("create table t (id int); grant insert on t to guards_low");
  const Finished refused = load(low);
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("Ask the database's owner, or a superuser, to run pgsluice "
                                     "once"));
  ASSERT_EQ(0, load(url()).exit_code);
  const Finished closed = load(low);
  EXPECT_THAT(closed.err, HasSubstr("Ask its owner to run: grant "));
  const std::size_t begin = closed.err.find("grant ");
  db().run(closed.err.substr(begin, closed.err.find('\n', begin) - begin));
  EXPECT_EQ(0, load(low).exit_code);
  EXPECT_EQ(0, load(url()).exit_code);
  db().run("drop owned by guards_low; drop role guards_low");
}

}  // namespace
}  // namespace sluice::test
