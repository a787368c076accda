// What is printed, and files that are written, where that is not a file with room.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/schema_dump.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// By a shell, for its redirections.
Finished shell(const std::string& command) {
  return Process({"-c", command}, {.input = "", .environment = {}, .program = "/bin/sh"}).wait();
}

const std::string program = PGSLUICE_BINARY;

TEST(FullDisk, BehindStdoutIsAFailure) {
  const TemporaryFolder folder;
  const std::string csv = folder.write("in.csv", "id,v\n1,a\n");
  for (const std::string& command : {std::string("--version"), std::string("--help"),
                                     "inspect " + csv, "inspect --output json " + csv}) {
    const Finished full = shell(program + " " + command + " > /dev/full");
    EXPECT_EQ(1, full.exit_code) << command;
    EXPECT_THAT(full.err, HasSubstr("what was printed is not whole")) << command;
  }
  // Who has seen enough is no full disk.
  EXPECT_THAT(shell(program + " --help | true").err, IsEmpty());
}

class WrittenFile : public DatabaseTest {
 protected:
  void SetUp() override {
    for (const char* folder : {"m", "data"})
      ASSERT_EQ(0, ::mkdir((folder_ / folder).c_str(), 0755));
    folder_.write("m/V1__t.sql", "create table t (id int);");
    ASSERT_EQ(0, pgsluice({"migrate", "up", "--dir", folder_ / "m", "-d", url()}).exit_code);
  }
  Finished dump(const std::string& path) {
    return pgsluice({"migrate", "dump", path, "--dir", folder_ / "m", "-d", url()});
  }

  TemporaryFolder folder_;
};

TEST_F(WrittenFile, KeepsWhatItIs) {
  if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  const std::string file = folder_.write("schema.sql", "-- before\n");
  ::chmod(file.c_str(), 0640);
  const std::string link = folder_ / "link.sql";
  ASSERT_EQ(0, ::symlink("schema.sql", link.c_str()));
  ASSERT_EQ(0, dump(link).exit_code);
  EXPECT_THAT(read_file(file), HasSubstr("CREATE TABLE"));
  struct stat found{};
  ASSERT_EQ(0, ::lstat(link.c_str(), &found));
  EXPECT_TRUE(S_ISLNK(found.st_mode));
  ASSERT_EQ(0, ::stat(file.c_str(), &found));
  EXPECT_EQ(0640U, found.st_mode & 0777U);
}

TEST_F(WrittenFile, IsStdoutWhereThatIsSaid) {
  if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  const Finished printed = dump("-");
  EXPECT_EQ(0, printed.exit_code) << printed.err;
  EXPECT_THAT(printed.out, HasSubstr("CREATE TABLE"));
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(0, ::mkfifo(pipe.c_str(), 0600));
  const Finished piped = shell("cat " + pipe + " & " + program + " migrate dump " + pipe +
                               " --dir " + (folder_ / "m") + " -d " + url() + "; wait");
  EXPECT_THAT(piped.out, HasSubstr("CREATE TABLE")) << piped.err;
  struct stat found{};
  ASSERT_EQ(0, ::lstat(pipe.c_str(), &found));
  EXPECT_TRUE(S_ISFIFO(found.st_mode));
}

/// As in a container, where data are only to be read.
TEST_F(WrittenFile, OfBadRecordsIsWhereItCanBe) {
  const TemporaryFolder working;
  folder_.write("data/in.csv", "id\n1\nx\n2\n");
  const Finished loaded =
      shell("unshare -m /bin/sh -c 'mount --bind " + (folder_ / "data") + " " + (folder_ / "data") +
            " && mount -o remount,bind,ro " + (folder_ / "data") + " && cd " + working.path() +
            " && exec " + program + " load " + (folder_ / "data/in.csv") + " -t t -d " + url() +
            " --max-rejects 5 --progress none'");
  if (loaded.exit_code == 1 && !loaded.err.contains("pgsluice"))
    GTEST_SKIP() << "no mounts for this user: " << loaded.err;
  EXPECT_EQ(3, loaded.exit_code) << loaded.err;
  EXPECT_EQ("id\nx\n", read_file(working / "in.rejects.csv"));
}

TEST_F(WrittenFile, VariablesThatCountForNothingAreSaid) {
  const std::string csv = folder_.write("in.csv", "id\n1\n");
  const Finished loaded =
      pgsluice({"load", csv, "-t", "t", "-d", url(), "--progress", "none"},
               {.input = "", .environment = {"PGSLUICE_TRUNCATE=1", "PGSLUICE_JOBZ=3"}});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.err, HasSubstr("PGSLUICE_TRUNCATE counts for nothing"));
  EXPECT_THAT(loaded.err, HasSubstr("did you mean PGSLUICE_JOBS?"));
  const Finished other = pgsluice({"load", csv, "-t", "t", "-d", url(), "--progress", "none"},
                                  {.input = "", .environment = {"PGSLUICE_JOBS=3"}});
  EXPECT_THAT(other.err, Not(HasSubstr("counts for nothing")));
}

}  // namespace
}  // namespace sluice::test
