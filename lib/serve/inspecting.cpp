#include "serve/inspecting.hpp"

#include <set>

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

asio::awaitable<std::size_t> Beginning::read(asio::mutable_buffer into) {
  const std::size_t count = co_await of_.read(into);
  bytes_ += count;
  if (bytes_ > inspect_bytes_max) refuse_length();
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
