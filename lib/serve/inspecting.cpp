#include "serve/inspecting.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "async/deadline.hpp"
#include "base/limits.hpp"
#include "serve/query.hpp"

namespace sluice::serve {
namespace {

/// What it may unpack to: a beginning of such a size is not small by chance.
constexpr const char* unpacked_max = "--max-bytes=64MiB";

[[noreturn]] void refuse_length() {
  throw Refused{413, "what a file is, is told by its beginning: no more than 1 MiB of it is taken"};
}

}  // namespace

Beginning::Beginning(Exchange& of) : of_(of) {
  const auto length = digits_of(of.request().header("content-length"));
  if (length && static_cast<std::uint64_t>(*length) > inspect_bytes_max) refuse_length();
}

asio::awaitable<void> Beginning::fetch_all() {
  std::vector<char> some(limits::serve_read_bytes);
  for (;;) {
    const std::size_t count = co_await of_.read(asio::buffer(some));
    if (count == 0) co_return;
    body_.append(some.data(), count);
    if (body_.size() > inspect_bytes_max) refuse_length();
  }
}

asio::awaitable<void> Beginning::fetch() {
  asio::awaitable<void> fetching = fetch_all();
  bool is_late = false;
  try {
    const auto deadline = async::Clock::now() + limits::serve_inspection_max;
    co_await async::with_deadline(std::move(fetching), deadline);
  } catch (const async::TimedOut&) {
    is_late = true;
  }
  if (is_late) throw Refused{408, "a beginning comes within half a minute"};
}

asio::awaitable<std::size_t> Beginning::read(asio::mutable_buffer into) {
  const std::size_t count = std::min(into.size(), body_.size() - read_);
  std::memcpy(into.data(), body_.data() + read_, count);
  read_ += count;
  co_return count;
}

asio::awaitable<void> Beginning::inform(int status, Headers headers) {
  return of_.inform(status, std::move(headers));
}

asio::awaitable<void> Beginning::answer(Answer answer) { return of_.answer(std::move(answer)); }

asio::awaitable<void> Beginning::begin(Answer head) { return of_.begin(std::move(head)); }

asio::awaitable<void> Beginning::write(std::string part) { return of_.write(std::move(part)); }

Uploads::Wanted inspection_of(const Target& target, const Permission& permission) {
  Uploads::Wanted wanted{
      .call = {.arguments = {"inspect", "--output=json", unpacked_max}, .is_fed = true},
      .owner = {.name = permission.name, .table = {}},
      .content_digest = {},
      .repr_digest = {}};
  std::set<std::string> seen;
  for (const auto& [name, value] : target.query) {
    if (name != "table" && name != "names" && name != "encoding" && name != "member")
      throw Refused{400, "what is looked at is told table, names, encoding and member, and not \"" +
                             name + "\""};
    if (!seen.insert(name).second) throw Refused{400, name + " is said twice"};
    if (name == "table") {
      wanted.owner.table = table_name_of(value);
      if (!permission.may_use(wanted.owner.table))
        throw Refused{403, "this token may not use " + value};
    }
    wanted.call.arguments.push_back("--" + name + "=" + value);
  }
  for (const char* argument : {"--", "-"}) wanted.call.arguments.emplace_back(argument);
  return wanted;
}

}  // namespace sluice::serve
