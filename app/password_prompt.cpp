#include "app/password_prompt.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "base/failure.hpp"
#include "base/printable.hpp"
#include "pg/password.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::app {
namespace {

enum class Asks { when_wanted, at_once, never };

Asks& asks() {
  static Asks when = Asks::when_wanted;
  return when;
}

constexpr std::size_t password_bytes_max = 4096;

/// A terminal that shows nothing of what is typed; Ctrl-C comes as a character, as the program's
/// own signals wait for what is asked here.
class SilentTerminal {
 public:
  SilentTerminal() : tty_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    is_there_ = tty_.get() >= 0 && ::tcgetattr(tty_.get(), &before_) == 0;
    if (!is_there_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG | ICANON);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ::tcsetattr(tty_.get(), TCSAFLUSH, &silent);
  }
  ~SilentTerminal() {
    if (is_there_) ::tcsetattr(tty_.get(), TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool is_there() const { return is_there_; }
  void say(const std::string& text) const {
    [[maybe_unused]] const ssize_t written = ::write(tty_.get(), text.data(), text.size());
  }
  /// Nothing where the terminal is gone.
  std::optional<char> next() const {
    for (;;) {
      char c = 0;
      const ssize_t count = ::read(tty_.get(), &c, 1);
      if (count == 1) return c;
      if (count == 0 || errno != EINTR) return std::nullopt;
    }
  }

 private:
  source::FileDescriptor tty_;
  termios before_{};
  bool is_there_ = false;
};

/// What somebody has typed; nothing where they did not want to say.
struct Typed {
  std::optional<std::string> password;
  bool is_interrupted = false;
};

Typed read_password(const SilentTerminal& terminal) {
  constexpr char interrupt = '\x03', end = '\x04', backspace = '\b', clear = '\x15', erase = '\x7f';
  std::string typed;
  while (typed.size() < password_bytes_max) {
    const std::optional<char> c = terminal.next();
    if (!c || *c == end) return {};
    if (*c == interrupt) return {.is_interrupted = true};
    if (*c == '\n' || *c == '\r') return {.password = typed};
    if (*c == clear) {
      typed.clear();
    } else if (*c == erase || *c == backspace) {
      // A character of UTF-8 is all of its bytes.
      while (!typed.empty() && (static_cast<unsigned char>(typed.back()) & 0xC0U) == 0x80U)
        typed.pop_back();
      if (!typed.empty()) typed.pop_back();
    } else {
      typed += *c;
    }
  }
  return {};
}

/// A job of a scheduler, or what is written to a file, has no person who reads what is asked.
std::optional<std::string> ask_at_terminal(const std::string& user) {
  if (::isatty(STDERR_FILENO) == 0) return std::nullopt;
  Typed typed;
  {
    const SilentTerminal terminal;
    if (!terminal.is_there()) return std::nullopt;
    terminal.say(user.empty() ? "Password: " : "Password for user " + printable_line(user) + ": ");
    typed = read_password(terminal);
    terminal.say("\r\n");
  }
  if (typed.is_interrupted) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  return typed.password;
}

}  // namespace

void add_password_flags(CLI::App& command, const std::string& group) {
  command
      .add_flag_callback(
          "-W,--password", [] { asks() = Asks::at_once; },
          "ask for a password before connecting (default: at a terminal, when the server wants "
          "one)")
      ->group(group);
  command
      .add_flag_callback(
          "-w,--no-password", [] { asks() = Asks::never; }, "never ask for a password")
      ->group(group);
}

void settle_password_prompt() {
  const Asks when = std::exchange(asks(), Asks::when_wanted);
  // Where nobody can be asked no connection is made to find out whether to ask: a server that says
  // nothing would hold that one for its whole time, signals or not.
  const bool can_ask = when == Asks::at_once || ::isatty(STDERR_FILENO) != 0;
  if (when == Asks::never || !can_ask) return pg::ask_passwords_with({});
  pg::ask_passwords_with(ask_at_terminal);
  if (when == Asks::at_once && !pg::ask_password(""))
    throw Failure(FailureKind::usage,
                  "-W asks for the password at a terminal, and there is none: write it into "
                  ".pgpass, or PGPASSWORD");
}

}  // namespace sluice::app
