#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>

#include "async/asio.hpp"
#include "process/fed.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::process {

struct Pipe {
  /// Throws Failure.
  Pipe();
  source::FileDescriptor out;
  source::FileDescriptor in;
};

/// Of one that is fed, what is its own.
struct FedStreams {
  source::FileDescriptor input;
  source::FileDescriptor result;
  source::FileDescriptor said;
  source::FileDescriptor seal;
};

/// Hands over each line that comes, until nobody can write there any more.
asio::awaitable<void> read_lines(asio::posix::stream_descriptor& from, const Line& line);

/// Our ends of what one that is fed reads and writes.
class Ends {
 public:
  /// Makes the pipes: `theirs` has the other ends. Throws Failure.
  Ends(const asio::any_io_executor& executor, FedStreams& theirs);

  /// Until all that could write there have closed it.
  asio::awaitable<void> read(const Line& line, std::string& result);
  asio::awaitable<bool> feed(asio::const_buffer bytes);
  void seal();
  void cut();

 private:
  asio::posix::stream_descriptor said_;
  asio::posix::stream_descriptor result_;
  asio::posix::stream_descriptor input_;
  source::FileDescriptor seal_;
};

}  // namespace sluice::process
