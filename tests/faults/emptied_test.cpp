#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Owns the server before the database test connects to it.
struct OwnServer {
  PrivateServer server{"max_connections=30"};
};

/// Tables whose rows are taken away beside the ledger, or with it but for a part.
class Emptied : private OwnServer, public DatabaseTest {
 protected:
  Emptied() : DatabaseTest(server.url()) {}

  std::vector<std::string> command(const std::string& file,
                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"load", file, "-t",         "t",    "-d",           url(),
                                       "-j",   "2",  "--progress", "none", "--chunk-size", "32KiB"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string csv(const std::string& name, const std::string& text) const {
    std::string lines = "id,v\n";
    for (int i = 0; i < rows_; ++i) lines += std::to_string(i) + "," + text + "\n";
    return folder_.write(name, lines);
  }
  void wait_for_chunks(int count) {
    ASSERT_TRUE(comes_true("select count(*) >= " + std::to_string(count) +
                           " from pgsluice.chunks join pgsluice.loads using (load_id) where state "
                           "= 'unfinished'"));
  }
  void crash() {
    server.stop("immediate");
    server.start();
    connect_again();
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }

  static constexpr int rows_ = 60'000;
  TemporaryFolder folder_;
};

const std::vector<std::string> unlogged_tables{
    "create unlogged table t (id int, v text)",
    "create table t (id int, v text) partition by range (id);"
    "create table t1 partition of t for values from (0) to (30000);"
    "create unlogged table t2 partition of t default"};

TEST_F(Emptied, AnUnloggedTableInTheMiddleOfALoad) {
  const std::string in = csv("in.csv", "a");
  for (const std::string& make : unlogged_tables) {
    for (const std::vector<std::string>& way :
         {std::vector<std::string>{}, {"--writer", "insert"}, {"--atomic"}}) {
      SCOPED_TRACE(make + (way.empty() ? "" : way.back()));
      db().run("drop table if exists t; " + make);
      std::vector<std::string> slow = way;
      slow.insert(slow.end(), {"--max-rate", "300KB/s"});
      const Gate gate(url(), "t", "id >= 40000");
      Process process(command(in, slow));
      wait_for_chunks(6);
      crash();
      const Finished crashed = process.wait();
      // All of it, or the reason.
      if (crashed.exit_code == 0) {
        EXPECT_EQ(rows_, rows());
      } else {
        EXPECT_EQ(1, crashed.exit_code) << crashed.err;
        EXPECT_THAT(crashed.err, HasSubstr("unlogged"));
        if (make == unlogged_tables[0] && way != std::vector<std::string>{"--atomic"}) {
          EXPECT_THAT(crashed.err, HasSubstr("stored nothing"));
        }
        EXPECT_EQ("unfinished", db().value("select state from pgsluice.loads order by load_id desc "
                                           "limit 1"));
      }
      Finished again = pgsluice(command(in, way));
      if (again.exit_code == 7) {  // a part of the rows is there: which ones, nobody knows
        EXPECT_THAT(again.err, HasSubstr("--truncate"));
        std::vector<std::string> anew = way;
        anew.insert(anew.end(), {"--again", "--truncate"});
        again = pgsluice(command(in, anew));
      }
      EXPECT_EQ(0, again.exit_code) << again.err;
      EXPECT_EQ(rows_, rows());
      EXPECT_EQ(rows_, db().number("select count(distinct id) from t"));
    }
  }
}

/// The ledger says that it is in; the table is empty, or has other rows since.
TEST_F(Emptied, AnUnloggedTableAfterTheLoad) {
  const std::string in = csv("in.csv", "a");
  const std::string other = folder_.write("other.csv", "id,v\n-1,b\n");
  for (const std::string& make : unlogged_tables) {
    for (const bool with_other : {false, true}) {
      SCOPED_TRACE(make + (with_other ? ", other rows" : ""));
      db().run("drop table if exists t; " + make);
      ASSERT_EQ(0, pgsluice(command(in)).exit_code);
      crash();
      if (with_other) {
        ASSERT_EQ(0, pgsluice(command(other)).exit_code);
      }
      const Finished again = pgsluice(command(in));
      EXPECT_THAT(again.out + again.err, ::testing::Not(HasSubstr("nothing to do")));
      if (again.exit_code == 7) {
        EXPECT_THAT(again.err, HasSubstr("unlogged"));
        EXPECT_THAT(again.err, HasSubstr("--again"));
      } else {
        EXPECT_EQ(0, again.exit_code) << again.err;
        EXPECT_EQ(rows_ + (with_other ? 1 : 0), rows());
      }
    }
  }
}

/// Whichever of two runs empties the table: what a load says is stored is there.
TEST_F(Emptied, ATableThatIsBeingTruncatedIsNotLoaded) {
  const std::string x = csv("x.csv", "x");
  const std::string y = csv("y.csv", "y");
  const std::vector<std::pair<bool, bool>> truncating{{true, true}, {true, false}, {false, true}};
  for (const auto& [first, second] : truncating) {
    SCOPED_TRACE(std::to_string(first) + std::to_string(second));
    db().run(
        "drop table if exists t; create table t (id int, v text); drop schema if exists "
        "pgsluice cascade");
    std::vector<std::string> slow{"--max-rate", "300KB/s"};
    if (first) slow.push_back("--truncate");
    Process process(command(x, slow));
    ASSERT_TRUE(comes_true("select count(*) >= 3 from pgsluice.chunks"));
    std::vector<std::string> more;
    if (second) more.push_back("--truncate");
    const Finished beside = pgsluice(command(y, more));
    // It has waited, or been refused; the first one's rows are all there, or were all taken by it.
    EXPECT_EQ(0, process.wait().exit_code);
    if (beside.exit_code == 6) {
      EXPECT_THAT(beside.err, HasSubstr("public.t"));
      EXPECT_EQ(rows_, db().number("select count(*) from t where v = 'x'"));
      const Finished after = pgsluice(command(y, more));
      EXPECT_EQ(0, after.exit_code) << after.err;
    } else {
      EXPECT_EQ(0, beside.exit_code) << beside.err;
    }
    EXPECT_EQ(rows_, db().number("select count(*) from t where v = 'y'"));
    EXPECT_EQ(second ? rows_ : 2 * rows_, rows());
    const Finished x_again = pgsluice(command(x));
    EXPECT_EQ(0, x_again.exit_code) << x_again.err;
    EXPECT_EQ(2 * rows_, rows());
    EXPECT_EQ("", ledger_disagreement("t"));
  }
}

/// A dump that was restored into another database has the loads of its tables, under other oids.
TEST_F(Emptied, ARestoredDumpIsVoidedByName) {
  const std::string dumps = output_of("pg_dump --version | sed 's/.* \\([0-9]*\\)\\..*/\\1/'");
  if (std::stoi(dumps) < db().number("select current_setting('server_version_num')::int / 10000"))
    GTEST_SKIP() << "pg_dump " << dumps << " dumps no newer server";
  db().run("create table t (id int, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,a\n");
  const std::string b = folder_.write("b.csv", "id,v\n7,b\n");
  const std::string c = folder_.write("c.csv", "id,v\n8,c\n");
  ASSERT_EQ(0, pgsluice(command(a)).exit_code);
  db().run("create database restored_copy");
  const std::string copy = url_of_database(url(), "restored_copy");
  // Other tables first, so that oids of loads of then belong to other tables now.
  Session(copy).run("create table filler (id int, v text); create table filler2 (id int, v text)");
  output_of("pg_dump '" + url() + "' | psql -qX -v ON_ERROR_STOP=1 '" + copy + "' 2>&1");
  const auto on_copy = [&](std::vector<std::string> arguments) {
    arguments[5] = copy;
    return pgsluice(arguments);
  };
  EXPECT_THAT(on_copy(command(a)).out, HasSubstr("nothing to do"));
  EXPECT_EQ(0, on_copy(command(b, {"--truncate"})).exit_code);
  EXPECT_EQ(0, on_copy(command(a)).exit_code);
  EXPECT_EQ("1,2,7", Session(copy).value("select string_agg(id::text, ',' order by id) from t"));
  // A table that has the oid of another database's table has none of its loads.
  const std::string oid = db().value("select 't'::regclass::oid::text");
  Session(copy).run(
      "update pgsluice.loads set target = 'public.filler' where target = 'public.t' "
      "and target_oid = " +
      oid);
  EXPECT_EQ(0, on_copy(command(c, {"--truncate"})).exit_code);
  EXPECT_EQ("8", Session(copy).value("select string_agg(id::text, ',' order by id) from t"));
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state = 'void'"));
}

/// The far side commits first.
TEST_F(Emptied, AForeignTableNeedsAWord) {
  const std::string port = std::string(PQport(db().raw()));
  db().run(
      "create extension postgres_fdw; create table far (id int, v text);"
      "create server far foreign data wrapper postgres_fdw options (host '127.0.0.1', port '" +
      port + "', dbname '" + db().value("select current_database()") +
      "'); create user mapping for current_user server far options (user '" +
      db().value("select current_user") +
      "'); create foreign table t (id int, v text) server far options (table_name 'far')");
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  const Finished refused = pgsluice(command(in));
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("--accept-at-least-once"));
  EXPECT_EQ(0, db().number("select count(*) from far"));
  const Finished accepted = pgsluice(command(in, {"--accept-at-least-once"}));
  EXPECT_EQ(0, accepted.exit_code) << accepted.err;
  EXPECT_THAT(accepted.err + accepted.out, HasSubstr("at least once"));
  EXPECT_EQ(2, db().number("select count(*) from far"));
  EXPECT_THAT(pgsluice(command(in, {"--accept-at-least-once"})).out, HasSubstr("nothing to do"));
}

}  // namespace
}  // namespace sluice::test
