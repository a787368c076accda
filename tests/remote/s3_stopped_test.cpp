#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "remote/s3_fetch.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

class S3Stopped : public S3Fetch {
 protected:
  std::vector<std::vector<std::string>> commands(const std::string& path) {
    return {{"load", path, "-t", "t", "-d", url()},
            {"check", path, "-t", "t", "-d", url()},
            {"inspect", path}};
  }

  static void wait_until(const std::function<bool()>& is_so) { ASSERT_TRUE(is_seen(is_so)); }
};

/// A list is read, and what a pattern in it names is asked for, where signals may be heard already.
TEST_F(S3Stopped, AListingOfAListEndsAtASignalAlsoAmidAPause) {
  const TemporaryFolder folder;
  const std::string list = "@" + folder.write("list", "s3://bucket/*.csv\n");
  std::atomic<bool> is_asked = false;
  for (const bool pauses : {false, true}) {
    const WebServer server([&](const WebServer::Asked&) {
      is_asked = true;
      WebServer::Answer answer = s3_error(503, "SlowDown");
      if (pauses) answer.headers.emplace_back("Retry-After", "200");
      if (!pauses) answer.delay = 200s;
      return answer;
    });
    for (std::vector<std::string> words : commands(list)) {
      words.insert(words.end(), {"--s3-endpoint", server.url()});
      is_asked = false;
      Process command(words, with());
      wait_until([&] { return is_asked.load(); });
      EXPECT_TRUE(!pauses || command.says("it is tried again")) << command.err_so_far();
      const auto before = std::chrono::steady_clock::now();
      command.signal(SIGTERM);
      EXPECT_EQ(128 + SIGTERM, command.wait().exit_code) << words.front();
      EXPECT_GT(60s, std::chrono::steady_clock::now() - before);
    }
  }
}

/// The program that hands out keys ignores signals; of a pattern keys are asked for at the
/// beginning, of an object when it is read.
TEST_F(S3Stopped, WhileKeysAreAskedForOneSignalEndsIt) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1, 10)}}}};
  const WebServer server(store.handler());
  for (const char* const path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
    for (std::vector<std::string> words : commands(path)) {
      const TemporaryFolder folder;
      const std::string program = folder.write(
          "keys", "trap '' INT TERM\nsleep 300 &\necho $! > " + (folder / "new") + "\nmv " +
                      (folder / "new") + " " + (folder / "pid") + "\nwait\n");
      const std::string config =
          folder.write("config", "[profile slow]\ncredential_process = sh " + program + "\n");
      words.insert(words.end(), {"--s3-endpoint", server.url(), "--s3-profile", "slow"});
      Process command(words, {.environment = {"no_proxy=*", "AWS_CONFIG_FILE=" + config,
                                              "AWS_SHARED_CREDENTIALS_FILE=/gone"}});
      std::string pid;
      wait_until([&] {
        pid = read_file(folder / "pid");
        return !pid.empty() || !command.running();
      });
      command.signal(SIGINT);
      EXPECT_EQ(128 + SIGINT, command.wait().exit_code) << words.front();
      ASSERT_FALSE(pid.empty()) << command.err_so_far();
      wait_until([&] { return ::kill(std::stoi(pid), 0) != 0; });
    }
  }
}

TEST_F(S3Stopped, AListingWaitsAsLongAsTheServerAsksFor) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1, 10)}}}};
  std::atomic<bool> is_first = true;
  const WebServer server([&](const WebServer::Asked& asked) {
    if (!is_first.exchange(false)) return store.answer(asked);
    WebServer::Answer answer = s3_error(503, "SlowDown");
    answer.headers.emplace_back("Retry-After", "2");
    return answer;
  });
  const auto before = std::chrono::steady_clock::now();
  const Finished finished = load_s3(server, "s3://bucket/*.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_LE(2s, std::chrono::steady_clock::now() - before);
}

TEST_F(S3Fetch, RejectsOfHostileKeysHaveNamesThatCanBeMade) {
  const std::string name(300, 'l');
  const S3Store store{
      .objects = {{"in/-rf\x1b[31m\xe2\x80\xae.csv", {.body = "id,v,x\nnone,1,a\n"}},
                  {"in/" + name + "1.csv", {.body = "id,v,x\nneither,1,a\n"}},
                  {"in/" + name + "2.csv", {.body = "id,v,x\nnobody,1,a\n"}}}};
  const WebServer server(store.handler());
  const TemporaryFolder folder;
  std::vector<std::string> words =
      s3_arguments(server, "s3://bucket/in/**", {"--max-rejects", "9", "--keep-going"});
  words.insert(words.begin(), {"-c", "cd \"$0\" && exec \"$@\"", folder / "", PGSLUICE_BINARY});
  Process::Options options = with();
  options.program = "/bin/sh";
  const Finished finished = Process(words, options).wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  std::vector<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator(folder / ""))
    if (each.path().extension() == ".csv") names.push_back(each.path().filename());
  std::ranges::sort(names);
  using ::testing::AllOf;
  const auto is_cut = AllOf(::testing::StartsWith("lll"), ::testing::EndsWith(".rejects.csv"));
  EXPECT_THAT(names, ::testing::ElementsAre("_rf_[31m_.rejects.csv", is_cut, is_cut));
}

}  // namespace
}  // namespace sluice::test
