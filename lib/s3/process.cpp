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
#include <mutex>
#include <utility>

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

/// A program on its way, in a process group of its own, which all that it starts is in.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) : name_(arguments.front()) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) fail("cannot make a pipe: " + errno_message(errno));
    output_ = pipe[0];
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
    const std::vector<char*> argv = pointers(arguments);
    const int error = start(argv, pipe[1]);
    ::close(pipe[1]);
    if (error == 0) {
      ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
      return;
    }
    ::close(output_);
    fail("cannot be run: " + errno_message(error));
  }
  ~Program() {
    ::close(output_);
    if (ended_ >= 0) ::close(ended_);
    if (pid_ <= 0) return;
    end();
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  std::string output() {
    const Clock::time_point end = Clock::now() + patience;
    while (!is_closed_ && wait_for(output_, end) != ended_) take_output();
    // What it has written before it ended is there.
    if (!is_closed_) take_output();
    if (ended_ >= 0) wait_for(-1, end);
    require_success();
    return std::move(text_);
  }

  /// Any thread, while output() runs.
  void end() {
    const std::lock_guard lock(mutex_);
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
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
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const int error =
        ::posix_spawnp(&pid_, argv.front(), &actions, &attributes, argv.data(), environ);
    if (error != 0) pid_ = -1;
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  /// All that is there.
  void take_output() {
    for (std::array<char, 4096> bytes{};;) {
      const ssize_t got = ::read(output_, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        is_closed_ = true;
        return;
      }
      text_.append(bytes.data(), static_cast<std::size_t>(got));
      if (text_.size() > output_bytes_max) fail("writes too much");
    }
  }

  /// Until there is something to read, or it has ended: the one of the two descriptors that it is,
  /// the latter where it is both.
  int wait_for(int descriptor, Clock::time_point end) const {
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
      std::array<pollfd, 2> both{pollfd{.fd = descriptor, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = ended_, .events = POLLIN, .revents = 0}};
      if (left <= 0) fail("takes longer than a minute");
      const int ready = ::poll(both.data(), both.size(), static_cast<int>(left));
      if (ready > 0) return both[1].revents != 0 ? ended_ : descriptor;
      if (ready < 0 && errno != EINTR) fail("cannot be waited for: " + errno_message(errno));
    }
  }

  /// It stays a zombie, whose number is nobody else's, until end() cannot mean it any more.
  void require_success() {
    siginfo_t about{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &about, WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
    int status = 0;
    {
      const std::lock_guard lock(mutex_);
      ::waitpid(pid_, &status, 0);
      pid_ = -1;
    }
    if (WIFSIGNALED(status)) fail("was ended by signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) fail("ended with " + std::to_string(WEXITSTATUS(status)));
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Failure(FailureKind::failed, name_ + ": " + problem);
  }

  std::string name_;
  std::string text_;
  int output_ = -1;
  bool is_closed_ = false;
  int ended_ = -1;  ///< readable once it has ended; -1 where the kernel cannot say that
  std::mutex mutex_;
  pid_t pid_ = -1;
};

}  // namespace

std::string run_program(const std::vector<std::string>& arguments, std::stop_token stop) {
  const auto interrupted = [&arguments] {
    return Failure(FailureKind::interrupted, arguments.front() + ": interrupted");
  };
  if (stop.stop_requested()) throw interrupted();
  Program program(arguments);
  const std::stop_callback end(stop, [&program] { program.end(); });
  try {
    return program.output();
  } catch (const Failure&) {
    if (stop.stop_requested()) throw interrupted();
    throw;
  }
}

}  // namespace sluice::s3
