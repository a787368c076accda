#include "support/process.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "support/patience.hpp"

namespace sluice::test {

Process::Process(std::vector<std::string> arguments, Options options) {
  const std::string out = folder_ / "out";
  const std::string err = folder_ / "err";
  const std::string in = options.input.empty() ? "/dev/null" : options.input;
  std::vector<char*> argv{options.program.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
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

Finished Process::wait() {
  if (!reaped_) {
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
