#include "process/ends.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "async/task_group.hpp"
#include "base/characters.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::process {
namespace {

/// Hands on what is whole with `more` behind `text`, and keeps the rest. A line without end is
/// handed on in parts, so that it is never in memory as a whole.
void take_lines(std::string& text, std::string_view more, const Line& line) {
  while (!more.empty()) {
    const std::size_t end = more.find('\n');
    text += more.substr(0, end);
    more.remove_prefix(end == std::string_view::npos ? more.size() : end);
    const bool is_whole = !more.empty();
    if (is_whole) more.remove_prefix(1);
    while (text.size() > limits::said_line_bytes) {
      // What is no UTF-8 is handed on too.
      const std::size_t part =
          std::max<std::size_t>(whole_characters(text, limits::said_line_bytes), 1);
      line(text.substr(0, part));
      text.erase(0, part);
    }
    if (!is_whole) continue;
    line(text);
    text.clear();
  }
}

/// Hands over what comes there, until it ends.
template <class Take>
asio::awaitable<void> read_all(asio::posix::stream_descriptor& from, Take take) {
  std::array<char, 4096> bytes{};
  for (;;) {
    const auto buffer = asio::buffer(bytes);
    const auto [error, count] =
        co_await from.async_read_some(buffer, asio::as_tuple(asio::use_awaitable));
    if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
    if (error) co_return;
    take(std::string_view(bytes.data(), count));
  }
}

asio::awaitable<void> read_result(asio::posix::stream_descriptor& from, std::string& result) {
  const auto take = [&result](std::string_view more) {
    result += more.substr(0, limits::said_result_bytes - result.size());
  };
  co_await read_all(from, take);
}

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw Failure(FailureKind::failed, "cannot make a pipe: " + errno_message(errno));
  out = source::FileDescriptor(ends[0]);
  in = source::FileDescriptor(ends[1]);
}

asio::awaitable<void> read_lines(asio::posix::stream_descriptor& from, const Line& line) {
  std::string text;
  const auto take = [&](std::string_view more) { take_lines(text, more, line); };
  co_await read_all(from, take);
  if (!text.empty()) line(text);
}

Ends::Ends(const asio::any_io_executor& executor, FedStreams& theirs)
    : said_(executor), result_(executor), input_(executor) {
  Pipe input;
  Pipe result;
  Pipe said;
  Pipe seal;
  ::fcntl(input.in.get(), F_SETPIPE_SZ, static_cast<int>(limits::fed_pipe_bytes));
  // They are Asio's to read or to write, without waiting.
  input_.assign(input.in.release());
  result_.assign(result.out.release());
  said_.assign(said.out.release());
  seal_ = std::move(seal.in);
  theirs = {.input = std::move(input.out),
            .result = std::move(result.in),
            .said = std::move(said.in),
            .seal = std::move(seal.out)};
}

asio::awaitable<void> Ends::read(const Line& line, std::string& result) {
  async::TaskGroup both(said_.get_executor());
  both.spawn(read_lines(said_, line));
  both.spawn(read_result(result_, result));
  co_await both.join();
}

asio::awaitable<bool> Ends::feed(asio::const_buffer bytes) {
  const auto [error, written] =
      co_await asio::async_write(input_, bytes, asio::as_tuple(asio::use_awaitable));
  if (error == asio::error::operation_aborted) throw boost::system::system_error(error);
  co_return !error;
}

void Ends::seal() {
  if (seal_.get() < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(seal_.get(), "", 1);
  input_.close();
}

void Ends::cut() {
  input_.close();
  seal_ = source::FileDescriptor();
}

}  // namespace sluice::process
