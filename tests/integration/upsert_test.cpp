#include <gmock/gmock.h>

#include <random>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using writer::Dedupe;
using writer::OnConflict;

/// Records whose keys are in the table already, or in each other's way.
class Upsert : public DatabaseTest {
 protected:
  Loaded load(const std::string& csv) {
    options_.path = folder_.write("in.csv", csv);
    options_.table = "t";
    return run_load(url(), options_);
  }

  std::string table(const std::string& columns = "id, v") {
    return db().value("select coalesce(string_agg(concat_ws(':', " + columns +
                      "), ' ' order by id), '') from t");
  }

  static std::string counts(const Loaded& loaded) {
    const load::LoadReport& r = loaded.report;
    return std::to_string(r.total.rows_stored) + " new, " + std::to_string(r.total.rows_updated) +
           " updated, " + std::to_string(r.total.rows_unchanged) + " unchanged, " +
           std::to_string(r.total.rows_skipped) + " skipped";
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

TEST_F(Upsert, UpdatesRowsThatAreThere) {
  db().run(
      "create table t (id int primary key, v text, untouched int default 5);"
      "insert into t values (1, 'one', 1), (2, 'two', 2)");
  options_.on_conflict = OnConflict::update;
  const Loaded loaded = load("id,v\n2,TWO\n3,three\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1:one:1 2:TWO:2 3:three:5", table("id, v, untouched"));
  EXPECT_EQ("1 new, 1 updated, 0 unchanged, 0 skipped", counts(loaded));
  EXPECT_EQ("1 1 0 0",
            db().value("select concat_ws(' ', rows_stored, rows_updated, rows_unchanged, "
                       "rows_skipped) from pgsluice.chunks"));
  EXPECT_EQ("COPY binary, then INSERT ... ON CONFLICT", loaded.report.plan.writer);
}

TEST_F(Upsert, LeavesRowsThatAreThere) {
  db().run("create table t (id int primary key, v text); insert into t values (2, 'two')");
  options_.on_conflict = OnConflict::nothing;
  const Loaded loaded = load("id,v\n2,TWO\n3,three\n3,again\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("2:two 3:three", table());
  EXPECT_EQ("1 new, 0 updated, 0 unchanged, 2 skipped", counts(loaded));
}

TEST_F(Upsert, LeavesEqualRowsAlone) {
  db().run(
      "create table t (id int primary key, v text, j json);"
      "insert into t values (1, 'one', '{}'), (2, null, '{}'), (3, 'three', '{}')");
  const std::string before = db().value("select string_agg(ctid || '', ' ' order by id) from t");
  options_.on_conflict = OnConflict::update;
  options_.update_if_changed = true;
  const Loaded loaded = load("id,v,j\n1,one,{}\n2,,{}\n3,three,{ }\n4,new,{}\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1 new, 1 updated, 2 unchanged, 0 skipped", counts(loaded));
  EXPECT_EQ(before.substr(0, before.rfind(' ')),
            db().value("select string_agg(ctid || '', ' ' order by id) from t where id < 3"));
  EXPECT_EQ("1:one:{} 2:{} 3:three:{ } 4:new:{}", table("id, v, j"));
}

TEST_F(Upsert, UpdatesOnlyTheColumnsThatAreNamed) {
  db().run(
      "create table t (id int primary key, v text, w text); insert into t values (1, 'a', 'b')");
  options_.on_conflict = OnConflict::update;
  options_.update_columns = {"W"};
  ASSERT_TRUE(load("id,v,w\n1,x,y\n2,x,y\n").ok());
  EXPECT_EQ("1:a:y 2:x:y", table("id, v, w"));
}

/// The first record of a key makes the row, the others update what they may: in one chunk or in
/// several, in the table or by way of a staging table.
TEST_F(Upsert, RepeatedKeysAndNamedColumnsAreTheSameForEveryChunkSize) {
  options_.on_conflict = OnConflict::update;
  options_.update_columns = {"w"};
  options_.again = true;
  for (const bool atomic : {false, true}) {
    for (const std::size_t chunk_bytes : {1UL, 12UL, 1UL << 20}) {
      db().run(
          "drop table if exists t; create table t (id int primary key, v text, w text);"
          "insert into t values (1, 'a', 'b')");
      options_.atomic = atomic;
      options_.chunk_bytes = chunk_bytes;
      const Loaded loaded = load("id,v,w\n2,c,d\n1,e,f\n2,g,h\n2,i,j\n1,k,l\n");
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ("1:a:l 2:c:j", table("id, v, w")) << chunk_bytes << atomic;
    }
  }
}

TEST_F(Upsert, GoesByAUniqueIndexThatIsNamed) {
  db().run(
      "create table t (id int generated always as identity primary key, a text, b date, v text,"
      " unique (b, a)); insert into t (a, b, v) values ('x', '2024-01-01', 'old')");
  options_.on_conflict = OnConflict::update;
  const std::string csv =
      "a,b,v\nx,2024-01-01,new\ny,2024-01-01,new\n,2024-01-01,p\n,2024-01-01,q\n";
  const Loaded without = load(csv);
  EXPECT_EQ(FailureKind::usage, without.failure);
  EXPECT_THAT(without.message, HasSubstr("the file does not feed \"id\""));
  options_.key = {"a"};
  const Loaded wrong = load(csv);
  EXPECT_EQ(FailureKind::usage, wrong.failure);
  EXPECT_THAT(wrong.message, HasSubstr("it has one on id, or b,a"));
  options_.key = {"a", "b"};
  const Loaded loaded = load(csv);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  // A key with a NULL is equal to none.
  EXPECT_EQ(
      "p q x:new y:new",
      db().value("select string_agg(concat_ws(':', a, v), ' ' order by a nulls first, v) from t"));
  EXPECT_EQ(4, db().number("select count(*) from t"));
  EXPECT_EQ("3 new, 1 updated, 0 unchanged, 0 skipped", counts(loaded));
}

TEST_F(Upsert, RefusesWhatItCannotGoBy) {
  db().run(
      "create table t (id int, v text); create unique index on t (lower(v));"
      "create view w as select * from t");
  options_.on_conflict = OnConflict::nothing;
  EXPECT_THAT(load("id,v\n1,a\n").message, HasSubstr("no primary key and no unique index"));
  db().run("alter table t add primary key (id)");
  options_.on_conflict = OnConflict::update;
  EXPECT_THAT(load("id\n1\n").message, HasSubstr("nothing to update"));
  options_.writer = plan::WriterChoice::insert;
  EXPECT_THAT(load("id,v\n1,a\n").message, HasSubstr("leave out --writer"));
}

TEST_F(Upsert, BadRecordsAreRejectedAndTheOthersMerged) {
  db().run(
      "create table t (id int primary key, v text, n int not null check (n < 100));"
      "insert into t values (1, 'old', 1)");
  options_.on_conflict = OnConflict::update;
  options_.rejects.rejects_max = 10;
  std::string csv = "id,v,n\n1,new,2\n2,bad,100\n3,bad,\n4,bad,x\n2,good,5\n2,better,6\n";
  for (const std::size_t chunk_bytes : {1UL, 30UL, 1UL << 20}) {
    db().run("delete from t; insert into t values (1, 'old', 1)");
    options_.chunk_bytes = chunk_bytes;
    options_.again = true;
    const Loaded loaded = load(csv);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ("1:new:2 2:better:6", table("id, v, n")) << chunk_bytes;
    EXPECT_EQ(3U, loaded.report.rows_rejected);
    EXPECT_EQ(6U, loaded.report.records_read);
    EXPECT_EQ(3U, loaded.report.total.rows());
  }
}

TEST_F(Upsert, PartitionedTableWithAnotherColumnOrder) {
  db().run(
      "create table t (gone int, id int, v text, primary key (id)) partition by range (id);"
      "alter table t drop column gone;"
      "create table t1 (v text, id int not null primary key);"
      "alter table t attach partition t1 for values from (0) to (10);"
      "create table t2 partition of t for values from (10) to (100);"
      "insert into t values (1, 'a'), (11, 'b')");
  options_.on_conflict = OnConflict::update;
  const Loaded loaded = load("id,v\n1,x\n2,y\n11,z\n12,w\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1:x 2:y 11:z 12:w", table());
  EXPECT_EQ("2 new, 2 updated, 0 unchanged, 0 skipped", counts(loaded));
}

/// No row of theirs has system columns where it is counted.
TEST_F(Upsert, PartitionedTablesOfAllKinds) {
  const char* const partitions[] = {
      "partition by range (id); create table p partition of t for values from (0) to (100)",
      "partition by list (id); create table p partition of t default",
      "partition by hash (id); create table p partition of t for values with (modulus 1, remainder "
      "0)"};
  for (const char* const by : partitions) {
    for (const bool atomic : {false, true}) {
      db().run(std::string("drop table if exists t; create table t (id int primary key, v text) ") +
               by);
      options_.again = true;
      options_.atomic = atomic;
      options_.on_conflict = OnConflict::update;
      Loaded loaded = load("id,v\n1,x\n2,y\n");
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ("2 new, 0 updated, 0 unchanged, 0 skipped", counts(loaded));
      loaded = load("id,v\n2,Y\n3,z\n3,Z\n");
      EXPECT_EQ("1 new, 2 updated, 0 unchanged, 0 skipped", counts(loaded)) << by << atomic;
      options_.update_if_changed = true;
      loaded = load("id,v\n2,Y\n4,z\n3,z\n");
      options_.update_if_changed = false;
      EXPECT_EQ("1 new, 1 updated, 1 unchanged, 0 skipped", counts(loaded)) << by << atomic;
      options_.on_conflict = OnConflict::nothing;
      loaded = load("id,v\n5,Y\n1,z\n5,z\n");
      EXPECT_EQ("1 new, 0 updated, 0 unchanged, 2 skipped", counts(loaded)) << by << atomic;
      EXPECT_EQ("1:x 2:Y 3:z 4:z 5:Y", table());
    }
  }
}

/// A trigger drops the record that would stand for its key.
TEST_F(Upsert, TriggersSeeEachRecordWhateverTheChunkSize) {
  db().run(
      "create table t (id int primary key, v text); create function f() returns trigger language "
      "plpgsql as $$ begin if new.v = 'bad' then return null; end if; return new; end $$; "
      "create trigger f before insert or update on t for each row execute function f()");
  std::string good;
  std::string bad;
  for (int i = 1; i <= 30; ++i) {
    good += std::to_string(i) + ",good\n";
    bad += std::to_string(i) + ",bad\n";
  }
  options_.again = true;
  for (const bool atomic : {false, true}) {
    for (const std::size_t chunk_bytes : {64UL, 1UL << 20}) {
      options_.chunk_bytes = chunk_bytes;
      options_.atomic = atomic;
      for (const OnConflict on_conflict : {OnConflict::update, OnConflict::nothing}) {
        options_.on_conflict = on_conflict;
        db().run("truncate t");
        const Loaded loaded =
            load("id,v\n" + (on_conflict == OnConflict::update ? good + bad : bad + good));
        ASSERT_TRUE(loaded.ok()) << loaded.message;
        EXPECT_EQ(30, db().number("select count(*) from t where v = 'good'")) << chunk_bytes;
        EXPECT_EQ("30 new, 0 updated, 0 unchanged, 30 skipped", counts(loaded));
      }
    }
  }
}

/// A value of another unique index is given up by one record and taken by the next; and a record
/// that a later one replaces is refused for one that is taken.
TEST_F(Upsert, AnotherUniqueIndexSeesTheRecordsInFileOrder) {
  options_.on_conflict = OnConflict::update;
  options_.rejects.rejects_max = 5;
  options_.again = true;
  db().run("create table t (id int primary key, u text unique, v text)");
  for (const std::size_t chunk_bytes : {1UL, 20UL, 1UL << 20}) {
    for (const std::size_t jobs : {1UL, 3UL}) {
      db().run("truncate t; insert into t values (1, 'a', 'old'), (2, 'b', 'old')");
      options_.chunk_bytes = chunk_bytes;
      options_.jobs = jobs;
      // 2 gives b up before 1 takes it; 0 wants c before 3 gives it up.
      const Loaded loaded =
          load("id,u,v\n2,x,1\n1,b,2\n3,c,3\n0,c,refused\n3,d,4\n5,c,5\n4,b,refused\n4,e,6\n");
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ("1:b:2 2:x:1 3:d:4 4:e:6 5:c:5", table("id, u, v")) << chunk_bytes << ' ' << jobs;
      EXPECT_EQ("3 new, 3 updated, 0 unchanged, 0 skipped", counts(loaded));
      EXPECT_EQ(2U, loaded.report.rows_rejected);
    }
  }
}

/// The same without a budget: no record is bad in the order of the file.
TEST_F(Upsert, NoRecordIsBadThatIsGoodInFileOrder) {
  options_.on_conflict = OnConflict::update;
  db().run(
      "create table t (id int primary key, u int unique, v text); insert into t values (2, 1, "
      "'old'), (9, 9, 'old')");
  const Loaded loaded = load("id,u,v\n9,0,x\n 1,9,y\n2,3,z\n2,5,z\n3,3,w\n");
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("1:9 2:5 3:3 9:0", table("id, u"));
}

TEST_F(Upsert, ColumnsWithNamesThatItUsesItself) {
  db().run(
      "create table t (id int primary key, v text, pgsluice_record int, pgsluice_record_ int, "
      "pgsluice_target int, pgsluice_one int, records int, merged int, found boolean, excluded "
      "int, \"a'b\"\"$c$\" int check (pgsluice_one > 0))");
  options_.again = true;
  for (const bool atomic : {false, true}) {
    options_.atomic = atomic;
    for (const OnConflict on_conflict : {OnConflict::update, OnConflict::nothing}) {
      options_.on_conflict = on_conflict;
      for (const bool if_changed : {false, true}) {
        options_.update_if_changed = if_changed && on_conflict == OnConflict::update;
        db().run("truncate t");
        const Loaded loaded = load(
            "id,v,pgsluice_record,pgsluice_record_,pgsluice_target,pgsluice_one,records,merged,"
            "found,excluded,\"a'b\"\"$c$\"\n"
            "1,x,1,2,3,4,5,6,t,7,8\n1,y,1,2,3,4,5,6,t,7,8\n2,z,1,2,3,4,5,6,t,7,8\n");
        ASSERT_TRUE(loaded.ok()) << loaded.message;
        EXPECT_EQ(on_conflict == OnConflict::update ? "1:y:1 2:z:1" : "1:x:1 2:z:1",
                  table("id, v, pgsluice_record"));
      }
    }
  }
}

/// What a file with repeated keys makes of a table: the same for every chunk size and number of
/// connections, and what one record after the other would make of it.
class UpsertProperty : public Upsert, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string corpus(std::size_t records) {
    std::string csv = "k,n,v\n";
    for (std::size_t i = 0; i < records; ++i) {
      // Few keys, some written in two ways, some NULL, one of the slow lane now and then.
      const std::size_t key = pick(records / 3);
      std::string text = key_text(key);
      if (pick(40) == 0) text.clear();
      csv += text + "," + std::to_string(pick(3)) + ",v" + std::to_string(i) + "\n";
    }
    return csv;
  }

  std::string key_text(std::size_t key) {
    const std::string type = GetParam();
    const std::string number = std::to_string(key);
    if (type == "int") return pick(4) == 0 ? "0" + number : pick(9) == 0 ? " " + number : number;
    if (type == "numeric") return pick(2) == 0 ? number + ".50" : number + ".5";
    if (type == "numeric(6,1)") return pick(2) == 0 ? number + ".52" : number + ".5";
    if (type == "double precision") return pick(2) == 0 ? number + "e0" : number;
    const std::string day = std::to_string(key % 28 + 1);
    if (type == "date") return pick(5) == 0 ? "Jan " + day + " 2024" : "2024-01-" + day;
    return (pick(2) == 0 ? "key " : "KEY ") + number;
  }

  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  /// The same by the server alone, record by record in file order.
  std::string expected(const std::string& csv, OnConflict on_conflict, Dedupe dedupe) {
    fill_target();
    db().run(
        "drop table if exists file; create table file (r bigint generated always as identity, "
        "k " +
        key_type() + ", n int, v text)");
    db().copy("file (k, n, v)", "format csv, header", csv);
    const bool first = dedupe == Dedupe::first;
    db().run(
        "with f as (select * from (select *, row_number() over (partition by k, n, case when "
        "k is null or n is null then r end order by r " +
        std::string(first ? "" : "desc") +
        ") as nth from file) x where nth = 1) insert into t (k, n, v) select k, n, v from f on "
        "conflict (k, n) do " +
        (on_conflict == OnConflict::nothing ? "nothing"
                                            : "update set v = excluded.v, k = excluded.k"));
    return content("t");
  }

  std::string key_type() const { return GetParam(); }

  void fill_target() {
    db().run(
        "drop table if exists t; create table t (k " + key_type() +
        ", n int, v text, unique (k, n)); insert into t (k, n, v) select distinct on (k) k, 1, "
        "'old' from unnest(array(" +
        old_keys_ + ")) k");
  }

  std::mt19937 random_{23};
  std::string old_keys_;
};

TEST_P(UpsertProperty, SameTableForEveryChunkSizeJobsAndRule) {
  const std::string type = GetParam();
  if (type.ends_with("ignoring_case")) {
    db().run(
        "create collation ignoring_case (provider = icu, locale = 'und-u-ks-level2', "
        "deterministic = false)");
  }
  old_keys_ = type == "date" ? "select date '2024-01-01' + i from generate_series(0, 9) i"
              : type.starts_with("text") || type.starts_with("varchar")
                  ? "select ('key ' || i)::" + type + " from generate_series(0, 30) i"
                  : "select (i + 0.5)::" + type + " from generate_series(0, 30) i";
  const std::string csv = corpus(400);
  for (const OnConflict on_conflict : {OnConflict::nothing, OnConflict::update}) {
    for (const Dedupe dedupe : {Dedupe::first, Dedupe::last}) {
      const std::string wanted = expected(csv, on_conflict, dedupe);
      for (const std::size_t chunk_bytes : {1UL, 200UL, 1500UL, 1UL << 20}) {
        for (const std::size_t jobs : {1UL, 4UL}) {
          if (chunk_bytes == 1 && (jobs == 1 || dedupe == Dedupe::first)) continue;
          fill_target();
          options_.chunk_bytes = chunk_bytes;
          options_.jobs = jobs;
          options_.on_conflict = on_conflict;
          options_.dedupe = dedupe;
          options_.key = {"k", "n"};
          options_.again = true;
          const Loaded loaded = load(csv);
          ASSERT_TRUE(loaded.ok()) << loaded.message;
          ASSERT_EQ(wanted, content("t"))
              << type << ", chunks of " << chunk_bytes << ", " << jobs << " jobs, "
              << static_cast<int>(on_conflict) << ' ' << static_cast<int>(dedupe);
          ASSERT_EQ(400U, loaded.report.total.rows());
          ASSERT_EQ(0U, loaded.report.retries);
        }
      }
    }
  }
  EXPECT_TRUE(no_session_left());
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, UpsertProperty,
                         ::testing::Values("int", "numeric", "numeric(6,1)", "double precision",
                                           "date", "varchar(20)", "text collate ignoring_case"));

TEST_F(Upsert, TwoRecordsWithOneKeyEndTheLoadIfAsked) {
  db().run("create table t (id int primary key, v text); insert into t values (7, 'old')");
  options_.on_conflict = OnConflict::update;
  options_.dedupe = Dedupe::error;
  options_.chunk_bytes = 10;
  const Loaded loaded = load("id,v\n7,a\n5,b\n6,c\n5,d\n");
  EXPECT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.message, HasSubstr("records 2 and 4 have the same key (id) = (5)"));
  EXPECT_EQ("7:old", table());
  options_.again = true;
  EXPECT_TRUE(load("id,v\n7,a\n5,b\n").ok());
  EXPECT_EQ("5:b 7:a", table());
  EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_'"));
}

}  // namespace
}  // namespace sluice::test
