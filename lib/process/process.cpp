#include "process/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/failure.hpp"
#include "base/path_text.hpp"

namespace sluice::process {
namespace {

/// In the new process, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* argv, char* const* envp, const Streams& streams,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  // Until exec its handlers are its parent's, which would take a signal for one of their own.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(streams.input, STDIN_FILENO);
  ::dup2(streams.result, STDOUT_FILENO);
  ::dup2(streams.said, STDERR_FILENO);
  // Whoever opened something without O_CLOEXEC (Asio's accepted sockets) did not mean this process:
  // a connection that it holds would not end with its server's.
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  if (streams.seal >= 0) ::fcntl(streams.seal, F_SETFD, 0);
  if (streams.folder >= 0 && ::fchdir(streams.folder) != 0) ::_exit(127);
  ::execve("/proc/self/exe", argv, envp);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// Ready when the process has ended.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

source::FileDescriptor opened_folder(const std::string& folder) {
  if (folder.empty()) return source::FileDescriptor();
  source::FileDescriptor there(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (there.get() < 0)
    throw Failure(FailureKind::failed, text_of_path(folder) + ": " + errno_message(errno));
  return there;
}

Process::Process(const asio::any_io_executor& executor, std::vector<std::string> arguments,
                 std::vector<std::string> environment, const Streams& streams)
    : ended_(executor), press_(executor) {
  arguments.insert(arguments.begin(), "pgsluice");
  // What is added comes first: getenv() finds it before the inherited value.
  for (char** variable = environ; *variable != nullptr; ++variable)
    environment.emplace_back(*variable);
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const pid_t parent = ::getpid();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_ = ::fork();
  const int error = errno;
  if (pid_ == 0) become(argv.data(), envp.data(), streams, parent);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid_ < 0)
    throw Failure(FailureKind::failed, "cannot start a process: " + errno_message(error));
  // Whoever is first: it may be stopped before it has got so far.
  ::setpgid(pid_, pid_);
  const int ended = open_pidfd(pid_);
  if (ended < 0) {
    const int why = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    throw Failure(FailureKind::failed, "cannot follow a process: " + errno_message(why));
  }
  ended_.assign(ended);
}

Process::~Process() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Process::stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after) {
  signal(SIGTERM);
  const auto later = [](Process& process, std::chrono::milliseconds delay, auto then) {
    process.press_.expires_after(delay);
    const auto on_time = [self = std::weak_ptr(process.self_),
                          then](boost::system::error_code error) {
      if (const auto still = self.lock(); still && !error) then(**still);
    };
    process.press_.async_wait(on_time);
  };
  const auto again = [later, kill_after](Process& process) {
    process.signal(SIGTERM);
    later(process, kill_after, [](Process& still) { still.signal(SIGKILL); });
  };
  later(*this, again_after, again);
}

asio::awaitable<int> Process::end() {
  co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  press_.cancel();
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sluice::process
