#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

/// Many records that keys, references and conditions refuse: which these are, and what is said of
/// them, is what the server says to each of them in the order of the file.
class Trials : public DatabaseTest {
 protected:
  void SetUp() override {
    options_.table = "t";
    options_.rejects.rejects_max = 1'000'000;
    options_.jobs = 1;  // of records with one key the first in the file counts
  }

  /// What an INSERT for each record makes of the file: the table, and "record state constraint
  /// message" of what it refuses.
  std::string one_by_one(const std::string& table, const std::string& csv) {
    db().run("drop table if exists t, records; create table t " + table +
             "; create table records (n serial, id text, ref text, amount text)");
    db().run(before_);
    db().copy("records (id, ref, amount)", "format csv, header", csv);
    db().run(
        "create or replace function load_all() returns table (said text) language plpgsql as $$ "
        "declare r record; begin for r in select * from records order by n loop begin insert into "
        "t (id, ref, amount) values (r.id::int, r.ref::int, r.amount::numeric); exception when "
        "others then said := r.n || ' ' || sqlstate || ' ' || sqlerrm; return next; end; end loop; "
        "end $$");
    return db().value("select string_agg(said, E'\\n') from load_all()");
  }

  void expect_the_same(const std::string& table, const std::string& csv) {
    const std::string said = one_by_one(table, csv);
    const std::string content =
        db().value("select md5(string_agg(t::text, ' ' order by t)) from t");
    const std::int64_t rows = db().number("select count(*) from t");
    for (const bool in_one : {false, true}) {
      SCOPED_TRACE(in_one ? "one transaction" : "chunks");
      db().run("drop table t; create table t " + table);
      db().run(before_);
      options_.atomic = in_one;
      options_.path = folder_.write(std::string("in") + (in_one ? "1" : "0") + ".csv", csv);
      options_.rejects_path = folder_ / (std::to_string(++loads_) + ".csv");
      options_.again = true;
      const Loaded loaded = run_load(url(), options_);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(rows, db().number("select count(*) from t"));
      EXPECT_EQ(content, db().value("select md5(string_agg(t::text, ' ' order by t)) from t"));
      EXPECT_EQ(said, reasons(options_.rejects_path));
      EXPECT_EQ(0,
                db().number("select count(*) from (select from pgsluice.chunks group by load_id "
                            "having sum(records_read) <> sum(rows_stored + rows_rejected)) wrong"));
    }
  }

  /// As one_by_one() has it.
  static std::string reasons(const std::string& path) {
    std::string all;
    const std::string jsonl = read_file(path.substr(0, path.size() - 3) + "jsonl");
    std::istringstream lines(jsonl);
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      std::string message = json["message"];
      for (const char* detail : {" (Key ", " (Failing ", " (Partition "})
        message.resize(std::min(message.size(), message.find(detail)));
      all += (all.empty() ? "" : "\n") + std::to_string(json["record"].get<int>()) + " " +
             json["sqlstate"].get<std::string>() + " " + message;
    }
    return all;
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
  std::string before_ = "select 1";
  int loads_ = 0;
};

/// id, ref, amount; some of each are bad, and some are bad in two ways.
std::string records(int count, int every) {
  std::string csv = "id,ref,amount\n";
  for (int i = 1; i <= count; ++i) {
    const int turn = i % every;
    const int id = turn == 1 ? i / 2 : turn == 2 ? i - 1 : i;
    const int ref = turn == 3 || turn == 4 ? 900 + i % 7 : i % 50;
    const int amount = turn == 4 || turn == 5 ? -i : i;
    csv += std::to_string(id) + "," + (turn == 6 ? "" : std::to_string(ref)) + "," +
           std::to_string(amount) + ".25\n";
  }
  return csv;
}

TEST_F(Trials, KeysAreRefusedAsOneByOne) {
  for (const int every : {200, 20, 7}) {
    SCOPED_TRACE(every);
    for (const std::size_t chunk : {700UL, 6000UL, 1UL << 20U}) {
      options_.chunk_bytes = chunk;
      expect_the_same("(id int primary key, ref int, amount numeric(10,2))", records(2000, every));
    }
  }
}

TEST_F(Trials, ReferencesAndConditionsToo) {
  db().run("create table p (id int primary key); insert into p select generate_series(0, 49)");
  for (const int every : {200, 20, 7}) {
    SCOPED_TRACE(every);
    for (const std::size_t chunk : {700UL, 6000UL, 1UL << 20U}) {
      options_.chunk_bytes = chunk;
      expect_the_same(
          "(id int primary key, ref int references p, amount numeric(10,2) check (amount > 0))",
          records(2000, every));
    }
  }
}

/// Rows that were there, keys of two columns, a reference that a client cannot encode, partitions.
TEST_F(Trials, OddKeys) {
  options_.chunk_bytes = 3000;
  before_ = "insert into t select i, i % 3, i from generate_series(100, 900, 10) i";
  expect_the_same("(id int, ref int, amount numeric, unique (ref, id), unique (amount))",
                  records(1500, 9));
  expect_the_same(
      "(id int, ref int, amount numeric, primary key (id)) partition by range (id); create table "
      "t1 partition of t for values from (0) to (700); create table t2 partition of t for values "
      "from (700) to (1400)",
      records(1500, 9));
  db().run("create table q (id numeric primary key); insert into q select generate_series(0, 49)");
  expect_the_same("(id int, ref int references q, amount numeric)", records(1500, 9));
}

/// All that is fed is keys: what is asked about these, and about all of a record, does not mix.
TEST_F(Trials, KeysAlone) {
  db().run("create table q (id numeric primary key); insert into q select generate_series(0, 49)");
  for (const std::size_t chunk : {500UL, 1UL << 20U}) {
    options_.chunk_bytes = chunk;
    for (const int every : {40, 7}) {
      expect_the_same("(id int unique, ref int references q, amount numeric unique)",
                      records(900, every));
      expect_the_same("(id int, ref int, amount numeric, primary key (id, ref, amount))",
                      records(300, every) + "1,1,1.25\n2,2,2.25\n1,1,1.25\n7,,7\n" +
                          records(40, every).substr(14));
    }
  }
}

/// Who may not read what a key refers to is told all the same, one after the other.
TEST_F(Trials, WithoutRightsToAskTheServerSaysIt) {
  db().run("create table p (id int primary key); insert into p select generate_series(0, 49)");
  db().run("create table t (id int primary key, ref int references p, amount numeric)");
  const std::string limited = url_of_new_role("trials_role");
  db().run("grant insert on t to trials_role");
  options_.use_ledger = false;
  options_.path = folder_.write("in.csv", records(600, 20));
  options_.rejects_path = folder_ / "bad.csv";
  const Loaded loaded = run_load(limited, options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  const std::int64_t refused = 600 - db().number("select count(*) from t");
  EXPECT_EQ(refused, static_cast<std::int64_t>(loaded.report.rows_rejected));
  EXPECT_LT(80, refused);
}

}  // namespace
}  // namespace sluice::test
