#include <gmock/gmock.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/shell.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

/// docs/recipes.md, from its top to its end: its files are written, its SQL and commands run, and
/// its answers are the ones that come.
class Recipes : public DatabaseTest {
 protected:
  /// ```file NAME [an encoding of iconv's] [crlf] [gz] [control: ^A is a byte 1]
  void write(const std::vector<std::string>& what, std::string bytes) {
    std::string pack;
    for (std::size_t i = 2; i < what.size(); ++i) {
      if (what[i] == "crlf") {
        bytes = std::regex_replace(bytes, std::regex("\n"), "\r\n");
      } else if (what[i] == "control") {
        bytes = std::regex_replace(bytes, std::regex("\\^A"), "\x01");
      } else if (what[i] == "gz") {
        pack = "gzip";
      } else {
        pack = "iconv -f utf-8 -t " + what[i];
      }
    }
    fs::create_directories(fs::path(folder_ / what[1]).parent_path());
    folder_.write(what[1], pack.empty() ? bytes : piped(pack, bytes));
  }

  void run(const std::string& command, const std::string& shown) {
    SCOPED_TRACE(command);
    const Finished finished = shell(command, folder_.path(), db().raw(), PQdb(db().raw()));
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    if (command.starts_with("psql ")) {
      EXPECT_EQ(shown, finished.out);
    } else {
      std::istringstream lines(shown);
      for (std::string line; std::getline(lines, line);)
        EXPECT_THAT(finished.out + finished.err, HasSubstr(line));
      ++loads_;
    }
  }

  void run_all(const std::string& steps) {
    std::istringstream lines(steps);
    std::string command;
    std::string shown;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("$ ")) {
        shown += line + "\n";
        continue;
      }
      if (!command.empty()) run(command, shown);
      command = line.substr(2);
      shown.clear();
    }
    if (!command.empty()) run(command, shown);
  }

  TemporaryFolder folder_;
  int loads_ = 0;
};

TEST_F(Recipes, DoWhatTheyShow) {
  std::istringstream page(read_file(PGSLUICE_SOURCE_DIR "/docs/recipes.md"));
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("```")) continue;
    std::string body;
    for (std::string inner; std::getline(page, inner) && inner != "```";) body += inner + "\n";
    const std::vector<std::string> what = words_of(line.substr(3));
    if (what.empty()) {
      run_all(body);
    } else if (what.front() == "sql") {
      db().run(body);
    } else {
      ASSERT_EQ("file", what.front());
      write(what, body);
    }
  }
  EXPECT_GE(loads_, 13);
}

}  // namespace
}  // namespace sluice::test
