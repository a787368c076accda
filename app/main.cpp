#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/output.hpp"

namespace {

/// A caller may have closed them; then the next file or socket would be stdout, and get what is
/// written there.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
  }
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
  try {
    return sluice::app::run_program(argc, argv);
  } catch (const sluice::Failure& failure) {
    sluice::app::print_error(failure.what());
    return sluice::app::exit_code_of(failure.kind(), 0);
  } catch (const std::exception& error) {
    sluice::app::print_error(error.what());
    return sluice::app::exit_failed;
  }
}
