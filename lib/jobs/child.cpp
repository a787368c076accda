#include "jobs/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>

#include "base/characters.hpp"
#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "jobs/line_limit.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::jobs {
namespace {

/// In the new process, between fork and exec: only what is safe there.
[[noreturn]] void become(char* const* argv, char* const* envp, int folder, int output,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (folder >= 0 && ::fchdir(folder) != 0) ::_exit(127);
  ::execve("/proc/self/exe", argv, envp);
  ::_exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// Hands on what is whole with `more` behind `text`, and keeps the rest. A line without end is
/// handed on in parts, so that it is never in memory as a whole.
void take_lines(std::string& text, std::string_view more,
                const std::function<void(const std::string&)>& line) {
  while (!more.empty()) {
    const std::size_t end = more.find('\n');
    text += more.substr(0, end);
    more.remove_prefix(end == std::string_view::npos ? more.size() : end);
    const bool is_whole = !more.empty();
    if (is_whole) more.remove_prefix(1);
    while (text.size() > limits::job_line_bytes) {
      // What is no UTF-8 is handed on too.
      const std::size_t part =
          std::max<std::size_t>(whole_characters(text, limits::job_line_bytes), 1);
      line(text.substr(0, part));
      text.erase(0, part);
    }
    if (!is_whole) continue;
    line(text);
    text.clear();
  }
}

/// Nothing of an empty name.
source::FileDescriptor opened(const std::string& folder) {
  if (folder.empty()) return source::FileDescriptor();
  source::FileDescriptor there(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (there.get() < 0)
    throw Failure(FailureKind::failed, text_of_path(folder) + ": " + errno_message(errno));
  return there;
}

/// Ready when the process has ended.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

Child::Child(asio::any_io_executor executor, const std::vector<std::string>& arguments,
             const std::vector<std::string>& environment, const std::string& folder)
    : executor_(std::move(executor)) {
  std::vector<std::string> argv_texts{"pgsluice"};
  argv_texts.insert(argv_texts.end(), arguments.begin(), arguments.end());
  // What is added comes first: getenv() finds it before the inherited value.
  std::vector<std::string> env_texts = environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    env_texts.emplace_back(*variable);
  const std::vector<char*> argv = pointers(argv_texts);
  const std::vector<char*> envp = pointers(env_texts);

  const source::FileDescriptor there = opened(folder);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw Failure(FailureKind::failed, "cannot make a pipe: " + errno_message(errno));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  const int error = errno;
  if (pid_ == 0) become(argv.data(), envp.data(), there.get(), pipe[1], parent);
  ::close(pipe[1]);
  output_ = pipe[0];
  if (pid_ > 0) return;
  ::close(output_);
  throw Failure(FailureKind::failed, "cannot start a process: " + errno_message(error));
}

Child::~Child() {
  if (output_ >= 0) ::close(output_);
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

asio::awaitable<int> Child::run(std::function<void(const std::string&)> line) {
  asio::posix::stream_descriptor output(executor_, std::exchange(output_, -1));
  std::string text;
  std::array<char, 4096> bytes{};
  for (;;) {
    const auto buffer = asio::buffer(bytes);
    const auto [error, count] =
        co_await output.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) break;
    take_lines(text, {bytes.data(), count}, line);
  }
  if (!text.empty()) line(text);
  asio::posix::stream_descriptor ended(executor_, open_pidfd(pid_));
  co_await ended.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sluice::jobs
