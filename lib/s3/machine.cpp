#include "s3/machine.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "base/failure.hpp"
#include "s3/process.hpp"

namespace sluice::s3 {
namespace {

/// More than this is no file of settings.
constexpr std::streamsize file_bytes_max = 1024 * 1024;

std::optional<std::string> variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<std::string> file(const std::string& path) {
  errno = 0;
  std::ifstream from(path, std::ios::binary);
  if (!from && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(file_bytes_max) + 1, '\0');
  if (from) from.read(bytes.data(), file_bytes_max + 1);
  if (!from.is_open() || from.bad())
    throw Failure(FailureKind::usage, path + ": cannot be read: " + errno_message(errno));
  if (from.gcount() > file_bytes_max)
    throw Failure(FailureKind::usage, path + ": is too long to be a file of settings");
  bytes.resize(static_cast<std::size_t>(from.gcount()));
  return bytes;
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

}  // namespace

Machine this_machine(http::Send send, http::Send send_near) {
  return {.variable = variable,
          .file = file,
          .run = run_program,
          .now = now,
          .send = std::move(send),
          .send_near = std::move(send_near)};
}

std::vector<std::string> words_of(const std::string& command, const std::string& what) {
  return Words(what).of(command);
}

}  // namespace sluice::s3
