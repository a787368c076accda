#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "support/files.hpp"

namespace sluice::test {

struct Finished {
  int exit_code = 0;  ///< 128 + signal for a process that a signal ended
  std::string out;
  std::string err;
  long rss_kib_max = 0;
};

/// The program under test as a process of its own.
class Process {
 public:
  struct Options {
    std::string input;                     ///< path of what becomes stdin; empty for /dev/null
    std::vector<std::string> environment;  ///< NAME=value, added
    std::string program = PGSLUICE_BINARY;
  };

  explicit Process(std::vector<std::string> arguments) : Process(std::move(arguments), Options()) {}
  Process(std::vector<std::string> arguments, Options options);
  /// Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  /// Until it ends. What hangs is killed after `patience_with_a_process`, and what it waited for is
  /// said: with all that the test's server does.
  Finished wait();
  std::string out_so_far() const { return read_file(folder_ / "out"); }
  std::string err_so_far() const { return read_file(folder_ / "err"); }
  /// Waits until it has written that to stderr; false where it ended, or some
  /// minutes passed, before.
  bool says(const std::string& text);

 private:
  bool ends_in_time() const;

  TemporaryFolder folder_;
  std::string shown_;  ///< its command line
  pid_t pid_ = -1;
  bool reaped_ = false;
  int status_ = 0;
  long rss_kib_max_ = 0;
};

/// Runs pgsluice to its end.
Finished pgsluice(std::vector<std::string> arguments);
Finished pgsluice(std::vector<std::string> arguments, Process::Options options);

}  // namespace sluice::test
