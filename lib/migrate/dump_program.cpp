#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/failure.hpp"
#include "migrate/scratch.hpp"

extern char** environ;

namespace sluice::migrate {
namespace {

/// A file without a name, that this user alone can read.
class Unnamed {
 public:
  explicit Unnamed(const std::string& who) {
    const char* const folder = std::getenv("TMPDIR");
    std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/pgsluice-XXXXXX";
    descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor_ < 0) {
      throw Failure(FailureKind::failed,
                    who + "cannot make a file in " + path + ": " + errno_message(errno));
    }
    ::unlink(path.c_str());
  }
  ~Unnamed() { ::close(descriptor_); }
  Unnamed(const Unnamed&) = delete;
  Unnamed& operator=(const Unnamed&) = delete;

  int descriptor() const { return descriptor_; }
  std::string text() const {
    ::lseek(descriptor_, 0, SEEK_SET);
    std::string all;
    std::array<char, 65536> part{};
    for (ssize_t size = 0; (size = ::read(descriptor_, part.data(), part.size())) > 0;)
      all.append(part.data(), static_cast<std::size_t>(size));
    return all;
  }

 private:
  int descriptor_ = -1;
};

struct FileActions {
  posix_spawn_file_actions_t actions{};
  FileActions() { ::posix_spawn_file_actions_init(&actions); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

std::vector<char*> pointers_of(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// This process's, where what is added counts more.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view text(*one);
    const std::string_view name = text.substr(0, text.find('='));
    bool is_added = false;
    for (const std::string& other : added)
      is_added = is_added || other.substr(0, other.find('=')) == name;
    if (!is_added) all.emplace_back(text);
  }
  return all;
}

/// Waits; ends it where it is asked to stop.
int exit_status_of(pid_t process, const Stop& stop) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended == process) return status;
    if (ended < 0 && errno != EINTR) return -1;
    try {
      stop.sleep(std::chrono::milliseconds(20));
    } catch (const Failure&) {
      ::kill(process, SIGTERM);
      ::waitpid(process, &status, 0);
      throw;
    }
  }
}

}  // namespace

std::string dumped(const DumpProgram& dump, const DumpWish& wish, const Options& options,
                   const Stop& stop) {
  const Unnamed out(wish.who);
  const Unnamed said(wish.who);
  FileActions actions;
  ::posix_spawn_file_actions_addopen(&actions.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions.actions, out.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.actions, said.descriptor(), STDERR_FILENO);
  std::vector<std::string> arguments{
      dump.program, "--no-password",
      "--lock-wait-timeout=" + std::to_string(options.lock_timeout.count())};
  arguments.insert(arguments.end(), wish.arguments.begin(), wish.arguments.end());
  std::vector<std::string> environment = environment_with(dump.environment);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, dump.program.c_str(), &actions.actions, nullptr,
                                   pointers_of(arguments).data(), pointers_of(environment).data());
  if (error != 0) {
    throw Failure(FailureKind::failed,
                  wish.who + "cannot run " + dump.program + ": " + errno_message(error) +
                      "; --pg-dump PROGRAM says where it is (package postgresql-client)");
  }
  const int status = exit_status_of(process, stop);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return out.text();
  std::string what = said.text();
  while (what.ends_with('\n')) what.pop_back();
  throw Failure(FailureKind::failed, wish.who + dump.program + " failed: " + what);
}

}  // namespace sluice::migrate
