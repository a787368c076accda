#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "app/cli.hpp"
#include "app/kept_sessions.hpp"
#include "app/output.hpp"
#include "base/exit_code.hpp"
#include "base/worker_limits.hpp"
#include "jobs/handed.hpp"
#include "process/task.hpp"
#include "source/stdin.hpp"

namespace sluice::app {
namespace {

using source::FileDescriptor;

/// Variables of the environment, set as long as this lives.
class Variables {
 public:
  explicit Variables(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      const std::size_t equals = text.find('=');
      if (equals != text.npos) set(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  ~Variables() {
    for (const auto& [name, value] : before_) {
      if (value) {
        ::setenv(name.c_str(), value->c_str(), 1);
      } else {
        ::unsetenv(name.c_str());
      }
    }
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  /// Of a name that comes twice the first counts, as for getenv().
  void set(const std::string& name, const std::string& value) {
    const char* const old = std::getenv(name.c_str());
    const bool is_first =
        before_.emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old))
            .second;
    if (is_first) ::setenv(name.c_str(), value.c_str(), 1);
  }

  std::map<std::string, std::optional<std::string>> before_;
};

/// The standard streams are these, as long as this lives, and then again what they were.
class StandardStreams {
 public:
  explicit StandardStreams(const process::FedStreams& streams) {
    for (int number = 0; number < 3; ++number)
      before_[number] = FileDescriptor(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    ::dup2(streams.input.get(), STDIN_FILENO);
    ::dup2(streams.result.get(), STDOUT_FILENO);
    ::dup2(streams.said.get(), STDERR_FILENO);
  }
  ~StandardStreams() {
    flush_output();
    for (int number = 0; number < 3; ++number) ::dup2(before_[number].get(), number);
  }
  StandardStreams(const StandardStreams&) = delete;
  StandardStreams& operator=(const StandardStreams&) = delete;

 private:
  std::array<FileDescriptor, 3> before_;
};

/// A process is where its folder is.
class Whereabouts {
 public:
  explicit Whereabouts(int folder) {
    if (folder < 0) return;
    before_ = FileDescriptor(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (::fchdir(folder) != 0)
      throw Failure(FailureKind::failed, "cannot go to the folder: " + errno_message(errno));
  }
  ~Whereabouts() {
    if (before_.get() >= 0 && ::fchdir(before_.get()) != 0) std::abort();
  }
  Whereabouts(const Whereabouts&) = delete;
  Whereabouts& operator=(const Whereabouts&) = delete;

 private:
  FileDescriptor before_;
};

/// Runs the command as a process of its own would, with nothing left of it behind.
int run_task(process::Task task) {
  const StandardStreams streams(task.streams);
  for (FileDescriptor* fd : {&task.streams.input, &task.streams.result, &task.streams.said})
    *fd = FileDescriptor();
  task.environment.push_back(std::string(source::stdin_seal) + "=" +
                             std::to_string(task.streams.seal.get()));
  const Variables variables(task.environment);
  try {
    const Whereabouts there(task.folder.get());
    return run_and_tell(std::move(task.arguments));
  } catch (const Failure& failure) {
    print_error(failure.what());
    return exit_failed;
  }
}

namespace fs = std::filesystem;

/// "pipe:[4711]": what a descriptor is of.
std::string open_file(const fs::path& descriptor) {
  std::error_code error;
  return fs::read_symlink(descriptor, error);
}

std::set<std::string> files_of(const process::FedStreams& streams) {
  std::set<std::string> files;
  for (const auto* stream : {&streams.input, &streams.result, &streams.said, &streams.seal})
    files.insert(open_file("/proc/self/fd/" + std::to_string(stream->get())));
  return files;
}

bool has_open(const std::set<std::string>& files) {
  const fs::directory_iterator all("/proc/self/fd");
  return std::any_of(begin(all), end(all),
                     [&files](const auto& entry) { return files.contains(open_file(entry)); });
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// The process of a server that runs its calls.
class WorkerRun {
 public:
  explicit WorkerRun(FileDescriptor server) : server_(std::move(server)) {
    kept_sessions() = &sessions_;
  }
  ~WorkerRun() { kept_sessions() = nullptr; }
  WorkerRun(const WorkerRun&) = delete;
  WorkerRun& operator=(const WorkerRun&) = delete;

  int run() {
    for (std::size_t calls = 1;; ++calls) {
      await_task();
      std::optional<process::Task> task = process::receive_task(server_.get());
      if (!task) return exit_ok;  // the server has gone, or needs us no more
      use_sessions_of(*task);
      const std::set<std::string> files = files_of(task->streams);
      process::Done done{.exit_code = run_task(std::move(*task))};
      // Whoever reads what a call says reads until nobody can write there.
      done.is_last = calls >= limits::worker_calls_max || has_open(files) ||
                     resident_bytes() > limits::worker_resident_max;
      if (!process::send(server_.get(), done) || done.is_last) return exit_ok;
      sessions_.reset();
    }
  }

 private:
  /// Sessions that nobody uses are soon closed.
  void await_task() {
    pollfd waited{server_.get(), POLLIN, 0};
    while (sessions_.size() > 0) {
      const int ready = ::poll(&waited, 1, limits::kept_session_idle_max.count());
      if (ready > 0) return;
      if (ready == 0) sessions_.close_all();
    }
  }

  /// libpq reads variables of its own, and a table's functions may leave something in a session
  /// that no reset takes away (a connection of dblink, a setting that is empty instead of not
  /// there): sessions are those of a call that sets the same.
  void use_sessions_of(const process::Task& task) {
    std::vector<std::string> variables;
    for (const std::string& variable : task.environment)
      if (!variable.starts_with("PGSLUICE_") ||
          variable.starts_with(std::string(jobs::sessions_of) + "="))
        variables.push_back(variable);
    if (variables != variables_) sessions_.close_all();
    variables_ = std::move(variables);
  }

  FileDescriptor server_;
  KeptSessions sessions_;
  std::vector<std::string> variables_;
};

/// Its stdin, which is no call's.
FileDescriptor take_server() {
  int kind = 0;
  socklen_t size = sizeof kind;
  if (::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 || kind != SOCK_SEQPACKET)
    throw Failure(FailureKind::usage, "worker: this is what pgsluice serve starts");
  FileDescriptor server(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::dup2(nothing.get(), STDIN_FILENO);
  return server;
}

}  // namespace

Run add_worker_command(CLI::App& app) {
  CLI::App& c = *app.add_subcommand("worker");
  c.group("");
  c.set_help_flag("--help", "print this help and exit");
  return [] { return WorkerRun(take_server()).run(); };
}

}  // namespace sluice::app
