#include "writer/build_index.hpp"

#include <fmt/format.h>

#include "base/identifier.hpp"
#include "base/sql_state.hpp"
#include "ledger/grants.hpp"
#include "writer/confined.hpp"
#include "writer/one_statement.hpp"
#include "writer/refused_row.hpp"

namespace sluice::writer {
namespace {

using ledger::JournalEntry;
using There = JournalEntry::There;

/// The session as it was, and what is built in it.
struct Building {
  pg::Connection& on;
  const ledger::DeferredIndex& index;
  const Sql& settings;
  std::string user_role;  ///< the session's SET ROLE
  JournalEntry entry;
};

Sql set_role(const std::string& role) {
  if (role == "none") return sql("set local role none; ");
  return sql("set local role {}; ", identifier(role));
}

/// What a failure says of the index, and not of the moment. Then trying again does not help.
bool is_final(const pg::PgError& error) {
  const SqlState& state = error.state;
  const bool is_of_the_moment =
      error.nature() == ErrorNature::lost || error.nature() == ErrorNature::transient ||
      state.in_class(sql_class::operator_intervention) || state.in_class(sql_class::system_error) ||
      state.in_class(sql_class::invalid_transaction_state);
  return !is_of_the_moment;
}

/// Why nothing of a row may be run; empty where it may.
std::string objection_to(const JournalEntry& entry, const std::string& user) {
  if (entry.table == 0) return fmt::format("its table {} is gone", entry.target);
  if (entry.statement.empty() && entry.journaled_by.empty()) {
    return "an older version has journaled it, together with other statements, and did not say who "
           "ran it: "
           "this is not run";
  }
  if (entry.statement.empty()) return "what the journal has of it is no definition of an index";
  if (!entry.is_trusted) {
    return fmt::format("its definition was written by {}, who does not own {}: it is not run",
                       entry.journaled_by.empty() ? "somebody unknown" : entry.journaled_by,
                       entry.table_name);
  }
  if (!entry.may_become_owner) {
    return fmt::format(
        "it is built as {0}, the owner of {1}, who this user cannot become (SET ROLE)\n  That "
        "role, "
        "or a superuser, runs: grant {2} to {3};",
        entry.owner, entry.table_name, quote_identifier(entry.owner), quote_identifier(user));
  }
  return {};
}

/// What CREATE INDEX has made is on that table and is what the row says.
Sql is_as_it_was_query(const Building& b) {
  return sql(
      "select exists (select from pg_catalog.pg_index i where i.indrelid = {} and i.indisvalid and "
      "pg_catalog.pg_get_indexdef(i.indexrelid) = {})",
      b.entry.table, literal(b.entry.statement));
}

/// In the transaction that is open. Throws what the server says.
asio::awaitable<bool> build(Building& b) {
  const Sql begin = sql("{}set local default_tablespace = {}", set_role(b.entry.owner),
                        literal(b.entry.tablespace));
  co_await b.on.query(begin);
  if (b.entry.owner_has_our_rights) {
    co_await run_one(b.on, b.entry.statement);
  } else {
    co_await run_confined(b.on, b.entry.statement);
  }
  const Sql is_as_it_was = is_as_it_was_query(b);
  const auto results = co_await b.on.query(is_as_it_was);
  if (!results.back().boolean(0, 0)) co_return false;
  const Sql end = sql("{}{}{}; commit", b.entry.alterations, set_role(b.user_role),
                      ledger::strike_statement(b.index));
  co_await b.on.query(end);
  co_return true;
}

std::string by_hand(const Building& b) {
  return "\n  To build it by hand: " + b.entry.statement + ";";
}

asio::awaitable<BuiltIndex> try_to_build(Building& b) {
  std::optional<pg::PgError> failed;
  try {
    if (co_await build(b)) co_return BuiltIndex{};
  } catch (const pg::PgError& error) {
    if (!is_final(error)) throw;
    failed = error;
  }
  co_await b.on.query("rollback");
  BuiltIndex refused{BuiltIndex::Kind::refused, {}};
  if (!failed) {
    refused.reason = "what was built is not what the journal says of it" + by_hand(b);
    co_return refused;
  }
  refused.reason = failed->message;
  if (failed->state == sql_state::insufficient_privilege) {
    std::vector<ledger::TableRights> rights{{"deferred_indexes", "select, update, delete"}};
    const std::string grants = co_await ledger::missing_grants(b.on, std::move(rights), false);
    if (!grants.empty())
      refused.reason += "\n  Ask the owner of the schema pgsluice to run: " + grants;
  }
  RefusedRow question{sql("{}{}{}", pg::own_path, b.settings, set_role(b.entry.owner)),
                      b.entry.table, b.entry.table_name, b.entry.body};
  std::string row;
  if (b.entry.owner_has_our_rights) row = co_await find_refused_row(b.on, std::move(question));
  refused.reason += row.empty() ? by_hand(b) : "\n  It is because of " + row;
  co_return refused;
}

}  // namespace

// What is built calls functions of pg_catalog only (secondary_indexes() defers nothing else), and
// is read without the session's search_path, which may lead to a function that fits better.
asio::awaitable<BuiltIndex> build_index(pg::Connection& on, ledger::DeferredIndex index,
                                        Sql settings) {
  on.wait_for_ever();
  Building b{on, index, settings, {}, {}};
  co_await run_one(on, "begin");
  const Sql ask_role = sql("{}{}select pg_catalog.current_setting('role')", pg::own_path, settings);
  const auto session = co_await on.query(ask_role);
  b.user_role = session.back().text(0, 0);
  std::optional<JournalEntry> entry = co_await ledger::lock_entry(on, index);
  if (!entry || entry->there == There::the_index || entry->there == There::another_index) {
    const Sql end = entry ? sql("{}; commit", ledger::strike_statement(index)) : sql("commit");
    co_await on.query(end);
    co_return BuiltIndex{BuiltIndex::Kind::was_there, {}};
  }
  b.entry = std::move(*entry);
  std::string objection = objection_to(b.entry, on.user());
  if (objection.empty() && b.entry.there == There::something_else)
    objection = "something else has its name" + by_hand(b);
  if (objection.empty()) co_return co_await try_to_build(b);
  co_await on.query("rollback");
  co_return BuiltIndex{BuiltIndex::Kind::refused, std::move(objection)};
}

}  // namespace sluice::writer
