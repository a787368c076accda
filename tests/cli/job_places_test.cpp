#include <gmock/gmock.h>

#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What a job's load names is seen from the folder of its configuration, wherever the scheduler is
/// started: the files of its list, and those of its flags.
class JobPlaces : public DatabaseTest {
 protected:
  Finished run(const std::string& config) {
    return pgsluice({"schedule", "run", "--once", "--config", config, "-d", url()});
  }

  TemporaryFolder folder_;
};

TEST_F(JobPlaces, AreSeenFromTheConfiguration) {
  db().run("create table t (id int)");
  folder_.write("a.csv", "id\n1\nx\n2\n");
  folder_.write("list.txt", "a.csv\n");
  const std::string config = folder_.write(
      "pgsluice.toml",
      "[[job]]\nname = \"j\"\ncron = \"@daily\"\nload = \"@list.txt\"\ntable = \"t\"\n"
      "flags = [\"--max-rejects\", \"5\", \"--rejects\", \"bad.csv\"]\n");
  EXPECT_EQ(0, run(config).exit_code) << "it has missed nothing yet";
  db().run("update pgsluice.jobs set since = now() - interval '2 days'");
  // Also where the configuration itself is named from elsewhere.
  const std::string from_here = std::filesystem::relative(config).string();
  const Finished finished = run(from_here);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("1,2", db().value("select string_agg(id::text, ',' order by id) from t"))
      << finished.err;
  EXPECT_THAT(read_file(folder_ / "bad.csv"), HasSubstr("x"));
  EXPECT_EQ(3, db().number("select exit_code from pgsluice.job_runs where state = 'ran'"));
}

/// A scheme that is none, and an address that is wrong, are said before anything runs.
TEST_F(JobPlaces, ThatAreNoneAreRefused) {
  for (const auto& [source, said] : {std::pair{"s3a://inbox/x", "\"s3a:/...\" is none of"},
                                     std::pair{"https:/u:PW@h/x", "https:***: is no URL"},
                                     std::pair{"s3://ID:PW@inbox/x", "s3://"}}) {
    SCOPED_TRACE(source);
    const std::string config = folder_.write(
        "pgsluice.toml", std::string("[[job]]\nname = \"j\"\ncron = \"@daily\"\nload = \"") +
                             source + "\"\ntable = \"t\"\n");
    const Finished checked = pgsluice({"schedule", "check", "--config", config});
    EXPECT_EQ(2, checked.exit_code);
    EXPECT_THAT(checked.err, HasSubstr("pgsluice.toml:4:8: "));
    EXPECT_THAT(checked.err, HasSubstr(said));
    EXPECT_THAT(checked.err, ::testing::Not(HasSubstr("PW")));
    const Finished loaded = pgsluice({"load", source, "-t", "t", "-d", url()});
    EXPECT_EQ(2, loaded.exit_code) << loaded.err;
    EXPECT_THAT(loaded.err, HasSubstr(said));
    EXPECT_THAT(loaded.err, ::testing::Not(HasSubstr("PW")));
  }
}

}  // namespace
}  // namespace sluice::test
