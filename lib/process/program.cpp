#include "process/program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "async/run_beside.hpp"
#include "base/failure.hpp"
#include "base/hook_limits.hpp"
#include "process/ends.hpp"

namespace sluice::process {
namespace {

/// A file in memory: whoever does not read it keeps nobody waiting.
source::FileDescriptor file_of(const std::string& text) {
  source::FileDescriptor file(::memfd_create("run", MFD_CLOEXEC));
  std::size_t done = 0;
  while (file.get() >= 0 && done < text.size()) {
    const ssize_t count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (file.get() < 0 || done < text.size() || ::lseek(file.get(), 0, SEEK_SET) != 0)
    throw Failure(FailureKind::failed, "cannot keep what it reads: " + errno_message(errno));
  return file;
}

/// What the new process does before it is the program.
class Spawning {
 public:
  Spawning() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~Spawning() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

void prepare(Spawning& with, const std::string& folder, int input, int said) {
  if (!folder.empty()) ::posix_spawn_file_actions_addchdir_np(&with.actions, folder.c_str());
  ::posix_spawn_file_actions_adddup2(&with.actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&with.actions, said, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&with.actions, said, STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&with.actions, STDERR_FILENO + 1);
  sigset_t usual;
  sigemptyset(&usual);
  ::posix_spawnattr_setsigmask(&with.attributes, &usual);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) sigaddset(&usual, number);
  ::posix_spawnattr_setsigdefault(&with.attributes, &usual);
  ::posix_spawnattr_setpgroup(&with.attributes, 0);
  ::posix_spawnattr_setflags(
      &with.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

}  // namespace

Program::Program(asio::any_io_executor executor, const ProgramCall& call)
    : executor_(std::move(executor)),
      time_max_(call.time_max),
      said_(executor_),
      ended_(executor_),
      timer_(executor_),
      heard_(executor_) {
  std::vector<std::string> arguments = call.arguments;
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const source::FileDescriptor input = file_of(call.input);
  Pipe said;
  Spawning with;
  prepare(with, call.folder, input.get(), said.in.get());
  const int error =
      ::posix_spawnp(&pid_, argv.front(), &with.actions, &with.attributes, argv.data(), environ);
  if (error != 0) {
    pid_ = -1;
    throw Failure(FailureKind::failed,
                  call.arguments.front() + ": cannot be run: " + errno_message(error));
  }
  const int ended = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (ended < 0) {
    const int why = errno;
    ::kill(-pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    throw Failure(FailureKind::failed, "cannot follow a process: " + errno_message(why));
  }
  ended_.assign(ended);
  said_.assign(said.out.release());
}

Program::~Program() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::stop_after(std::chrono::milliseconds time) {
  timer_.expires_after(time);
  const auto on_time = [self = std::weak_ptr(self_)](boost::system::error_code error) {
    if (const auto still = self.lock(); still && !error) (*still)->press();
  };
  timer_.async_wait(on_time);
}

/// SIGTERM to all of its group, and SIGKILL a while later.
void Program::press() {
  if (pid_ < 0) return;
  ::kill(-pid_, is_pressed_ ? SIGKILL : SIGTERM);
  if (!std::exchange(is_pressed_, true)) stop_after(limits::program_kill_after);
}

asio::awaitable<void> Program::read(Line line) {
  std::size_t bytes = 0;
  const Line counted = [&](const std::string& text) {
    bytes += text.size() + 1;
    if (bytes <= limits::program_said_bytes) {
      line(text);
    } else if (!std::exchange(is_loud_, true)) {
      press();
    }
  };
  co_await read_lines(said_, counted);
  has_said_all_ = true;
  heard_.notify();
}

asio::awaitable<void> Program::wait_for_end(ProgramEnd& end) {
  stop_after(time_max_);
  co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  timer_.cancel();
  // What is left of its group may hold on to its streams for ever.
  if (is_pressed_) ::kill(-pid_, SIGKILL);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  end.is_loud = is_loud_;
  end.is_late = is_pressed_ && !is_loud_;
  if (!has_said_all_) co_await heard_.wait(async::Deadline::after(limits::program_last_words));
}

asio::awaitable<ProgramEnd> Program::run(Line line) {
  ProgramEnd end;
  async::TaskGroup beside(executor_);
  beside.spawn(read(std::move(line)));
  co_await async::run_beside(wait_for_end(end), beside);
  co_return end;
}

}  // namespace sluice::process
