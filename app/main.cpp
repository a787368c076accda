#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "base/left_threads.hpp"
#include "script/secret_arguments.hpp"

namespace {

/// A caller may have closed them; then the next file or socket would be stdout, and get what is
/// written there.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
  }
}

/// ps shows the arguments of every process to everybody: what may be a secret is written over, in
/// the memory that the kernel shows. Returns what the program goes by.
std::vector<std::string> take_arguments(int argc, char** argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  const auto secrets = sluice::script::secrets_in(arguments);
  for (std::size_t i = 1; i < arguments.size(); ++i)
    for (const auto& [begin, end] : secrets[i]) std::fill(argv[i] + begin, argv[i] + end, '*');
  // The first one is the program's name.
  arguments.erase(arguments.begin(), arguments.begin() + std::min(argc, 1));
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  // Who reads what we say may go away, and a limit on the size of files may be met: neither ends a
  // load without a word.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Large buffers go back to the system when they are freed: glibc would keep them, and memory
  // would not be flat.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  const int code = sluice::app::run_and_tell(take_arguments(argc, argv));
  if (!sluice::are_threads_left()) return code;
  std::fflush(nullptr);
  ::_exit(code);
}
