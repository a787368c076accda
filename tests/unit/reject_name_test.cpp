#include "base/reject_name.hpp"

#include <gtest/gtest.h>

#include "jobs/files.hpp"
#include "support/files.hpp"

namespace sluice {
namespace {

TEST(RejectName, IsWhatLoadsGive) {
  for (const char* name :
       {"a.rejects.csv", "a.rejects.jsonl", "a.rejects.2.csv", "a.b.rejects.17.jsonl",
        "a.rejects.csv.tmp", "a.rejects.3.jsonl.tmp", "a.rejects.csv.0123456789abcdef.tmp"})
    EXPECT_TRUE(is_reject_name(name)) << name;
  for (const char* name :
       {"a.csv", "rejects.csv", ".rejects.csv", "a.rejects.txt", "a.rejects.x.csv", "a.rejects",
        "a.rejects.report.csv", "arejects.csv", "a.rejects.csv.bak", ""})
    EXPECT_FALSE(is_reject_name(name)) << name;
}

TEST(RejectName, OfAnyNameIsKnownByTheReasonsBesideIt) {
  const test::TemporaryFolder folder;
  const std::string mine = folder.write("mine.csv", "id\nx\n");
  EXPECT_FALSE(is_reject_file(mine));
  folder.write("mine.jsonl", "{\"of\":\"somebody\"}\n");
  EXPECT_FALSE(is_reject_file(mine));
  const std::string reasons = folder.write(
      "mine.jsonl", "{\"file\":\"a.csv\",\"byte_offset\":1,\"line\":2,\"record\":1}\n");
  EXPECT_TRUE(is_reject_file(mine));
  EXPECT_TRUE(is_reject_file(reasons));
}

TEST(RejectName, IsLeftOutByThePatternsOfJobs) {
  const test::TemporaryFolder folder;
  const std::string good = folder.write("a.csv", "id\n1\n");
  const std::string report = folder.write("a.rejects.report.csv", "id\n1\n");
  for (const char* name :
       {"a.rejects.csv", "a.rejects.2.csv", "a.rejects.jsonl", "a.rejects.csv.tmp", "mine.csv"})
    folder.write(name, "id\nx\n");
  folder.write("mine.jsonl", "{\"file\":\"a.csv\",\"byte_offset\":1,\"line\":2,\"record\":1}\n");
  jobs::Command command;
  command.patterns = {folder / "*"};
  command.settle = std::chrono::milliseconds(0);
  const std::vector<std::vector<std::string>> expected{{"--as-named", "--", good, report}};
  std::vector<std::string> unseen;
  EXPECT_EQ(expected, jobs::arguments_now(command, unseen));
  EXPECT_EQ(std::vector<std::string>(), unseen);
}

}  // namespace
}  // namespace sluice
