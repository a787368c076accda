#include "process/child.hpp"

#include "source/stdin.hpp"

namespace sluice::process {

using source::FileDescriptor;

void Call::name_stdin(const std::string& name) {
  environment.push_back(std::string(source::stdin_name) + "=" + name);
}

void Call::tell_length_of_stdin(std::uint64_t bytes) {
  environment.push_back(std::string(source::stdin_length) + "=" + std::to_string(bytes));
}

Child::Child(const asio::any_io_executor& executor, const Call& call) : said_(executor) {
  const FileDescriptor there = opened_folder(call.folder);
  std::vector<std::string> environment = call.environment;
  FedStreams theirs;
  if (call.is_fed) {
    ends_.emplace(executor, theirs);
    environment.push_back(std::string(source::stdin_seal) + "=" +
                          std::to_string(theirs.seal.get()));
  } else {
    Pipe said;
    said_.assign(said.out.release());
    theirs.said = std::move(said.in);
    theirs.input = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  const Streams streams{.input = theirs.input.get(),
                        .result = call.is_fed ? theirs.result.get() : theirs.said.get(),
                        .said = theirs.said.get(),
                        .seal = theirs.seal.get(),
                        .folder = there.get()};
  process_.emplace(executor, call.arguments, std::move(environment), streams);
}

asio::awaitable<int> Child::run(Line line) {
  co_await read_lines(said_, line);
  co_return co_await process_->end();
}

asio::awaitable<int> Child::run(Line line, std::string& result) {
  co_await ends_->read(line, result);
  co_return co_await process_->end();
}

}  // namespace sluice::process
