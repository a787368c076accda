#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Bad records in pgsluice.rejects are those that files would have.
class RejectsTable : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (a int primary key, b text)"); }

  Finished load(const std::string& path, std::vector<std::string> more) {
    more.insert(more.begin(), {"load", path, "-t", "t", "-d", url()});
    return pgsluice(more);
  }
  Finished rejects(int load, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"loads", "rejects", std::to_string(load), "-d", url()});
    return pgsluice(more);
  }
  /// Lines of reasons without what only one of the two ways has.
  static std::vector<nlohmann::json> reasons_of(const std::string& lines) {
    std::vector<nlohmann::json> all;
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) {
      all.push_back(nlohmann::json::parse(line));
      for (const char* name : {"load", "attempt", "file"}) all.back().erase(name);
    }
    return all;
  }

  TemporaryFolder folder_;
};

TEST_F(RejectsTable, TheSameBytesAndReasonsAsInFiles) {
  std::string odd = "a,b\r\n";
  for (int i = 0; i < 3000; ++i)
    odd += (i % 7 == 0 ? "zwei" : std::to_string(i)) + ",\"q\r\n\"\"" + (i % 2 ? "\xc3\xbc" : "u") +
           "\"\r\n" + (i % 100 == 3 ? "1,2,3\r\n" : "");
  const std::string latin = std::string("a,b\n1,\xfc\nzwei,\xfc\xe4\n");
  struct Case {
    std::string bytes;
    std::vector<std::string> flags;
  };
  for (const Case& c :
       {Case{odd, {"--chunk-size", "4k"}}, Case{latin, {"--encoding", "latin1"}},
        Case{"skipped\na,b\n1,x\nzwei,y\nfooter\n", {"--skip-lines", "1", "--skip-footer", "1"}},
        Case{"1,x\nzwei,y\n", {"--header=none"}}}) {
    SCOPED_TRACE(::testing::PrintToString(c.flags));
    const std::string path = folder_.write("in.csv", c.bytes);
    std::vector<std::string> flags = c.flags;
    flags.insert(flags.end(), {"--max-rejects", "100000", "--again", "--truncate"});
    const std::string csv = folder_ / "r.csv";
    flags.insert(flags.end(), {"--rejects", csv});
    const Finished in_files = load(path, flags);
    ASSERT_EQ(3, in_files.exit_code) << in_files.err;
    flags.resize(flags.size() - 2);
    flags.emplace_back("--rejects-table");
    const Finished in_table = load(path, flags);
    ASSERT_EQ(3, in_table.exit_code) << in_table.err;
    EXPECT_THAT(in_table.out, HasSubstr("pgsluice.rejects"));
    const int id = static_cast<int>(db().number("select max(load_id) from pgsluice.loads"));
    EXPECT_EQ(read_file(csv), rejects(id).out);
    EXPECT_EQ(reasons_of(read_file(folder_ / "r.jsonl")),
              reasons_of(rejects(id, {"--reasons"}).out));
    std::remove(csv.c_str());
    std::remove((folder_ / "r.jsonl").c_str());
  }
}

/// What the server refuses last leaves a transaction that takes no more.
TEST_F(RejectsTable, WhatTheServerRefusesIsAlsoThere) {
  db().run("alter table t add constraint short check (length(b) < 3)");
  const std::vector<std::vector<std::string>> ways{{},
                                                   {"--writer", "insert"},
                                                   {"--on-conflict", "update"},
                                                   {"--atomic"},
                                                   {"--max-rejects", "1"}};
  for (const std::string bytes : {"a,b\n1,x\n2,long\n", "a,b\n1,long\n", "a,b\n1,long\n2,x\n"}) {
    const std::string path = folder_.write("in.csv", bytes);
    for (const std::vector<std::string>& way : ways) {
      SCOPED_TRACE(bytes + ::testing::PrintToString(way));
      std::vector<std::string> flags = way;
      if (way != ways.back()) flags.insert(flags.end(), {"--max-rejects", "9"});
      flags.insert(flags.end(), {"--again", "--truncate", "--rejects-table"});
      if (way == std::vector<std::string>{"--on-conflict", "update"})
        std::erase(flags, "--truncate");
      const Finished finished = load(path, flags);
      ASSERT_EQ(3, finished.exit_code) << finished.err;
      const int id = static_cast<int>(db().number("select max(load_id) from pgsluice.loads"));
      const std::vector<nlohmann::json> reasons = reasons_of(rejects(id, {"--reasons"}).out);
      ASSERT_EQ(1U, reasons.size());
      EXPECT_EQ("23514", reasons[0]["sqlstate"]) << reasons[0];
      EXPECT_THAT(rejects(id).out, HasSubstr(",long\n"));
    }
  }
}

TEST_F(RejectsTable, ALoadThatIsKilledAndGoneOnWithHasEachOnce) {
  std::string text = "a,b\n";
  for (int i = 0; i < 20'000; ++i) text += (i % 1000 == 999 ? "zwei" : std::to_string(i)) + ",x\n";
  const std::string path = folder_.write("in.csv", text);
  const std::vector<std::string> flags{"--max-rejects", "100", "--rejects-table", "--chunk-size",
                                       "8k"};
  {
    Gate gate(url(), "t", "a >= 12000");
    std::vector<std::string> arguments{"load", path, "-t", "t", "-d", url()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    Process killed(arguments);
    ASSERT_TRUE(gate.is_reached());
    killed.signal(SIGKILL);
    killed.wait();
    gate.open();
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.rejects r where chunk between 0 and "
                           "9223372036854775806 and not exists (select from pgsluice.chunks c "
                           "where (c.load_id, c.chunk) = (r.load_id, r.chunk))"))
      << "they are there with their chunk, or not at all";
  const Finished resumed = load(path, flags);
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_EQ(20U, reasons_of(rejects(1, {"--reasons"}).out).size());
  EXPECT_EQ(19'980, db().number("select count(*) from t"));
}

/// They are why a load has ended; once it goes on they are in their chunk's place.
TEST_F(RejectsTable, ABudgetThatIsSpentLeavesItsReasons) {
  const std::string path = folder_.write("in.csv", "a,b\n1,x\nzwei,y\ndrei,y\n4,z\n");
  const Finished spent = load(path, {"--max-rejects", "1", "--rejects-table"});
  EXPECT_EQ(5, spent.exit_code);
  EXPECT_EQ(2U, reasons_of(rejects(1, {"--reasons"}).out).size());
  EXPECT_EQ(0, db().number("select count(*) from t"));
  const Finished resumed = load(path, {"--max-rejects", "2", "--rejects-table"});
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_EQ("a,b\nzwei,y\ndrei,y\n", rejects(1).out);
  EXPECT_EQ(2, db().number("select count(*) from t"));
}

TEST_F(RejectsTable, WhatIsInTheWayIsNamed) {
  const std::string path = folder_.write("in.csv", "a,b\n1,x\nzwei,y\n");
  const std::vector<std::string> flags{"--max-rejects", "9", "--rejects-table"};
  EXPECT_EQ(2, load(path, {"--max-rejects", "9", "--rejects-table", "--rejects", "x"}).exit_code);
  EXPECT_EQ(2, load(path, {"--max-rejects", "9", "--rejects-table", "--no-ledger"}).exit_code);
  EXPECT_EQ(0, load(folder_.write("good.csv", "a,b\n7,x\n"), {}).exit_code);
  const Finished none = rejects(1);
  EXPECT_EQ(0, none.exit_code);
  EXPECT_EQ("", none.out);
  EXPECT_EQ(1, rejects(77).exit_code);
  const std::string as = url_of_new_role("loader");
  db().run(
      "grant usage on schema pgsluice to loader; grant select, insert, update on pgsluice.loads, "
      "pgsluice.chunks, pgsluice.unlogged_marks to loader; grant usage on sequence "
      "pgsluice.loads_load_id_seq to loader; grant select, insert on t to loader");
  const auto as_loader = [&] {
    std::vector<std::string> all{"load", path, "-t", "t", "-d", as};
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  };
  const Finished refused = as_loader();
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("grant select, insert, delete on pgsluice.rejects"));
  db().run("grant select, insert, delete on pgsluice.rejects to loader");
  const Finished may = as_loader();
  EXPECT_EQ(3, may.exit_code) << may.err;
  // Of a load into a table that is not his he may not write.
  db().run(
      "create table other (a int); insert into pgsluice.loads (target, target_oid, source, "
      "source_path, source_stamp, fingerprint, options, chunk_bytes, record_bytes_max) values "
      "('public.other', 'other'::regclass, 'x', 'x', '', 'f', '{}', 1, 1)");
  Session loader(as);
  EXPECT_ANY_THROW(
      loader.run("insert into pgsluice.rejects select max(load_id), 0, 0, 'x' from "
                 "pgsluice.loads"));
  db().run("drop owned by loader cascade; drop role loader");
}

}  // namespace
}  // namespace sluice::test
