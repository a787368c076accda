#include "support/gate.hpp"

#include <stdexcept>

namespace sluice::test {

namespace {

int next_gate = 0;

/// Its advisory lock.
std::string key(int number) { return "(7001, " + std::to_string(number) + ")"; }

}  // namespace

// A constraint, and no trigger: what a load does depends on the triggers of its table.
Gate::Gate(const std::string& url, const std::string& table, const std::string& rows)
    : number_(next_gate++), url_(url), holder_(url) {
  holder_.run("select pg_advisory_lock" + key(number_));
  const std::string function = "gate_" + std::to_string(number_) + "()";
  holder_.run("create function " + function +
              " returns boolean language plpgsql as $$ begin perform "
              "pg_catalog.pg_advisory_xact_lock_shared" +
              key(number_) + "; return true; end $$");
  holder_.run("alter table " + table + " drop constraint if exists gate, add constraint gate " +
              "check (not (" + rows + ") or " + function + ")");
}

bool Gate::is_reached(int count) {
  return comes_true(holder_, "select count(*) >= " + std::to_string(count) +
                                 " from pg_locks where locktype = 'advisory' and classid = 7001 "
                                 "and objid = " +
                                 std::to_string(number_) +
                                 " and not granted and database = (select oid from pg_database "
                                 "where datname = current_database())");
}

void Gate::open() { holder_.run("select pg_advisory_unlock" + key(number_)); }

void Gate::open_behind(const std::string& sql) {
  const Session other(url_);
  if (PQsendQuery(other.raw(), sql.c_str()) != 1)
    throw std::runtime_error(PQerrorMessage(other.raw()));
  const std::string waits = "select exists (select from pg_locks where not granted and pid = " +
                            std::to_string(PQbackendPID(other.raw())) + ")";
  if (!comes_true(holder_, waits)) throw std::runtime_error(sql + " does not wait");
  open();
  std::string error;
  while (PGresult* const result = PQgetResult(other.raw())) {
    if (error.empty()) error = PQresultErrorMessage(result);
    PQclear(result);
  }
  if (!error.empty()) throw std::runtime_error(sql + ": " + error);
}

}  // namespace sluice::test
