#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/uploads.hpp"
#include "pg/pool.hpp"
#include "process/child.hpp"
#include "serve/exchange.hpp"
#include "serve/upload.hpp"

namespace sluice::serve {

/// What an upload that has a name does beside being loaded: it is known when it comes once more.
/// All throw PgError, Failure, async::TimedOut, and Refused for what cannot be taken.
class NamedUpload {
 public:
  virtual ~NamedUpload() = default;

  const std::string& key() const { return key_; }

  /// With the first bytes of the body, limits::serve_read_bytes or all of it; before it has a turn.
  /// An answer is one to give instead of loading it.
  virtual asio::awaitable<std::optional<Answer>> look(std::string_view first) = 0;
  /// How many bytes of the body keep() is to have before the process begins; 0: none.
  virtual std::size_t kept_bytes() const { return 0; }
  virtual asio::awaitable<void> keep(std::string bytes);
  /// What the process is fed in front of the body, and told of it.
  virtual asio::awaitable<std::string> front();
  virtual void add_to(process::Call& call) const = 0;
  /// Whether the body is all there is: else its end is that of a part.
  virtual bool is_complete() const { return true; }
  /// Where the body is cut off: what has come is stored as far as it can be, instead of being left.
  virtual bool stores_parts() const { return false; }
  /// Of a body of so many bytes. Throws Refused where that is not what its sender has said.
  virtual void require_length(std::uint64_t /*bytes*/) const {}
  /// No process has begun: it is as if it had not come.
  virtual asio::awaitable<void> give_back();
  /// Behind the end of its process.
  virtual asio::awaitable<void> note_end(const Upload& upload) = 0;
  /// To an upload of which a part has come.
  virtual asio::awaitable<Answer> answer_to_part();

 protected:
  NamedUpload(pg::Pool& pool, std::string key) : pool_(pool), key_(std::move(key)) {}

  /// Asks the database, with a deadline.
  using Asking = std::function<asio::awaitable<void>(pg::Connection&)>;
  asio::awaitable<void> ask(Asking asking);

  std::string variable(const std::string& json) const;

 private:
  asio::awaitable<void> ask_without_end(Asking asking);

  pg::Pool& pool_;
  std::string key_;
};

/// In ASCII, which a database of any encoding takes.
std::string text_for_ledger(const nlohmann::ordered_json& json);

/// How an answer is kept, and given again.
std::string json_of(const Answer& answer);
Answer answer_of_json(const std::string& json);

/// Throws Refused{409}.
[[noreturn]] void refuse_running_upload();

/// The key of an upload that its sender has named so (Idempotency-Key), in the ledger. Whose it is
/// is a part of it.
std::string key_of_name(const std::string& owner, const std::string& name);
/// The name in that field, which is a string of RFC 8941, or as most write it one without quotes.
/// Throws Refused.
std::string idempotency_name(std::string_view field);

}  // namespace sluice::serve
