// Objects of web servers, a few at a time and not too many a second; one that fails is a value
// among the others.

#include <array>
#include <string>
#include <vector>

#include "async/gather.hpp"
#include "async/offload.hpp"
#include "async/rate_limiter.hpp"
#include "example.hpp"
#include "http/object_reader.hpp"

using namespace sluice;
namespace asio = boost::asio;

/// In parts, all of one version; what is lost on the way is asked for again.
std::size_t read_all(const std::string& url) {
  http::ObjectReader object(http::address_of(url), {});
  std::array<char, 65536> buffer{};
  std::size_t bytes = 0;
  while (const std::size_t got = object.read_some(buffer.data(), buffer.size())) bytes += got;
  return bytes;
}

asio::awaitable<std::size_t> fetch(asio::thread_pool& threads, async::RateLimiter& starts,
                                   std::string url) {
  co_await starts.acquire(1);
  const auto read = [&url] { return read_all(url); };
  co_return co_await async::offload(threads, read);
}

asio::awaitable<void> program(std::vector<std::string> urls) {
  constexpr std::size_t at_once = 2;
  asio::thread_pool threads(at_once);
  async::RateLimiter starts(100, 0);  // a second
  std::vector<asio::awaitable<std::size_t>> tasks;
  for (const std::string& url : urls) tasks.push_back(fetch(threads, starts, url));
  for (const auto& bytes :
       co_await async::gather_settled(std::move(tasks), {.running_max = at_once}))
    std::printf("%s\n", bytes ? (std::to_string(*bytes) + " bytes").c_str() : "failed");
}

int main(int argc, char** argv) { return example::run(program({argv + 1, argv + argc})); }
