#include <gmock/gmock.h>

#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A system without the package tzdata, as small containers are: its folder is an empty one for the
/// process alone. Skipped where that may not be made.
class WithoutTzdata : public DatabaseTest {
 protected:
  static Finished without_tzdata(const std::vector<std::string>& command) {
    std::vector<std::string> all{"--mount", "--map-root-user", "sh", "-c",
                                 "mount -t tmpfs none /usr/share/zoneinfo && exec \"$0\" \"$@\""};
    all.insert(all.end(), command.begin(), command.end());
    return pgsluice(all, {.input = "", .environment = {}, .program = "/usr/bin/unshare"});
  }
  static Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PGSLUICE_BINARY);
    return without_tzdata(arguments);
  }
  void SetUp() override {
    if (without_tzdata({"test", "!", "-e", "/usr/share/zoneinfo/UTC"}).exit_code != 0)
      GTEST_SKIP() << "no mount namespace may be made here";
  }

  TemporaryFolder folder_;
};

TEST_F(WithoutTzdata, UtcIsATimeZone) {
  const std::vector<std::string> next{"schedule", "next", "30 3 * * *", "--from", "2026-03-28"};
  for (const char* zone : {"", "UTC", "Etc/UTC"}) {
    std::vector<std::string> all = next;
    if (*zone != '\0') all.insert(all.end(), {"--tz", zone});
    const Finished finished = run(all);
    const Finished with_tzdata = pgsluice(all);
    EXPECT_EQ(with_tzdata.exit_code, finished.exit_code) << zone << finished.err;
    EXPECT_EQ(with_tzdata.out, finished.out) << zone;
  }
  std::vector<std::string> elsewhere = next;
  elsewhere.insert(elsewhere.end(), {"--tz", "Europe/Berlin"});
  const Finished refused = run(elsewhere);
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("install the package tzdata"));
}

TEST_F(WithoutTzdata, JobsRunInUtc) {
  db().run("create table ran (job text)");
  std::filesystem::create_directory(folder_ / "scripts");
  folder_.write("scripts/S__each.sql",
                "-- pgsluice: schedule \"* * * * *\" tz=UTC\ninsert into ran values ('each')");
  folder_.write("job.sql", "insert into ran values ('job')");
  const std::string config = folder_.write(
      "pgsluice.toml",
      "[scripts]\ndir = \"scripts\"\n[[job]]\nname = \"job\"\ncron = \"* * * * *\"\ntz = "
      "\"UTC\"\nsql = "
      "\"job.sql\"\n[[job]]\nname = \"plain\"\ncron = \"@every 1m\"\nsql = \"job.sql\"\n");
  const std::vector<std::string> once{"schedule", "run", "--once", "--config", config, "-d", url()};
  ASSERT_EQ(0, run(once).exit_code);
  // What is new is due from now on: its slots are as if the scheduler had been there before.
  db().run("update pgsluice.jobs set since = since - interval '1 hour'");
  const Finished finished = run(once);
  EXPECT_EQ(0, finished.exit_code) << finished.out << finished.err;
  EXPECT_EQ("each job", db().value("select string_agg(distinct job, ' ' order by job) from ran"))
      << finished.out << finished.err;
}

}  // namespace
}  // namespace sluice::test
