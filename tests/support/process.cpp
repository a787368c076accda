#include "support/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "support/patience.hpp"
#include "support/server.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

/// Longer than any command of a test takes, beside others on a small machine.
std::chrono::minutes patience_with_a_process() {
  return std::chrono::minutes(every(12) == 1 ? 120 : 10);
}

/// All that goes on at the server, and which locks are waited for.
std::string activity() {
  const std::string query =
      "select a.datname, a.pid, a.application_name, a.state, a.wait_event, "
      "pg_blocking_pids(a.pid), now() - a.xact_start, left(a.query, 300) from pg_stat_activity a "
      "where a.backend_type = 'client backend' and a.datname <> 'postgres' order by 1, 2";
  return output_of("psql -X -A -F ' | ' -c \"" + query + "\" '" + ServerEnvironment::url() +
                   "' 2>&1 || true");
}

std::string other_processes() {
  return output_of("ps -eo pid,ppid,stat,wchan:20,etime,args | grep [p]gsluice || true");
}

}  // namespace

Process::Process(std::vector<std::string> arguments, Options options) {
  const std::string out = folder_ / "out";
  const std::string err = folder_ / "err";
  const std::string in = options.input.empty() ? "/dev/null" : options.input;
  std::vector<char*> argv{options.program.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  for (std::size_t i = 0; i + 1 < argv.size(); ++i)
    shown_ += std::string(i > 0 ? " " : "") + argv[i];
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ > 0) return;
  const auto redirect = [](const char* path, int flags, int to) {
    const int fd = ::open(path, flags, 0644);
    if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(126);
    ::close(fd);
  };
  redirect(in.c_str(), O_RDONLY, STDIN_FILENO);
  redirect(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  for (std::string& variable : options.environment) ::putenv(variable.data());
  ::execvp(options.program.c_str(), argv.data());
  ::_exit(127);
}

Process::~Process() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::signal(int number) const {
  if (!reaped_) ::kill(pid_, number);
}

bool Process::running() {
  if (reaped_) return false;
  rusage usage{};
  if (::wait4(pid_, &status_, WNOHANG, &usage) == 0) return true;
  reaped_ = true;
  rss_kib_max_ = usage.ru_maxrss;
  return false;
}

bool Process::ends_in_time() const {
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (process < 0) return true;
  pollfd end{process, POLLIN, 0};
  const std::chrono::milliseconds longest = patience_with_a_process();
  const int ended = ::poll(&end, 1, static_cast<int>(longest.count()));
  ::close(process);
  return ended != 0;
}

Finished Process::wait() {
  if (!reaped_) {
    if (!ends_in_time()) {
      ADD_FAILURE() << shown_ << " did not end, and is killed. It had said:\n"
                    << out_so_far() << err_so_far() << "The server:\n"
                    << activity() << "\nProcesses:\n"
                    << other_processes();
      signal(SIGKILL);
    }
    rusage usage{};
    ::wait4(pid_, &status_, 0, &usage);
    reaped_ = true;
    rss_kib_max_ = usage.ru_maxrss;
  }
  const int code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  return {code, out_so_far(), err_so_far(), rss_kib_max_};
}

bool Process::says(const std::string& text) {
  return is_seen([&] { return err_so_far().contains(text) || !running(); }) &&
         err_so_far().contains(text);
}

Finished pgsluice(std::vector<std::string> arguments) {
  return Process(std::move(arguments)).wait();
}

Finished pgsluice(std::vector<std::string> arguments, Process::Options options) {
  return Process(std::move(arguments), std::move(options)).wait();
}

}  // namespace sluice::test
