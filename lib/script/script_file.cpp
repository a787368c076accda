#include "script/script_file.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::script {
namespace {

namespace fs = std::filesystem;

/// What is no file would be waited for without end, or has none: a pipe, a device.
void require_file(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status) || fs::is_regular_file(status)) return;
  const char* const what = fs::is_directory(status) ? "a folder"
                           : fs::is_fifo(status)    ? "a named pipe"
                           : fs::is_socket(status)  ? "a socket"
                                                    : "a device";
  throw Failure(FailureKind::usage,
                path + ": is " + what + ", and no file; a migration is read more than once");
}

}  // namespace

void ScriptText::add(std::string_view bytes, std::string& text) {
  if (is_first_) {
    is_first_ = false;
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
      throw Failure(FailureKind::usage, path_ + ": is UTF-16; save it as UTF-8");
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  }
  while (!bytes.empty()) {
    if (holds_carriage_return_ && bytes.front() != '\n') take("\r", text);
    holds_carriage_return_ = false;
    const std::size_t end = std::min(bytes.find('\r'), bytes.size());
    take(bytes.substr(0, end), text);
    holds_carriage_return_ = end < bytes.size();
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

void ScriptText::end(std::string& text) {
  if (holds_carriage_return_) take("\r", text);
  holds_carriage_return_ = false;
  ways_.end(text, hash_);
}

void ScriptText::take(std::string_view part, std::string& text) {
  const std::size_t zero = part.find('\0');
  const auto lines_in = [](std::string_view of) {
    return static_cast<std::uint64_t>(std::ranges::count(of, '\n'));
  };
  lines_ += lines_in(part.substr(0, zero));
  if (zero != std::string_view::npos) {
    throw Failure(FailureKind::usage, path_ + ":" + std::to_string(lines_ + 1) +
                                          ": a byte 0 stands here, which SQL cannot hold; if the "
                                          "file is UTF-16, save it as UTF-8");
  }
  ways_.add(part, text, hash_);
}

/// By stdio: a file stream would cost more than all the rest of reading a small file.
ScriptFile::ScriptFile(const std::string& path, Way way) : path_(path), text_(path, way) {
  require_file(path);
  errno = 0;
  file_.reset(std::fopen(path.c_str(), "rbe"));
  if (!file_) throw Failure(FailureKind::usage, path + ": cannot be read: " + errno_message(errno));
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
}

bool ScriptFile::read(std::string& text, std::size_t bytes) {
  constexpr std::size_t read_bytes = 64 * limits::KiB;
  const auto part = std::make_unique_for_overwrite<char[]>(read_bytes);
  while (bytes > 0) {
    const std::size_t wanted = std::min(bytes, read_bytes);
    const std::size_t count = std::fread(part.get(), 1, wanted, file_.get());
    text_.add({part.get(), count}, text);
    bytes -= count;
    if (count == wanted) continue;
    if (std::ferror(file_.get()) != 0)
      throw Failure(FailureKind::usage, path_ + ": cannot be read: " + errno_message(errno));
    text_.end(text);
    return false;
  }
  return true;
}

}  // namespace sluice::script
