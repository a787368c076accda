#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Records that only the publication of an all-or-nothing load can judge: they are rejects as
/// everywhere, with their bytes and reasons, and the others are published.
class PublicationRejects : public DatabaseTest {
 protected:
  void SetUp() override {
    options_.table = "t";
    options_.atomic = true;
    options_.atomic_way = plan::AtomicWay::resumable;
    options_.chunk_bytes = 64;
    options_.jobs = 3;
    options_.rejects.rejects_max = 5;
  }

  Loaded load(const std::string& csv) {
    options_.path = folder_.write("in.csv", csv);
    return run_load(url(), options_);
  }
  /// The rows of t, the rejects and the SQLSTATEs of a load that ends well.
  void expect_loads(const std::string& csv, const std::string& ids, const std::string& rejects,
                    const std::vector<std::string>& states) {
    const std::int64_t before = db().number("select count(*) from t");
    const Loaded loaded = load(csv);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(db().number("select count(*) from t") - before,
              static_cast<std::int64_t>(loaded.report.total.rows_stored));
    EXPECT_EQ(0,
              db().number("select count(*) from (select from pgsluice.chunks group by load_id "
                          "having sum(records_read) <> sum(rows_stored + rows_rejected)) wrong"));
    EXPECT_EQ(ids, db().value("select string_agg(id::text, ' ' order by id) from t"));
    EXPECT_EQ(rejects, read_file(folder_ / "in.rejects.csv"));
    EXPECT_EQ(states.size(), loaded.report.rows_rejected);
    const std::string reasons = read_file(folder_ / "in.rejects.jsonl");
    for (const std::string& state : states) EXPECT_THAT(reasons, HasSubstr("\"" + state + "\""));
    EXPECT_EQ(
        static_cast<std::int64_t>(states.size()),
        db().number("select sum(rows_rejected) from pgsluice.loads where state = 'finished'"));
    EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_[0-9]+$'"));
    EXPECT_EQ(load::LoadReport::Status::nothing_to_do, run_load(url(), options_).report.status);
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

TEST_F(PublicationRejects, KeysThatAreThereAlready) {
  db().run("create table t (id int primary key, v text); insert into t values (3, 'old')");
  expect_loads(
      "id,v\n1,a\n2,\"two\nlines\"\n3,new\n4,d\n4,\"again, \"\"4\"\"\"\n5,e\n6,f\n1,g\n7,h\n",
      "1 2 3 4 5 6 7", "id,v\n3,new\n4,\"again, \"\"4\"\"\"\n1,g\n", {"23505", "23505", "23505"});
  EXPECT_EQ("old", db().value("select v from t where id = 3"));
}

TEST_F(PublicationRejects, BesideRecordsThatTheirChunksRefused) {
  db().run("create table t (id int primary key, v text)");
  expect_loads("id,v\n1,a\nx,b\n1,c\n2,d\n3\n2,e\n4,f\n", "1 2 4", "id,v\nx,b\n1,c\n3\n2,e\n",
               {"22P02", "23505", "22P04", "23505"});
}

/// A statement sees all its rows before it judges who refers to whom.
TEST_F(PublicationRejects, ReferencesToLaterRecordsAreKept) {
  db().run(
      "create table t (id int primary key, parent int references t); insert into t values (0, "
      "null)");
  expect_loads("id,parent\n1,9\n2,1\n3,77\n4,2\n4,1\n5,3\n9,0\n", "0 1 2 4 9",
               "id,parent\n3,77\n4,1\n5,3\n", {"23503", "23505", "23503"});
}

TEST_F(PublicationRejects, TriggersAndDeferredConstraints) {
  db().run(
      "create table t (id int, v text, unique (id) deferrable initially deferred); create function "
      "judge() returns trigger language plpgsql as $$ begin if new.v = 'bad' then raise exception "
      "'not this one' using errcode = 'XY123'; end if; new.v := 'seen'; return new; end $$; create "
      "trigger judge before insert on t for each row execute function judge()");
  expect_loads("id,v\n1,a\n2,bad\n3,c\n3,d\n4,bad\n5,e\n", "1 3 5", "id,v\n2,bad\n3,d\n4,bad\n",
               {"XY123", "23505", "XY123"});
  EXPECT_EQ("seen", db().value("select min(v) from t"));
}

TEST_F(PublicationRejects, UpsertsWhoseRowsAreRefused) {
  db().run(
      "create table t (id int primary key, v int unique); insert into t values (1, 10), (2, 20)");
  options_.on_conflict = writer::OnConflict::update;
  expect_loads("id,v\n1,11\n2,11\n3,30\n4,30\n5,50\n", "1 2 3 5", "id,v\n2,11\n4,30\n",
               {"23505", "23505"});
  EXPECT_EQ("11 20 30 50", db().value("select string_agg(v::text, ' ' order by id) from t"));
}

TEST_F(PublicationRejects, BeyondTheBudgetNothingIsPublished) {
  db().run("create table t (id int primary key, v text)");
  options_.rejects.rejects_max = 1;
  const std::string csv = "id,v\n1,a\n1,b\n2,c\n2,d\n3,e\n";
  const Loaded stopped = load(csv);
  EXPECT_EQ(FailureKind::budget, stopped.failure) << stopped.message;
  EXPECT_EQ(0, db().number("select count(*) from t"));
  options_.rejects.rejects_max = 2;
  expect_loads(csv, "1 2 3", "id,v\n1,b\n2,d\n", {"23505", "23505"});
}

TEST_F(PublicationRejects, WithoutABudgetTheFirstOneIsNamed) {
  db().run("create table t (id int primary key, parent int references t)");
  options_.rejects = {};
  const Loaded refused = load("id,parent\n1,2\n2,\n3,\n3,1\n4,99\n");
  EXPECT_EQ(FailureKind::bad_record, refused.failure);
  EXPECT_THAT(refused.message, HasSubstr("in.csv:5: "));
  EXPECT_THAT(refused.message, HasSubstr("SQLSTATE 23505"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

/// More than one look finds.
TEST_F(PublicationRejects, ManyOfThem) {
  db().run("create table t (id int primary key, v text)");
  options_.chunk_bytes = 64 << 10;
  options_.rejects.rejects_max = 100'000;
  std::string csv = "id,v\n";
  std::string rejects = "id,v\n";
  for (int i = 0; i < 25'000; ++i) {
    csv += std::to_string(i % 12'000) + ",v" + std::to_string(i) + "\n";
    if (i >= 12'000) rejects += std::to_string(i % 12'000) + ",v" + std::to_string(i) + "\n";
  }
  const Loaded loaded = load(csv);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(12'000, db().number("select count(*) from t"));
  EXPECT_EQ(13'000U, loaded.report.rows_rejected);
  EXPECT_EQ(rejects, read_file(folder_ / "in.rejects.csv"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

}  // namespace
}  // namespace sluice::test
