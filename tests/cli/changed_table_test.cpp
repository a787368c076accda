#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

struct TypeAndValue {
  std::string type;
  std::string value;
};

/// Types whose binary forms have one width, or any width: the server would take the bytes of one
/// for the other, or say only that they are too few.
const std::vector<std::vector<TypeAndValue>> alike{
    {{"int4", "399999"}, {"float4", "1.5"}, {"oid", "7"}, {"date", "2026-01-01"}},
    {{"int8", "399999"},
     {"float8", "1.5"},
     {"timestamp", "2026-01-01 12:00"},
     {"timestamptz", "2026-01-01 12:00Z"},
     {"time", "12:00"},
     {"money", "5"},
     {"macaddr8", "08:00:2b:01:02:03:04:05"}},
    {{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"interval", "1 day"}},
    {{"text", "abcd"},
     {"bytea", "\\x61626364"},
     {"varchar(9)", "abcd"},
     {"varchar(3)", "abc"},
     {"json", "1234"},
     {"numeric(6,2)", "1.25"},
     {"numeric(6,1)", "1.5"},
     {"int4[]", "{1}"}},
    {{"int4", "1"}, {"int8", "1"}},
    {{"int2", "1"}, {"bool", "t"}}};

const std::vector<std::vector<std::string>> ways{
    {},           {"--chunk-size", "64"}, {"--writer", "insert"}, {"--on-conflict", "nothing"},
    {"--atomic"}, {"--no-ledger"}};

class ChangedTable : public DatabaseTest {
 protected:
  /// The table changes between the plan and the first row: the load waits for its lock.
  Finished load_while_it_becomes(const TypeAndValue& now, const std::string& file,
                                 const std::vector<std::string>& way) {
    return load_while("alter table t drop c; alter table t add c " + now.type, file, way);
  }

  Finished load_while(const std::string& sql, const std::string& file,
                      const std::vector<std::string>& way) {
    Session other(url());
    other.run("begin; lock table t in share mode");
    std::vector<std::string> arguments{"load",    file,         "-t",   "t",           "-d", url(),
                                       "--again", "--progress", "none", "--retry-for", "2s"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    Process process(arguments);
    EXPECT_TRUE(
        comes_true("select exists (select from pg_locks where not granted and relation = "
                   "'t'::regclass)"));
    other.run(sql + "; commit");
    return process.wait();
  }

  TemporaryFolder folder_;
};

TEST_F(ChangedTable, NoValueIsStoredAsAnotherType) {
  Sample sample(7);
  for (const auto& types : alike) {
    for (const TypeAndValue& then : types) {
      std::string csv = "k,c\n";
      for (int i = 0; i < 20; ++i) csv += std::to_string(i) + ",\"" + then.value + "\"\n";
      const std::string in = folder_.write("in.csv", csv);
      for (const TypeAndValue& now : types) {
        if (now.type == then.type) continue;
        for (const auto& way : ways) {
          if (!sample.takes()) continue;
          std::string what = then.type + " -> " + now.type;
          for (const std::string& word : way) what += " " + word;
          SCOPED_TRACE(what);
          db().run("drop table if exists t; create table t (k int primary key, c " + then.type +
                   ")");
          const Finished finished = load_while_it_becomes(now, in, way);
          EXPECT_EQ(1, finished.exit_code) << finished.err;
          EXPECT_THAT(finished.err, HasSubstr("has changed since the load began: column \"c\""));
          EXPECT_EQ(0, db().number("select count(*) from t"));
        }
      }
    }
  }
}

/// Of which COPY is told no names: any that it is not told would want values.
TEST_F(ChangedTable, AColumnMayComeToAWideOne) {
  std::string made;
  std::string header;
  std::string record;
  for (int i = 0; i < 500; ++i) {
    const std::string between = i == 0 ? "" : ",";
    made += between + "c" + std::to_string(i) + " int";
    header += between + "c" + std::to_string(i);
    record += between + std::to_string(i);
  }
  const std::string in = folder_.write("wide.csv", header + "\n" + record + "\n" + record + "\n");
  for (const auto& way :
       std::vector<std::vector<std::string>>{{}, {"--chunk-size", "2KB"}, {"--atomic"}}) {
    SCOPED_TRACE(way.empty() ? "" : way.front());
    db().run("drop table if exists t; create table t (" + made + ")");
    Finished finished = load_while("alter table t add come int default 7", in, way);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(2, db().number("select count(*) from t where c0 = 0 and c499 = 499 and come = 7"));
    finished = load_while("alter table t alter c499 type bigint", in, way);
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("has changed since the load began: column \"c499\""));
    // Without a word of names: the columns are as they were.
    db().run("alter table t drop come");
    finished = load_while("analyze t", in, way);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(4, db().number("select count(*) from t where c499 = 499"));
  }
}

}  // namespace
}  // namespace sluice::test
