#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/shell.hpp"

namespace sluice::test {
namespace {

/// docs/scheduling.md: each configuration is one, and each command says what stands below it.
class SchedulingDoc : public DatabaseTest {
 protected:
  struct Block {
    std::string kind;  ///< "toml"
    std::string text;
  };

  void SetUp() override {
    for (const std::string folder : {"sql", "sql/migrations"})
      std::filesystem::create_directory(folder_ / folder);
    folder_.write("sql/R__refresh.sql", "select 1;\n");
    folder_.write("sql/totals.sql", "select 1;\n");
    folder_.write("sql/migrations/S__clean.sql",
                  "-- pgsluice: schedule \"0 3 * * *\"\ndelete from t where days > ${days};\n");
    std::filesystem::permissions(folder_.write("alert", "#!/bin/sh\n"),
                                 std::filesystem::perms::owner_all);
  }

  static std::vector<Block> blocks() {
    std::istringstream page(read_file(PGSLUICE_SOURCE_DIR "/docs/scheduling.md"));
    std::vector<Block> all;
    bool is_inside = false;
    for (std::string line; std::getline(page, line);) {
      if (line.starts_with("```")) {
        is_inside = !is_inside;
        if (is_inside) all.push_back({line.substr(3), ""});
      } else if (is_inside) {
        all.back().text += line + "\n";
      }
    }
    return all;
  }
  Finished check(const std::string& configuration) {
    folder_.write("pgsluice.toml", configuration);
    return pgsluice({"schedule", "check", "--config", folder_ / "pgsluice.toml"},
                    {.environment = {"DB_PASSWORD=x", "HOOK_TOKEN=y"}});
  }

  TemporaryFolder folder_;
};

TEST_F(SchedulingDoc, HasConfigurationsThatAreOnes) {
  int checked = 0;
  for (const Block& block : blocks()) {
    if (block.kind != "toml") continue;
    // Some show a job that comes after one of the first configuration.
    const bool is_after_trips = block.text.contains("after_job = \"trips\"");
    const std::string before =
        is_after_trips
            ? "[[job]]\nname = \"trips\"\ncron = \"@daily\"\nload = \"x\"\ntable = \"t\"\n"
            : "";
    const Finished done = check(before + block.text);
    EXPECT_EQ(0, done.exit_code) << block.text << done.err;
    ++checked;
  }
  EXPECT_LE(4, checked);
}

TEST_F(SchedulingDoc, HasCommandsThatSayWhatStandsBelowThem) {
  int ran = 0;
  for (const Block& block : blocks()) {
    if (!block.text.starts_with("$ pgsluice schedule next ")) continue;
    const std::size_t end = block.text.find('\n');
    const Finished done =
        shell(block.text.substr(2, end - 2), folder_.path(), db().raw(), PQdb(db().raw()));
    EXPECT_EQ(block.text.substr(end + 1), done.out) << done.err;
    ++ran;
  }
  EXPECT_LE(1, ran);
}

}  // namespace
}  // namespace sluice::test
