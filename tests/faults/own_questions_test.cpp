#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

/// A server that compiles whatever costs as much as a look into a table, and says whose session has
/// begun with it. What the user's path is, is asked in it, under his settings: that costs less.
struct CompilingServer {
  CompilingServer()
      : server("jit=on jit_above_cost=1 log_min_messages=debug1 log_line_prefix=%a:") {}
  PrivateServer server;
};

class OwnQuestions : private CompilingServer, public DatabaseTest {
 protected:
  OwnQuestions() : DatabaseTest(server.url()) {}

  /// What the log has of sessions with this name that have looked for a compiler.
  std::vector<std::string> compiled_by(const std::string& application) const {
    std::vector<std::string> lines;
    std::istringstream log(read_file(server.folder() + "/server.log"));
    for (std::string line; std::getline(log, line);)
      if (line.starts_with(application + ":") && line.find("JIT provider") != std::string::npos)
        lines.push_back(line);
    return lines;
  }

  TemporaryFolder folder_;
};

/// To compile one takes longer than what it asks.
TEST_F(OwnQuestions, AreNotCompiled) {
  db().run("set application_name = others; select count(*) from pg_catalog.pg_class");
  ASSERT_THAT(compiled_by("others"), Not(IsEmpty())) << "this server would compile them";

  db().run("create table t (id int primary key, v text)");
  std::string rows = "id,v\n";
  for (int i = 1; i <= 3000; ++i) rows += std::to_string(i) + ",abc\n";
  const std::string path = folder_.write("in.csv", rows);
  std::filesystem::create_directory(folder_ / "m");
  folder_.write("m/001_a.sql", "create table a (id int);\n");
  ASSERT_EQ(0, pgsluice({"migrate", "up", "--dir", folder_ / "m", "-d", url()}).exit_code);
  const std::size_t before = compiled_by("pgsluice").size();
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"load", path, "-t", "t", "--chunk-size", "16K"},
           {"load", path, "-t", "t", "--chunk-size", "16K"},  // that is stored
           {"loads"},
           {"loads", "show", "1"},
           {"migrate", "status", "--dir", folder_ / "m"},
       }) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"-d", url()});
    const Finished finished = pgsluice(arguments);
    ASSERT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(before, compiled_by("pgsluice").size()) << ::testing::PrintToString(command);
  }
}

}  // namespace
}  // namespace sluice::test
