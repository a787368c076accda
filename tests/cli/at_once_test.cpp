#include <gmock/gmock.h>

#include <array>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

struct Case {
  const char* what;
  const char* text;
  std::vector<std::string> flags;
  int exit_code;
  const char* counts;  ///< read, stored, updated, unchanged, rejected, skipped
};

/// A source of one chunk may be entered as finished when it is stored: what the ledger and the
/// report say of it is what its chunk says, whatever is in it.
class AtOnce : public DatabaseTest {
 protected:
  static constexpr std::array names{"records_read",   "rows_stored",   "rows_updated",
                                    "rows_unchanged", "rows_rejected", "rows_skipped"};

  /// As the ledger has them of the newest load.
  std::string counts_of(const std::string& begin, const std::string& from) {
    std::string list;
    for (const char* name : names) list += ", " + begin + "(" + name + ")";
    return db().value("select concat_ws(' '" + list + ") from " + from +
                      " where load_id = (select max(load_id) from pgsluice.loads)");
  }

  void expect_counts(const Case& one, const std::string& writer) {
    std::vector<std::string> command{"load",       folder_.write("x.csv", one.text),
                                     "-t",         "t",
                                     "-d",         url(),
                                     "--progress", "none",
                                     "--output",   "json",
                                     "--writer",   writer,
                                     "--again"};
    command.insert(command.end(), one.flags.begin(), one.flags.end());
    const Finished finished = pgsluice(command);
    EXPECT_EQ(one.exit_code, finished.exit_code) << finished.err;
    const auto load = nlohmann::json::parse(finished.out)["loads"][0];
    std::string report;
    for (const char* name : names) report += (report.empty() ? "" : " ") + load[name].dump();
    EXPECT_EQ(one.counts, report);
    EXPECT_EQ(one.counts, counts_of("", "pgsluice.loads"));
    EXPECT_EQ(one.counts, counts_of("sum", "pgsluice.chunks"));
  }

  TemporaryFolder folder_;
};

/// What is for web servers and archives is loaded where there is one: half of the start of a small
/// load, else.
TEST_F(AtOnce, LoadsNoLibraryThatALocalFileDoesNotNeed) {
  db().run("create table t (id int, name text)");
  Gate gate(url(), "t", "true");
  Process load({"load", folder_.write("x.csv", "id,name\n1,a\n"), "-t", "t", "-d", url()});
  ASSERT_TRUE(gate.is_reached());
  const std::string maps = read_file("/proc/" + std::to_string(load.pid()) + "/maps");
  gate.open();
  EXPECT_EQ(0, load.wait().exit_code);
  EXPECT_THAT(maps, ::testing::HasSubstr("libpq"));
  for (const char* library : {"libcurl", "libarchive"})
    EXPECT_THAT(maps, ::testing::Not(::testing::HasSubstr(library)));
}

TEST_F(AtOnce, CountsAreThoseOfTheChunk) {
  const std::array cases{
      Case{"records", "id,name\n1,a\n2,b\n", {}, 0, "2 2 0 0 0 0"},
      Case{"no line end", "id,name\n1,a\n2,b", {}, 0, "2 2 0 0 0 0"},
      Case{"blank lines", "id,name\n\n1,a\n\n\n2,b\n", {"--blank-lines", "skip"}, 0, "5 2 0 0 0 3"},
      Case{"these alone", "id,name\n\n\n", {"--blank-lines", "skip"}, 0, "2 0 0 0 0 2"},
      Case{"a bad record", "id,name\n1,a\nx,b\n", {"--max-rejects", "1"}, 3, "2 1 0 0 1 0"}};
  for (const char* table : {"table", "unlogged table"}) {
    db().run(std::string("drop table if exists t; create ") + table + " t (id int, name text)");
    for (const char* writer : {"copy", "insert"}) {
      for (const Case& one : cases) {
        SCOPED_TRACE(std::string(table) + " " + writer + " " + one.what);
        expect_counts(one, writer);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
