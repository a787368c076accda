#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Jobs whose files are packed.
class PackedSchedules : public DatabaseTest {
 protected:
  Finished once() {
    db().run(
        "do $$ begin update pgsluice.jobs set since = now() - interval '1 hour'; delete from "
        "pgsluice.job_runs; exception when invalid_schema_name or undefined_table then null; end "
        "$$");
    return pgsluice({"schedule", "run", "--config", folder_ / "pgsluice.toml", "--once"});
  }

  TemporaryFolder folder_;
};

TEST_F(PackedSchedules, FilesBelowAFolderAreLoadedOnceEach) {
  db().run("create table t (id int, name text)");
  std::filesystem::create_directories(folder_ / "in/2026/01");
  folder_.write("in/a.csv.gz", piped("gzip -c", "id,name\n1,a\n"));
  folder_.write("in/2026/b.csv.gz", piped("gzip -c", "id,name\n2,b\n"));
  folder_.write("in/2026/01/c.csv.gz", piped("gzip -c", "id,name\n3,c\n"));
  folder_.write("in/d.csv.zst", piped("zstd -q -c", "id,name\n4,not meant\n"));
  folder_.write("pgsluice.toml",
                "dbname = \"" + url() +
                    "\"\n[[job]]\nname = \"in\"\ncron = \"@every 1h\"\nload = "
                    "\"in/**/*.csv.gz\"\ntable = \"t\"\nsettle = \"0s\"\nafter = \"move:done\"\n");
  once();
  ASSERT_TRUE(comes_true("select exists (select from pgsluice.jobs)"));
  // Cut off while it is written, and whole for the next slot.
  const std::string late = piped("gzip -c", "id,name\n5,e\n");
  folder_.write("in/late.csv.gz", late.substr(0, late.size() - 4));
  const Finished cut = once();
  EXPECT_EQ("1 2 3", db().value("select string_agg(id::text, ' ' order by id) from t")) << cut.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "in/late.csv.gz"));
  EXPECT_EQ(1, db().number("select count(*) from pgsluice.job_runs where state = 'failed' and "
                           "message like '%late.csv.gz%ends too early%'"))
      << db().value("select string_agg(state || ' ' || message, e'\\n') from pgsluice.job_runs");
  folder_.write("in/late.csv.gz", late);
  const Finished whole = once();
  EXPECT_EQ("1 2 3 5", db().value("select string_agg(id::text, ' ' order by id) from t"))
      << whole.err;
  EXPECT_EQ("", ledger_disagreement("t"));
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / "in"))
    left += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(1U, left) << "the zst, which the pattern does not mean";
}

}  // namespace
}  // namespace sluice::test
