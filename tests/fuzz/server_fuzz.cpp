// Plays the server's side of the protocol against the commands of commands.txt, each of them the
// whole program, under AddressSanitizer. Whatever the server says:
//   - a command ends, soon, with an exit code of its own, and leaks nothing;
//   - no exception comes out of it that it does not know;
//   - a load says that it is done only where the server has taken its rows and said so.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/cli.hpp"
#include "app/signals.hpp"
#include "base/exit_code.hpp"
#include "fuzz/dialogue.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

namespace {

using namespace sluice;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// Who is silent for so long is hung up on; who has nobody left to ask is told to stop.
constexpr auto patience = 30ms;
constexpr auto time_to_end = 20s;

/// The fuzzer closes what commands print to.
int own_stderr = STDERR_FILENO;

void fail(const std::string& what) {
  ::dprintf(own_stderr, "does not hold: %s\n", what.c_str());
  std::abort();
}

/// What the commands work on: a copy of tests/fuzz/world in a folder of its own.
struct World {
  World() {
    std::string name(test::Dialogue::recorded_folder);
    if (::mkdtemp(name.data()) == nullptr) fail("a temporary folder");
    folder = name;
    const fs::path here = fs::path(PGSLUICE_SOURCE_DIR) / "tests/fuzz";
    fs::copy(here / "world", folder, fs::copy_options::recursive);
    data = (std::ostringstream() << std::ifstream(folder / "data.csv").rdbuf()).str();
    for (const auto& entry : fs::directory_iterator(folder)) own.push_back(entry.path());
    std::ifstream file(here / "commands.txt");
    for (std::string line; std::getline(file, line);) {
      std::vector<std::string>& arguments = commands.emplace_back();
      std::istringstream words(line);
      for (std::string word; words >> word;) {
        const std::size_t at = word.find("{folder}");
        if (at != std::string::npos) word.replace(at, 8, folder.string());
        arguments.push_back(word);
      }
      if (const auto wrong = app::wrong_arguments(arguments)) fail(line + ": " + *wrong);
    }
    if (commands.empty()) fail("tests/fuzz/commands.txt");
  }

  /// Removes what commands have written.
  void tidy() const {
    for (const auto& entry : fs::directory_iterator(folder))
      if (std::ranges::find(own, entry.path()) == own.end() && !entry.is_socket())
        fs::remove_all(entry.path());
  }

  static constexpr std::uint64_t records = 3;  ///< of data.csv
  fs::path folder;
  std::string data;  ///< the text of data.csv
  std::vector<fs::path> own;
  std::vector<std::vector<std::string>> commands;
};

/// Lives as long as the process: with this one SIGTERM never ends it.
struct Ground {
  asio::io_context io{1};
  asio::signal_set signals{io, SIGINT, SIGTERM};
  World world;
  test::ScriptedServer server{world.folder};
};

Ground& ground() {
  static Ground& one = *new Ground;
  return one;
}

/// Tells the program to stop when there is nobody left to talk to.
class Watch {
 public:
  explicit Watch(const test::ScriptedServer& server) : thread_([this, &server] { look(server); }) {}
  ~Watch() {
    done_ = true;
    thread_.join();
  }

 private:
  void look(const test::ScriptedServer& server) const {
    const auto began = std::chrono::steady_clock::now();
    auto last_signal = began;
    auto over_since = std::chrono::steady_clock::time_point::max();
    while (!done_) {
      std::this_thread::sleep_for(1ms);
      const auto now = std::chrono::steady_clock::now();
      if (!server.is_over()) over_since = std::chrono::steady_clock::time_point::max();
      if (server.is_over() && over_since > now) over_since = now;
      // A moment, in which a program that ends by itself does so.
      const bool is_over = now > over_since && now - over_since > 10ms;
      if ((is_over || now - began > 2s) && now - last_signal > 20ms) {
        last_signal = now;
        ::kill(::getpid(), SIGTERM);
      }
      if (now - began > time_to_end) fail("a command ends");
    }
  }

  std::atomic<bool> done_ = false;
  std::thread thread_;
};

bool is(const std::vector<std::string>& arguments, const char* word) {
  return std::ranges::find(arguments, word) != arguments.end();
}

/// The row with which the ledger says that the load is finished, with sums that add up.
bool is_finish(const std::vector<std::string>& row) {
  if (row.size() < 11 || row[1] != std::to_string(ground().world.data.size() - 5) ||
      row[2] != std::to_string(World::records))
    return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 3; i < 9; ++i) sum += std::strtoull(row[i].c_str(), nullptr, 10);
  return row[9] == "t" && sum == World::records;
}

/// A small load is entered as finished by the transaction that stores its records, which answers
/// with its fingerprint and its number.
bool is_entered(const test::ScriptedServer::Said& said) {
  const auto is_number = [](const std::vector<std::string>& row) {
    return row.size() == 2 && !row.back().empty() &&
           row.back().find_first_not_of("0123456789") == std::string::npos;
  };
  return said.rows_copied >= World::records && std::ranges::any_of(said.rows, is_number);
}

void require_earned(const std::vector<std::string>& arguments,
                    const test::ScriptedServer::Said& said) {
  // Without --again the ledger may say that another run has done it.
  if (arguments.front() != "load" || !is(arguments, "--again")) return;
  const auto finish = std::ranges::find_if(said.rows, is_finish);
  if (finish == said.rows.end()) {
    if (!is_entered(said)) fail("the ledger has said that the load is finished");
    return;
  }
  if (is(arguments, "insert") || is(arguments, "--select")) return;
  if (said.copies_begun == 0) fail("the server has taken a COPY");
  if (said.rows_copied == 0 && (*finish)[3] != "0" && !is(arguments, "--chunk-size"))
    fail("the server has counted rows");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char*** argv) {
  if (std::string((*argv)[0]) == "pgsluice") ::_exit(0);  // a job that a scheduler has started
  own_stderr = ::dup(STDERR_FILENO);
  for (const char* name : {"PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE"})
    ::unsetenv(name);
  ::signal(SIGPIPE, SIG_IGN);
  ground().server.patience = patience;
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  if (seed % 32 == 0) return LLVMFuzzerMutate(data, size, size_max);
  test::Dialogue dialogue = test::Dialogue::parse({data, size});
  test::mutate(dialogue, seed, LLVMFuzzerMutate);
  const std::string bytes = dialogue.bytes();
  const std::size_t changed = std::min(bytes.size(), size_max);
  std::copy_n(bytes.begin(), changed, data);
  return changed;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Ground& g = ground();
  test::Dialogue dialogue = test::Dialogue::parse({data, size});
  dialogue.name_folder(g.world.folder);
  std::vector<std::string> arguments = g.world.commands[dialogue.command % g.world.commands.size()];
  arguments.insert(arguments.end(), {"-d", g.server.conninfo()});
  g.server.play(std::move(dialogue.connections));
  int exit_code = 0;
  {
    const Watch watch(g.server);
    exit_code = app::run_program(arguments);
  }
  const test::ScriptedServer::Said said = g.server.stop();
  // Signals that came too late for the program.
  g.io.poll();
  g.io.restart();
  g.world.tidy();
  const bool is_known =
      (exit_code >= 0 && exit_code <= exit_pending) || exit_code == exit_signal + SIGTERM;
  if (!is_known) fail("an exit code: " + std::to_string(exit_code));
  if (exit_code == exit_ok) require_earned(arguments, said);
  return 0;
}
