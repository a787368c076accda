#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// What is said of a load that cannot go on, and what helps.
class Words : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int, j json, jb jsonb, d date, e text); create schema sales; create "
        "table sales.orders (a int); create table \"Big One\" (a int)");
    good_ = folder_.write("good.csv", "id\n1\n");
  }
  Finished load(const std::string& path, const std::string& table,
                const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> all{"load", path,         "-t",   table,         "-d",
                                 url(),  "--progress", "none", "--retry-for", "1s"};
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }

  TemporaryFolder folder_;
  std::string good_;
};

struct RecordCase {
  const char* record;  ///< behind a header of all columns
  std::vector<std::string> says;
};

TEST_F(Words, AboutARecordNameItsColumnAndWhatHelps) {
  const RecordCase cases[] = {
      {"1,{bad,1,2020-01-01,x",
       {"column \"j\": value \"{bad\": invalid input syntax for type json",
        "Token \"bad\" is invalid."}},
      {"1,1,\"{\"\"a\"\":\",2020-01-01,x", {"column \"jb\": value \"{\"a\":\": "}},
      {"1,,\"\"\"\\u0000\"\"\",2020-01-01,x", {"column \"jb\": value "}},
      {"1,1,1,13/25/2020,x",
       {"column \"d\": value \"13/25/2020\": date/time field value out of range",
        "Perhaps you need a different \"datestyle\" setting.", "--set datestyle="}},
      {"1,1,1,2020-01-01,\xe9", {"column \"e\": ", "(see --encoding)"}},
  };
  for (const RecordCase& c : cases) {
    const std::string path =
        folder_.write("bad.csv", std::string("id,j,jb,d,e\n") + c.record + "\n");
    for (const char* writer : {"copy", "insert"}) {
      const Finished finished = load(path, "t", {"--writer", writer, "--again"});
      SCOPED_TRACE(std::string(c.record) + " by " + writer);
      EXPECT_EQ(1, finished.exit_code);
      for (const std::string& says : c.says) EXPECT_THAT(finished.err, HasSubstr(says));
    }
  }
}

TEST_F(Words, AboutARecordAreInItsReasonsToo) {
  const std::string path = folder_.write("bad.csv", "d\n13/25/2020\n");
  EXPECT_EQ(3, load(path, "t", {"--max-rejects", "1"}).exit_code);
  EXPECT_THAT(read_file(folder_ / "bad.rejects.jsonl"), HasSubstr("Perhaps you need a different"));
}

/// A column may have the table's name, and be named in the line that COPY writes.
TEST_F(Words, AboutAColumnOfTheTablesOwnName) {
  db().run("create table j (id int, j json)");
  const Finished finished = load(folder_.write("j.csv", "id,j\n1,{bad\n"), "j");
  EXPECT_THAT(finished.err, HasSubstr("column \"j\": value \"{bad\""));
}

TEST_F(Words, AboutAHeaderNameTheFlagThatMakesItMatch) {
  const struct {
    const char* bytes;
    const char* says;
  } cases[] = {
      {"id;j;jb\n1;1;1\n", "With --delimiter ';' 3 names would match."},
      {"id\tj\n1\t1\n", "With --delimiter '\\t' 2 names would match."},
      {"\"id\"|\"e\"|nix\n1|1|1\n", "With --delimiter '|' 2 names would match."},
      {"id,na\xefve\n1,1\n", "The header is no UTF-8: --encoding says what it is"},
      {"a,b\n1,2\n", "say --header=none"},
  };
  for (const auto& c : cases) {
    const Finished finished = load(folder_.write("h.csv", c.bytes), "t");
    EXPECT_EQ(2, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr(c.says));
  }
  // What may be a record of data is not shown.
  const Finished data = load(folder_.write("h.csv", "Alice,s3cret\n"), "t");
  EXPECT_THAT(data.err, AllOf(Not(HasSubstr("s3cret")), HasSubstr("which has 2 values")));
}

TEST_F(Words, AboutATableThatIsNotThereAskWhetherAnotherWasMeant) {
  db().run("create table readings (a int)");
  const struct {
    const char* table;
    const char* says;
  } cases[] = {
      {"raedings", "Did you mean readings?"},
      {"orders", "Did you mean sales.orders?"},
      {"sales.order", "Did you mean sales.orders?"},
      {"sale.orders", "Did you mean sales.orders?"},
      {"salse.nix", "Did you mean the schema sales?"},
      {"\"Big one\"", "Did you mean \"Big One\"?"},
      {"public.raedings", "Did you mean public.readings?"},
  };
  for (const auto& c : cases) {
    const Finished finished = load(good_, c.table);
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr(c.says)) << c.table;
  }
  EXPECT_THAT(load(good_, "nothing_like_it_at_all").err, Not(HasSubstr("Did you mean")));
}

TEST_F(Words, AboutASettingNameIt) {
  const struct {
    const char* setting;
    const char* says;
  } cases[] = {
      {"nix=1", "--set nix=1: unrecognized configuration parameter \"nix\""},
      {"work_mem=lots", "--set work_mem=lots: invalid value for parameter"},
      {"shared_buffers=1GB", "--set shared_buffers=1GB: "},
  };
  for (const auto& c : cases) {
    const Finished finished = load(good_, "t", {"--set", c.setting, "--set", "lock_timeout=1s"});
    EXPECT_EQ(2, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(c.says));
  }
}

TEST_F(Words, AboutALimitOfTheSessionNameWhatGoesWithoutIt) {
  db().run(
      "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(5); "
      "return new; end $$; create trigger slow before insert on t for each row execute function "
      "slow()");
  const Finished finished = load(good_, "t", {"--set", "statement_timeout=200ms"});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("--set statement_timeout=0"));
  Session other(url());
  other.run("begin; lock table t");
  const Finished locked = load(good_, "t", {"--lock-timeout", "100ms"});
  EXPECT_EQ(1, locked.exit_code);
  EXPECT_THAT(locked.err, HasSubstr("--lock-timeout says how long"));
}

}  // namespace
}  // namespace sluice::test
