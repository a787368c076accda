#pragma once

#include "serve/exchange.hpp"
#include "serve/target.hpp"
#include "serve/tokens.hpp"
#include "serve/uploads.hpp"

namespace sluice::serve {

/// How much of a file may be sent to be looked at: its beginning tells what it is.
inline constexpr std::size_t inspect_bytes_max = std::size_t{1} << 20;

/// A request whose body may not be longer than that, whatever the server takes elsewhere. It is
/// fetched before a process has a turn, which does not wait for who sends slowly.
class Beginning final : public Exchange {
 public:
  /// Throws Refused where the body is said to be longer.
  explicit Beginning(Exchange& of);

  /// All of the body. Throws Refused where it is too long, or too slow; Cut.
  asio::awaitable<void> fetch();

  const Request& request() const override { return of_.request(); }
  asio::awaitable<std::size_t> read(asio::mutable_buffer into) override;
  bool has_gone() override { return of_.has_gone(); }
  void stop_reading() override { of_.stop_reading(); }
  asio::awaitable<void> inform(int status, Headers headers) override;
  asio::awaitable<void> answer(Answer answer) override;
  asio::awaitable<void> begin(Answer head) override;
  asio::awaitable<void> write(std::string part) override;

 private:
  asio::awaitable<void> fetch_all();

  Exchange& of_;
  std::string body_;
  std::size_t read_ = 0;  ///< of it
};

/// `pgsluice inspect` of what is uploaded, as the query has it: table, names, encoding, member.
/// Throws Refused for what it may not say.
Uploads::Wanted inspection_of(const Target& target, const Permission& permission);

}  // namespace sluice::serve
