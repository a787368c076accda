#include "s3/machine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/failure.hpp"
#include "base/printable.hpp"
#include "s3/process.hpp"

namespace sluice::s3 {
namespace {

/// More than this is no file of settings.
constexpr std::size_t file_bytes_max = 1024 * 1024;

std::optional<std::string> variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class Words {
 public:
  explicit Words(const std::string& what) : what_(what) {}

  std::vector<std::string> of(const std::string& command) {
    for (std::size_t at = 0; at < command.size(); ++at) take(command, at);
    if (quote_ != '\0') throw Failure(FailureKind::usage, what_ + ": a quote in it does not end");
    end();
    return std::move(words_);
  }

 private:
  void take(const std::string& command, std::size_t& at) {
    const char c = command[at];
    const bool may_escape = c == '\\' && quote_ != '\'' && at + 1 < command.size();
    if (may_escape && (quote_ == '\0' || command[at + 1] == '"' || command[at + 1] == '\\')) {
      add(command[++at]);
    } else if (quote_ != '\0') {
      if (c == quote_) {
        quote_ = '\0';
      } else {
        add(c);
      }
    } else if (c == '"' || c == '\'') {
      quote_ = c;
      is_open_ = true;
    } else if (c == ' ' || c == '\t') {
      end();
    } else {
      add(c);
    }
  }

  void add(char c) {
    word_ += c;
    is_open_ = true;
  }

  void end() {
    if (is_open_) words_.push_back(std::move(word_));
    word_.clear();
    is_open_ = false;
  }

  const std::string& what_;
  std::vector<std::string> words_;
  std::string word_;
  char quote_ = '\0';
  bool is_open_ = false;
};

/// Closes it at the end.
class OpenFile {
 public:
  /// Without a wait: a fifo would have one until somebody writes.
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Appends all, or one byte more than a file of settings has. False with errno where it fails.
bool read_all(int descriptor, std::string& bytes) {
  std::array<char, 8192> piece{};
  while (bytes.size() <= file_bytes_max) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got == 0) return true;
    if (got > 0) bytes.append(piece.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> settings_in(const std::string& path) {
  const auto refuse = [&path](const std::string& problem) {
    throw Failure(FailureKind::usage, printable_line(path) + ": " + problem);
  };
  const OpenFile from(path);
  if (from.get() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (from.get() < 0) refuse("cannot be read: " + errno_message(errno));
  struct stat status{};
  if (::fstat(from.get(), &status) != 0) refuse("cannot be read: " + errno_message(errno));
  // What /dev/null has is nothing, and people say so by it.
  const bool is_null = S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);
  if (!S_ISREG(status.st_mode) && !is_null) refuse("is no regular file");
  std::string bytes;
  if (!read_all(from.get(), bytes)) refuse("cannot be read: " + errno_message(errno));
  if (bytes.size() > file_bytes_max) refuse("is too long to be a file of settings");
  return bytes;
}

Machine this_machine(http::Send send, http::Send send_near, std::stop_token stop) {
  const auto run = [stop = std::move(stop)](const std::vector<std::string>& arguments) {
    return run_program(arguments, stop);
  };
  return {.variable = variable,
          .file = settings_in,
          .run = run,
          .now = now,
          .send = std::move(send),
          .send_near = std::move(send_near)};
}

std::vector<std::string> words_of(const std::string& command, const std::string& what) {
  return Words(what).of(command);
}

}  // namespace sluice::s3
