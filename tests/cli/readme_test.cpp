#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/shell.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// A command of an example, and the lines that stand below it.
struct Step {
  std::string command;
  std::vector<std::string> shows;

  /// An error of pgsluice is shown, or its exit code is one.
  bool fails() const {
    return std::ranges::any_of(
        shows, [](const std::string& line) { return line.starts_with("pgsluice: "); });
  }
};

std::vector<Step> steps_of(const std::string& page) {
  std::istringstream text(read_file(std::string(PGSLUICE_SOURCE_DIR "/") + page));
  std::vector<Step> steps;
  bool is_example = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      is_example = false;
    } else if (line.starts_with("$ ")) {
      is_example = true;
      steps.push_back({.command = line.substr(2), .shows = {}});
    } else if (is_example) {
      steps.back().shows.push_back(line);
    }
  }
  return steps;
}

struct Page {
  const char* path;
  int commands;  ///< of pgsluice, at least
};

/// A page's examples, one after the other: whoever follows it finds what it shows.
class Readme : public DatabaseTest, public ::testing::WithParamInterface<Page> {
 protected:
  ~Readme() override { db().run("drop database if exists " + other() + " with (force)"); }
  std::string other() { return std::string(PQdb(db().raw())) + "_other"; }

  void take(const Step& step) {
    const std::string& command = step.command;
    if (command.starts_with("cat ")) return write(command.substr(4), step.shows);
    if (command.starts_with("psql -c ")) return run_sql(command);
    if (command.starts_with("createdb ")) {
      db().run("create database " + other());
      database_ = other();
      return;
    }
    if (command == "pgsluice schedule run") return;  // does not end
    const Finished finished = shell(command, folder_.path(), db().raw(), database());
    const std::string said = finished.out + finished.err;
    EXPECT_EQ(step.fails(), finished.exit_code == 1) << finished.exit_code << "\n" << said;
    EXPECT_NE(2, finished.exit_code) << said;
    for (const std::string& line : step.shows)
      EXPECT_THAT(said, HasSubstr(line.starts_with("pgsluice: ") ? line + "\n" : ""));
    ++commands_;
  }

  TemporaryFolder folder_;
  int commands_ = 0;

 private:
  /// Shows a file: one that is there, or else what it is to be.
  void write(const std::string& name, const std::vector<std::string>& lines) const {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    if (fs::exists(folder_ / name)) {
      EXPECT_EQ(text, read_file(folder_ / name));
    } else {
      folder_.write(name, text);
    }
  }
  void run_sql(const std::string& command) {
    const std::size_t begin = command.find('"') + 1;
    Session(url_of_database(url(), database()))
        .run(command.substr(begin, command.rfind('"') - begin));
  }
  std::string database() { return database_.empty() ? PQdb(db().raw()) : database_; }
  std::string database_;
};

TEST_P(Readme, ExamplesDoWhatTheyShow) {
  folder_.write("readings.csv", "station,at,celsius\nB1,2026-01-01,3.5\nN1,2026-01-01,-7\n");
  fs::copy(PGSLUICE_SOURCE_DIR "/sql/demo/migrations", folder_ / "migrations");
  for (const Step& step : steps_of(GetParam().path)) {
    SCOPED_TRACE(step.command);
    take(step);
  }
  EXPECT_GE(commands_, GetParam().commands);
}

INSTANTIATE_TEST_SUITE_P(Pages, Readme,
                         ::testing::Values(Page{"README.md", 8}, Page{"docs/loading.md", 2},
                                           Page{"docs/bad-records.md", 3}));

/// Who reads it has five minutes.
TEST(ReadmeLength, IsThatOfAFirstPage) {
  const std::string text = read_file(PGSLUICE_SOURCE_DIR "/README.md");
  EXPECT_LE(std::ranges::count(text, '\n'), 250);
}

}  // namespace
}  // namespace sluice::test
