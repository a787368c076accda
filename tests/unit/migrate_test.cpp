#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "migrate/concurrent_index.hpp"
#include "migrate/sql_error.hpp"
#include "script/checksum.hpp"
#include "script/placeholders.hpp"
#include "script/plan.hpp"
#include "script/units.hpp"

namespace sluice::script {
namespace {

using migrate::concurrent_index;
using migrate::SqlError;

using ::testing::HasSubstr;

TEST(Checksum, IsThatOfSha256sum) {
  EXPECT_EQ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sha256("abc"));
  EXPECT_EQ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sha256(""));
}

TEST(SqlErrorText, IsTakenApart) {
  const SqlError error("42703",
                       "ERROR:  column \"nme\" does not exist\nLINE 2: select nme\n"
                       "               ^\nHINT:  Perhaps you meant \"name\".\n");
  EXPECT_EQ("column \"nme\" does not exist", error.primary());
  EXPECT_EQ("HINT:  Perhaps you meant \"name\".", error.rest());
  for (const char* before : {"select 1;\n", "select 1;\r", "select 1;\r\n", "\r\n"}) {
    const std::string sent = std::string(before) + "select nme\nfrom t";
    EXPECT_EQ(sent.find("nme"), error.offset_in(sent));
  }
  EXPECT_EQ(std::nullopt, error.offset_in("select nme"));
}

TEST(SqlErrorText, FindsThePlaceInALineThatIsShownInPart) {
  const std::string line = std::string(80, ' ') + "select 'ä', nme, " + std::string(80, 'x');
  const SqlError error("42703",
                       "ERROR:  no\nLINE 1: ...   select 'ä', nme, xxx...\n"
                       "                          ^\n");
  EXPECT_EQ(line.find("nme"), error.offset_in(line));
}

TEST(SqlErrorText, SaysWhatToDoByItsState) {
  EXPECT_TRUE(SqlError("", "ERROR:  gone").is_lost());
  EXPECT_TRUE(SqlError("57P01", "FATAL:  stopped").is_lost());
  EXPECT_FALSE(SqlError("57014", "ERROR:  canceled").is_lost());
  EXPECT_TRUE(SqlError("55P03", "ERROR:  lock").is_transient());
  EXPECT_FALSE(SqlError("23505", "ERROR:  key").is_transient());
}

struct Concurrent {
  std::string sql;
  std::string name;
  std::string table;
};

TEST(ConcurrentIndexes, AreReadAsTheyAreWritten) {
  for (const Concurrent& one : std::vector<Concurrent>{
           {"create index concurrently i on t (a)", "i", "t"},
           {"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS Big_Name ON ONLY s.T USING btree (a)",
            "big_name", "s.T"},
           {"create /* now */ index -- here\n concurrently \"My \"\"I\"\"\" on \"S x\".\"T\"(a)",
            "My \"I\"", "\"S x\".\"T\""},
       }) {
    const auto index = concurrent_index(one.sql);
    ASSERT_TRUE(index) << one.sql;
    EXPECT_EQ(one.name, index->name);
    EXPECT_EQ(one.table, index->table);
  }
  for (const char* sql : {"create index i on t (a)", "create index concurrently on t (a)",
                          "create index concurrently i on 16384 (a)",
                          "create index concurrently i on - (a)", "create index concurrently i on",
                          "drop index concurrently i", "create table concurrently (a int)", ""})
    EXPECT_FALSE(concurrent_index(sql)) << sql;
}

TEST(Units, AreStatementsOrWholeTransactions) {
  const std::string sql = "vacuum;\nbegin; insert into t values (1);\n commit;\nanalyze; -- end";
  const std::vector<Unit> units = units_of(lex_sql(sql));
  ASSERT_EQ(3U, units.size());
  EXPECT_EQ("begin; insert into t values (1);\n commit",
            sql.substr(units[1].begin, units[1].end - units[1].begin));
  EXPECT_EQ(4U, units[2].place.line);
  const std::vector<std::string> checksums = checksums_of_units(sql);
  ASSERT_EQ(4U, checksums.size());
  const std::string edited = "-- other\nvacuum ;begin; insert into t values (1);\n commit;x";
  EXPECT_EQ(checksums[2], checksums_of_units(edited)[2]);
  EXPECT_NE(checksums[3], checksums_of_units(edited)[3]);
  EXPECT_EQ(sha256("vacuum;\n"), checksums[1]);
  EXPECT_EQ(sha256(""), checksums[0]);
}

class Plans : public ::testing::Test {
 protected:
  Script& add(const std::string& file, const std::string& text = "select 1") {
    Script script = make_script("dir/" + file, text);
    auto& scripts =
        script.name.kind == ScriptKind::versioned ? folder_.versioned : folder_.repeatable;
    return scripts.emplace_back(std::move(script));
  }
  Entry& applied(const Script& script, Entry::State state = Entry::State::applied) {
    Entry entry;
    entry.versioned = script.name.kind == ScriptKind::versioned;
    entry.version = script.name.version;
    entry.file = script.file;
    entry.checksum = script.checksum;
    entry.state = state;
    return history_.entries.emplace_back(entry);
  }
  std::string pending(std::optional<std::uint64_t> to = std::nullopt) {
    std::string files;
    for (const Status& status : make_plan(folder_, history_, to).pending)
      files += status.script->file + " ";
    return files;
  }
  std::vector<Drift::Kind> drift() {
    std::vector<Drift::Kind> kinds;
    for (const Drift& one : make_plan(folder_, history_, std::nullopt).drift)
      kinds.push_back(one.kind);
    return kinds;
  }

  Folder folder_;
  History history_;
};

TEST_F(Plans, FilesBehindTheLastOneArePending) {
  applied(Script(add("1_a.sql")));
  add("2_b.sql");
  add("30_c.sql");
  add("R__v.sql");
  EXPECT_EQ("2_b.sql 30_c.sql R__v.sql ", pending());
  EXPECT_EQ("2_b.sql ", pending(2));
  EXPECT_THAT(drift(), ::testing::IsEmpty());
}

TEST_F(Plans, WhatIsBelowTheBaselineIsDone) {
  add("1_a.sql");
  add("2_b.sql");
  history_.entries.push_back({.version = 1, .state = Entry::State::baseline});
  EXPECT_EQ("2_b.sql ", pending());
  EXPECT_THAT(drift(), ::testing::IsEmpty());
}

TEST_F(Plans, NameTheDrift) {
  add("1_a.sql");
  applied(Script(add("2_b.sql"))).checksum = "other";
  applied(make_script("dir/3_gone.sql", ""));
  EXPECT_THAT(drift(), ::testing::ElementsAre(Drift::Kind::out_of_order, Drift::Kind::edited,
                                              Drift::Kind::missing));
  history_.entries[0].is_accepted = history_.entries[1].is_accepted = true;
  history_.entries[0].accepted_checksum = folder_.versioned[1].checksum;
  folder_.versioned[0].directives.out_of_order = true;
  EXPECT_THAT(drift(), ::testing::IsEmpty()) << "accepted";
}

TEST_F(Plans, WhatFailedHalfWayMayBeMendedBehindWhatIsDone) {
  const std::string first = "-- pgsluice: no-transaction\nvacuum;\n";
  add("1_a.sql", first + "analyze mended");
  Entry& entry = applied(make_script("1_a.sql", first + "analyze broken"), Entry::State::failed);
  entry.statements_done = 1;
  entry.done_checksum = checksums_of_units(first)[1];
  EXPECT_EQ("1_a.sql ", pending());
  EXPECT_THAT(drift(), ::testing::IsEmpty());
  entry.done_checksum = "other";
  EXPECT_THAT(drift(), ::testing::ElementsAre(Drift::Kind::half_edited));
}

TEST_F(Plans, ManyFilesAreComparedQuickly) {
  for (int i = 1; i <= 20'000; ++i) applied(Script(add(std::to_string(i) + "_x.sql")));
  add("20001_y.sql");
  EXPECT_EQ("20001_y.sql ", pending());
}

TEST(Placeholders, WhatAValueBringsStaysWhatItIs) {
  Script script;
  script.directives.placeholders = {"pw", "who"};
  const Substitution values(script, {{"pw", "a${who}:'who'"}, {"who", "bob"}});
  const std::string text = "select :'pw', '${who}', '${other}$'";
  EXPECT_EQ("select 'a${who}:''who''', 'bob', '${other}$'", values.apply(text, {7}));
  EXPECT_EQ("a${who}:'who'", values.apply("${pw}", {}));
}

}  // namespace
}  // namespace sluice::script
