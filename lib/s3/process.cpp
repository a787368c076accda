#include "s3/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};
constexpr std::size_t output_bytes_max = 64 * 1024;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// A program on its way. It stays in our process group: it may ask for something at the terminal,
/// and a Ctrl-C there is meant for it too.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) : name_(arguments.front()) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) fail("cannot make a pipe: " + errno_message(errno));
    output_ = pipe[0];
    const std::vector<char*> argv = pointers(arguments);
    const int error = start(argv, pipe[1]);
    ::close(pipe[1]);
    if (error == 0) return;
    ::close(output_);
    fail("cannot be run: " + errno_message(error));
  }
  ~Program() {
    ::close(output_);
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string output() {
    const Clock::time_point end = Clock::now() + patience;
    std::string text;
    for (std::array<char, 4096> bytes{};;) {
      wait_for(output_, end);
      const ssize_t got = ::read(output_, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(got));
      if (text.size() > output_bytes_max) fail("writes too much");
    }
    wait_for_exit(end);
    require_success();
    return text;
  }

 private:
  int start(const std::vector<char*>& argv, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&usual, number);
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &usual);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int error =
        ::posix_spawnp(&pid_, argv.front(), &actions, &attributes, argv.data(), environ);
    if (error != 0) pid_ = -1;
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  /// Returns when there is something to read, or nothing more will come.
  void wait_for(int descriptor, Clock::time_point end) const {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
      pollfd output{.fd = descriptor, .events = POLLIN, .revents = 0};
      if (left <= 0) fail("takes longer than a minute");
      const int ready = ::poll(&output, 1, static_cast<int>(left));
      if (ready > 0) return;
      if (ready < 0 && errno != EINTR) fail("cannot be waited for: " + errno_message(errno));
    }
  }

  /// It may go on behind the end of its output.
  void wait_for_exit(Clock::time_point end) const {
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    if (ended < 0) return;
    try {
      wait_for(ended, end);
    } catch (const Failure&) {
      ::close(ended);
      throw;
    }
    ::close(ended);
  }

  void require_success() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFSIGNALED(status)) fail("was ended by signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) fail("ended with " + std::to_string(WEXITSTATUS(status)));
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Failure(FailureKind::failed, name_ + ": " + problem);
  }

  std::string name_;
  int output_ = -1;
  pid_t pid_ = -1;
};

}  // namespace

std::string run_program(const std::vector<std::string>& arguments) {
  return Program(arguments).output();
}

}  // namespace sluice::s3
