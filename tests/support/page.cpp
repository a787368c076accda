#include "support/page.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "support/shell.hpp"

namespace sluice::test {
namespace {

struct Step {
  std::string command;
  std::string shown;
  int exit_code = 0;
};

std::vector<Step> steps_of(const std::string& block) {
  std::vector<Step> steps;
  std::istringstream lines(block);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("$ ")) {
      steps.push_back({.command = line.substr(2), .shown = {}});
    } else if (!steps.empty() && line.starts_with("= ")) {
      steps.back().exit_code = std::stoi(line.substr(2));
    } else if (!steps.empty()) {
      steps.back().shown += line + "\n";
    }
  }
  return steps;
}

/// Where a line has "…", it does not matter what stands there.
bool has_line(const std::string& output, const std::string& line) {
  const std::string any = "…";
  std::istringstream lines(output);
  for (std::string one; std::getline(lines, one);) {
    std::size_t at = 0;
    std::size_t begin = 0;
    while (at != std::string::npos && begin <= line.size()) {
      const std::size_t end = std::min(line.find(any, begin), line.size());
      const std::size_t found = one.find(line.substr(begin, end - begin), at);
      at = found == std::string::npos ? found : found + (end - begin);
      begin = end == line.size() ? end + 1 : end + any.size();
    }
    if (at != std::string::npos) return true;
  }
  return false;
}

void run_step(const Step& step, const std::string& folder, PGconn* server) {
  SCOPED_TRACE(step.command);
  const Finished finished = shell(step.command, folder, server, PQdb(server));
  EXPECT_EQ(step.exit_code, finished.exit_code) << finished.out << finished.err;
  std::istringstream lines(step.shown);
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(has_line(finished.out + finished.err, line)) << line << "\nis not in:\n"
                                                             << finished.out << finished.err;
}

}  // namespace

int run_page(const std::string& path, const std::string& end, PGconn* server) {
  const TemporaryFolder folder;
  std::istringstream page(read_file(path));
  int commands = 0;
  for (std::string line; std::getline(page, line) && line != end;) {
    if (!line.starts_with("```")) continue;
    std::string body;
    for (std::string inner; std::getline(page, inner) && inner != "```";) body += inner + "\n";
    const std::string what = line.substr(3);
    if (what.starts_with("file ")) {
      std::filesystem::create_directories(
          std::filesystem::path(folder / what.substr(5)).parent_path());
      folder.write(what.substr(5), body);
    } else if (what == "sql") {
      const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(server, body.c_str()),
                                                                 PQclear);
      EXPECT_NE(PGRES_FATAL_ERROR, PQresultStatus(result.get()))
          << PQresultErrorMessage(result.get());
    } else if (what.empty()) {
      for (const Step& step : steps_of(body)) {
        run_step(step, folder.path(), server);
        ++commands;
      }
    }
  }
  return commands;
}

}  // namespace sluice::test
