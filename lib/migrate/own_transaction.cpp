#include "migrate/own_transaction.hpp"

#include <atomic>
#include <string>

#include "base/condition_name.hpp"

namespace sluice::migrate {
namespace {

constexpr std::string_view not_own = "pgsluice: this transaction is not the one that was begun";

}  // namespace

void begin_own_transaction(Session& session) {
  session.query(Sql(others_not_deferrable));
  session.query(Sql(begin_own));
}

// Stands in the user's path. What is not true is no number, and says so whatever the language is.
Sql require_own() {
  return sql(
      "select case when pg_catalog.current_setting('transaction_deferrable') "
      "operator(pg_catalog.=) 'on'::pg_catalog.text then 0 else ({}::pg_catalog.text "
      "operator(pg_catalog.||) pg_catalog.current_setting('transaction_deferrable'))"
      "::pg_catalog.int4 end",
      literal(not_own));
}

bool is_not_own(const SqlError& error) { return error.primary().contains(not_own); }

BegunMark::BegunMark() {
  static std::atomic<std::uint64_t> last = 0;
  number_ = ++last;
}

bool BegunMark::is_set(Session& session) const {
  return session.is_true(sql("select coalesce(current_setting('pgsluice.begun', true), '') = {}",
                             literal(std::to_string(number_))));
}

bool roll_back_own(Session& session, const SqlError& error, const BegunMark* mark) {
  bool is_open = true;
  try {
    // In a transaction that has failed it is refused for that.
    session.query(sql("savepoint pgsluice"));
  } catch (const SqlError& refusal) {
    if (refusal.is_lost()) throw;
    if (condition_name(refusal.state()) == "no_active_sql_transaction") is_open = false;
  }
  session.roll_back();
  if (is_not_own(error)) return false;
  return is_open || (mark != nullptr && !mark->is_set(session));
}

}  // namespace sluice::migrate
