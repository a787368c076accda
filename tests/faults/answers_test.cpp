// A server, or what stands in front of it, that answers otherwise than it was asked.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "fuzz/dialogue.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string ready = "I";

ServerMessage message(char type, std::string body, std::uint32_t times = 1) {
  return {.type = type, .body = std::move(body), .times = times};
}

/// What every session begins with.
Answers greeting() {
  return {message('R', "\0\0\0\0"s),
          message('S', "server_version\00015.3\0"s),
          message('S', "client_encoding\0UTF8\0"s),
          message('S', "server_encoding\0UTF8\0"s),
          message('K', "\0\0\0\1\0\0\0\1"s),
          message('Z', ready)};
}

const std::string one_column = "\0\1c\0\0\0\0\0\0\0\0\0\0\31\377\377\377\377\377\377\0\0"s;
const std::string one_field = "\0\1\0\0\0\1x"s;
const std::string notice = "SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"s;

/// Commands that talk to a server, each a process of its own.
class ServerAnswers : public ::testing::Test {
 protected:
  ServerAnswers() {
    folder_.write("data.csv", "id,v\n1,a\n");
    folder_.write("first.sql", "select 1;\n");
    folder_.write("jobs.toml",
                  "[[job]]\nname = \"j\"\ncron = \"@every 1h\"\nsql = \"first.sql\"\n");
  }

  std::vector<std::vector<std::string>> commands() const {
    const std::string dsn = server_.conninfo();
    return {{"load", folder_ / "data.csv", "-t", "t", "-d", dsn, "--retry-for", "0s",
             "--stall-timeout", "2s"},
            {"loads", "-d", dsn},
            {"schedule", "run", "--once", "--config", folder_ / "jobs.toml", "-d", dsn},
            {"schedule", "history", "--config", folder_ / "jobs.toml", "-d", dsn}};
  }

  TemporaryFolder folder_;
  ScriptedServer server_{folder_.path()};
};

struct Endless {
  const char* what;
  ServerMessage said;
};

TEST_F(ServerAnswers, WithoutEndAreNoticedInBoundedTimeAndMemory) {
  const std::uint32_t for_ever = ServerMessage::for_ever;
  const std::vector<Endless> kinds{
      {"rows", message('D', one_field, for_ever)},
      {"rows without columns", message('D', "\0\0"s, for_ever)},
      {"results", message('C', "SELECT 1\0"s, for_ever)},
      {"empty results", message('I', "", for_ever)},
      {"parameters", message('S', "a\0b\0"s, for_ever)},
      {"notifications", message('A', "\0\0\0\1channel\0payload\0"s, for_ever)},
      {"notices", message('N', notice, for_ever)},
      {"COPY in", message('G', "\0\0\0"s, for_ever)},
      {"COPY out", message('H', "\0\0\0"s, for_ever)},
      {"COPY both", message('W', "\0\0\0"s, for_ever)},
      {"COPY data", message('d', "data", for_ever)},
      {"answers to nothing", message('1', "", for_ever)},
      {"ready", message('Z', ready, for_ever)},
      {"errors", message('E', "SERROR\0VERROR\0C22012\0Mno\0\0"s, for_ever)},
  };
  constexpr long rss_kib_max = 1536L * 1024;
  for (const Endless& kind : kinds) {
    for (const std::vector<std::string>& command : commands()) {
      // Notices are heard for as long as a silent server is waited for.
      const bool has_limit = command[0] == "load";
      if (kind.said.type == 'N' && !has_limit) continue;
      Answers answers = greeting();
      if (kind.said.type == 'D') {
        const bool has_columns = kind.said.body == one_field;
        answers.push_back(message('T', has_columns ? one_column : "\0\0"s));
      }
      answers.push_back(kind.said);
      answers.back().goes_on = true;
      server_.play({answers, answers, answers});
      const Finished finished = pgsluice(command);
      server_.stop();
      const std::string here = kind.what + " to "s + command[0] + " " + command[1];
      EXPECT_THAT(finished.exit_code, ::testing::AnyOf(1, 4)) << here << finished.err;
      EXPECT_LT(finished.rss_kib_max, rss_kib_max) << here;
    }
  }
}

/// A dialogue with a real server that the fuzz target begins with.
struct Recorded {
  std::string name;  ///< "05-load-rejects-exit3": the command's number, and how it ended
  Dialogue dialogue;
  std::string command;

  int exit_code() const { return std::stoi(name.substr(name.rfind("exit") + 4)); }

  std::vector<std::string> arguments(const TemporaryFolder& folder,
                                     const ScriptedServer& server) const {
    std::vector<std::string> all;
    std::istringstream words(command);
    for (std::string word; words >> word;) {
      const std::size_t at = word.find("{folder}");
      all.push_back(at == std::string::npos ? word : word.replace(at, 8, folder.path()));
    }
    all.insert(all.end(), {"-d", server.conninfo()});
    return all;
  }
};

std::vector<Recorded> recorded() {
  const std::string folder = PGSLUICE_SOURCE_DIR "/tests/fuzz/";
  std::vector<std::string> commands;
  std::istringstream lines(read_file(folder + "commands.txt"));
  for (std::string line; std::getline(lines, line);) commands.push_back(line);
  std::vector<Recorded> all;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "corpus-server")) {
    const std::string bytes = read_file(entry.path());
    Dialogue dialogue =
        Dialogue::parse({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    std::string command = commands.at(dialogue.command);
    all.push_back({entry.path().filename(), std::move(dialogue), std::move(command)});
  }
  std::ranges::sort(all, {}, &Recorded::name);
  return all;
}

/// Whose folder is the one in which the dialogues were recorded.
class RecordedAnswers : public ::testing::Test {
 protected:
  RecordedAnswers() {
    std::filesystem::copy(PGSLUICE_SOURCE_DIR "/tests/fuzz/world", folder_.path(),
                          std::filesystem::copy_options::recursive);
    server_.patience = 2s;  // for whom an answer is not enough
  }

  /// On a busy machine neither side is taken for a silent one.
  Finished play(Recorded seed) {
    const std::string limit = "--stall-timeout 1s";
    if (const std::size_t at = seed.command.find(limit); at != std::string::npos)
      seed.command.replace(at, limit.size(), "--stall-timeout 60s");
    const bool sleeps =
        seed.command.starts_with("schedule run") && !seed.command.contains("--once");
    server_.patience = sleeps ? 4s : 60s;
    seed.dialogue.name_folder(folder_.path());
    server_.play(std::move(seed.dialogue.connections));
    Process process(seed.arguments(folder_, server_));
    // A scheduler ends when it is told to.
    if (sleeps) {
      while (process.running() && !server_.is_over()) std::this_thread::sleep_for(10ms);
      process.signal(SIGTERM);
    }
    Finished finished = process.wait();
    server_.stop();
    return finished;
  }

  TemporaryFolder folder_;
  ScriptedServer server_{folder_.path()};
};

/// The fuzz target gets no further than the dialogues that it begins with: where a statement's
/// answer has got another shape, they end early. Which of several connections asks first is chance:
/// then most of the dialogues, within some tries, do.
TEST_F(RecordedAnswers, AreThoseThatCommandsWaitFor) {
  std::size_t of_several = 0;
  std::string ended_early;
  std::size_t early = 0;
  for (const Recorded& seed : recorded()) {
    const bool is_chance = seed.dialogue.connections.size() > 1;
    const int tries = is_chance ? 10 : 1;
    Finished finished = play(seed);
    for (int i = 1; i < tries && finished.exit_code != seed.exit_code(); ++i) finished = play(seed);
    of_several += is_chance ? 1 : 0;
    if (finished.exit_code == seed.exit_code()) continue;
    const std::string what = seed.name + ": " + seed.command + "\n" + finished.err +
                             "\nanswers of another shape? script/fuzz --record makes them anew\n";
    if (is_chance) {
      ended_early += what;
      ++early;
    } else {
      ADD_FAILURE() << what;
    }
  }
  EXPECT_LE(early, of_several / 4) << "of " << of_several << "\n" << ended_early;
}

/// One answer of each dialogue is of another shape; the fuzz target does the same with all of them.
TEST_F(RecordedAnswers, OfOtherShapesEndInAnErrorAndNoCrash) {
  const std::vector<ServerMessage> instead{message('C', "SELECT 0\0"s),
                                           message('D', "\0\0"s),
                                           message('D', "\0\1\377\377\377\377"s),
                                           message('D', "\0\1\0\0\0\1-"s),
                                           message('G', "\0\0\0"s),
                                           message('H', "\0\0\0"s),
                                           message('I', "")};
  std::size_t turn = 0;
  std::size_t place = 0;
  for (const Recorded& seed : recorded()) {
    if (seed.command.starts_with("migrate") || seed.command.starts_with("schedule run")) continue;
    const Answers& answers = seed.dialogue.connections.front();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      // Rows, and what stands where a row or a COPY is expected. In turn: all of them would take
      // minutes.
      if (answers[i].type != 'D' && answers[i].type != 'G') continue;
      if (++place % every(4) != 0) continue;
      Dialogue changed = seed.dialogue;
      changed.connections.front()[i] = instead[turn++ % instead.size()];
      server_.play(changed.connections);
      const Finished finished = pgsluice(seed.arguments(folder_, server_));
      server_.stop();
      EXPECT_LT(finished.exit_code, 8) << seed.name << ", message " << i << ": " << finished.err;
      EXPECT_THAT(finished.err, Not(HasSubstr("std::"))) << seed.name << i;
      EXPECT_THAT(finished.err, Not(HasSubstr("vector"))) << seed.name << i;
    }
  }
}

}  // namespace
}  // namespace sluice::test
