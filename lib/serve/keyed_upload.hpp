#pragma once

#include <optional>
#include <string>

#include "serve/named_upload.hpp"

namespace sluice::serve {

/// An upload with an Idempotency-Key: what was stored under it is told again, whatever is asked,
/// and nothing else comes under it.
/// https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
class KeyedUpload final : public NamedUpload {
 public:
  /// What is asked, beside the bytes: the table as it is written, and the flags.
  struct About {
    std::string owner;
    std::string target;
    std::string query;                    ///< JSON
    std::optional<std::uint64_t> length;  ///< of the body, where it is said
    std::string digest;                   ///< as it is said; empty: it is not
  };

  KeyedUpload(pg::Pool& pool, const std::string& name, About about);

  asio::awaitable<std::optional<Answer>> look(std::string_view first) override;
  void add_to(process::Call& call) const override;
  asio::awaitable<void> give_back() override;
  asio::awaitable<void> note_end(const Upload& upload) override;

 private:
  void require_same(const ledger::KnownUpload& known, const std::string& head) const;

  About about_;
  bool is_new_ = false;  ///< it was entered for this request
};

}  // namespace sluice::serve
