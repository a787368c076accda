#include "process/child.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <csignal>

#include "async/task_group.hpp"
#include "base/characters.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/path_text.hpp"
#include "source/seal.hpp"

namespace sluice::process {
namespace {

using source::FileDescriptor;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw Failure(FailureKind::failed, "cannot make a pipe: " + errno_message(errno));
    out = FileDescriptor(ends[0]);
    in = FileDescriptor(ends[1]);
  }
  FileDescriptor out;
  FileDescriptor in;
};

/// What a new process has open.
struct Streams {
  int input;
  int result;
  int said;
  int seal;    ///< -1: none
  int folder;  ///< -1: where its parent is
};

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
    while (text.size() > limits::said_line_bytes) {
      // What is no UTF-8 is handed on too.
      const std::size_t part =
          std::max<std::size_t>(whole_characters(text, limits::said_line_bytes), 1);
      line(text.substr(0, part));
      text.erase(0, part);
    }
    if (!is_whole) continue;
    line(text);
    text.clear();
  }
}

/// Nothing of an empty name.
FileDescriptor opened(const std::string& folder) {
  if (folder.empty()) return FileDescriptor();
  FileDescriptor there(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (there.get() < 0)
    throw Failure(FailureKind::failed, text_of_path(folder) + ": " + errno_message(errno));
  return there;
}

/// Ready when the process has ended.
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/// Asio's to read or to write, without waiting.
void give(asio::posix::stream_descriptor& to, FileDescriptor from) { to.assign(from.release()); }

/// Hands over what comes there, until it ends.
template <class Take>
asio::awaitable<void> read_all(asio::posix::stream_descriptor& from, Take take) {
  std::array<char, 4096> bytes{};
  for (;;) {
    const auto buffer = asio::buffer(bytes);
    const auto [error, count] =
        co_await from.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) co_return;
    take(std::string_view(bytes.data(), count));
  }
}

asio::awaitable<void> read_lines(asio::posix::stream_descriptor& from, const Child::Line& line) {
  std::string text;
  const auto take = [&](std::string_view more) { take_lines(text, more, line); };
  co_await read_all(from, take);
  if (!text.empty()) line(text);
}

asio::awaitable<void> read_result(asio::posix::stream_descriptor& from, std::string& result) {
  const auto take = [&result](std::string_view more) {
    result += more.substr(0, limits::said_result_bytes - result.size());
  };
  co_await read_all(from, take);
}

}  // namespace

Child::Child(const asio::any_io_executor& executor, const Call& call)
    : ended_(executor), press_(executor), said_(executor), result_(executor), input_(executor) {
  std::vector<std::string> argv_texts{"pgsluice"};
  argv_texts.insert(argv_texts.end(), call.arguments.begin(), call.arguments.end());
  // What is added comes first: getenv() finds it before the inherited value.
  std::vector<std::string> env_texts = call.environment;

  const FileDescriptor there = opened(call.folder);
  Pipe said;
  std::optional<Pipe> input;
  std::optional<Pipe> result;
  std::optional<Pipe> seal;
  if (call.is_fed) {
    env_texts.push_back(std::string(source::stdin_seal) + "=" +
                        std::to_string(seal.emplace().out.get()));
    input.emplace();
    result.emplace();
  }
  for (char** variable = environ; *variable != nullptr; ++variable)
    env_texts.emplace_back(*variable);
  const std::vector<char*> argv = pointers(argv_texts);
  const std::vector<char*> envp = pointers(env_texts);
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Streams streams{.input = input ? input->out.get() : nothing.get(),
                        .result = result ? result->in.get() : said.in.get(),
                        .said = said.in.get(),
                        .seal = seal ? seal->out.get() : -1,
                        .folder = there.get()};
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
  give(said_, std::move(said.out));
  if (!call.is_fed) return;
  ::fcntl(input->in.get(), F_SETPIPE_SZ, static_cast<int>(limits::fed_pipe_bytes));
  give(input_, std::move(input->in));
  give(result_, std::move(result->out));
  seal_ = std::move(seal->in);
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Child::stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after) {
  signal(SIGTERM);
  const auto later = [](Child& child, std::chrono::milliseconds delay, auto then) {
    child.press_.expires_after(delay);
    const auto on_time = [self = std::weak_ptr(child.self_),
                          then](boost::system::error_code error) {
      if (const auto still = self.lock(); still && !error) then(**still);
    };
    child.press_.async_wait(on_time);
  };
  const auto again = [later, kill_after](Child& child) {
    child.signal(SIGTERM);
    later(child, kill_after, [](Child& still) { still.signal(SIGKILL); });
  };
  later(*this, again_after, again);
}

asio::awaitable<int> Child::run(Line line) {
  co_await read_lines(said_, line);
  co_return co_await end();
}

asio::awaitable<int> Child::run(Line line, std::string& result) {
  async::TaskGroup both(said_.get_executor());
  both.spawn(read_lines(said_, line));
  both.spawn(read_result(result_, result));
  co_await both.join();
  co_return co_await end();
}

asio::awaitable<bool> Child::feed(asio::const_buffer bytes) {
  const auto [error, written] =
      co_await asio::async_write(input_, bytes, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  co_return !error;
}

void Child::seal() {
  if (seal_.get() < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(seal_.get(), "", 1);
  input_.close();
}

void Child::cut() {
  input_.close();
  seal_ = FileDescriptor();
}

asio::awaitable<int> Child::end() {
  co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  press_.cancel();
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace sluice::process
