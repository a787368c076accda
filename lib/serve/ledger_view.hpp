#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/loads.hpp"
#include "pg/pool.hpp"
#include "serve/message.hpp"
#include "serve/query.hpp"
#include "serve/tokens.hpp"

namespace sluice::serve {

/// A page of what is asked of the ledger: `table`, `state`, `idempotency_key`, `before` (a load's
/// number) and `count`.
struct LoadsPage {
  ledger::LoadsFilter filter;
  std::size_t count = limits::serve_page_default;
};
/// `owner` is whose keys they are. Throws Refused.
LoadsPage loads_page_of(const Query& query, const std::string& owner);

/// Loads into tables that are allowed, newest first, with the address of the next page if there may
/// be one. Throws PgError, Failure.
asio::awaitable<Answer> list_loads(pg::Pool& pool, LoadsPage page, const Permission& permission);

/// Throws Refused{404} where there is none that is allowed.
asio::awaitable<ledger::LoadEntry> find_load(pg::Pool& pool, std::int64_t id,
                                             const Permission& permission);
/// `end`: how it ended here, as JSON, if that is known: it is shown until the load is finished.
Answer answer_of(const ledger::LoadEntry& load, const std::string* end);

/// Whether the database answers.
asio::awaitable<void> ask_for_nothing(pg::Pool& pool);

}  // namespace sluice::serve
