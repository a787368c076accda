#include "migrate/apply.hpp"

#include "base/backoff.hpp"
#include "base/condition_name.hpp"
#include "base/quantity.hpp"
#include "base/sql_state.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/words.hpp"

namespace sluice::migrate {
namespace {

std::string indented(const std::string& lines) {
  std::string text;
  for (const char c : lines) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return lines.empty() ? "" : "\n  " + text;
}

/// For what cannot run in the transaction of a file.
std::string cure_of(const script::Script& script, const SqlError& error) {
  if (!script.directives.in_transaction) return "";
  if (error.state() == sql_state::active_sql_transaction) {
    return "; a file with such a statement says, in front of its first one: -- pgsluice: "
           "no-transaction";
  }
  if (condition_name(error.state()) == "invalid_transaction_termination") {
    return "; a procedure that it calls ends transactions, and this one is the file's: say, in "
           "front "
           "of the first statement: -- pgsluice: no-transaction";
  }
  if (condition_name(error.state()) == "unsafe_new_enum_value_usage") {
    return "; a new value of an enum can be used when its transaction has ended: put what uses it "
           "into a file of its own, behind this one";
  }
  return "";
}

/// The names of the search_path that is in force, as SET takes them; a name of nothing is a string.
/// Without the schema of pgsluice's own tables, which the role pgsluice has in its usual path
/// ("$user"): what a file makes without a schema must not come to lie there.
Sql names_of_path() {
  return sql(
      "coalesce((select pg_catalog.string_agg(case when t.name operator(pg_catalog.=) '\"\"'::"
      "pg_catalog.text then '''''' else t.name end, ', '::pg_catalog.text order by t.n) from "
      "(select case when pg_catalog.left(r.t[1], 1) operator(pg_catalog.=) '\"'::pg_catalog.text "
      "then r.t[1] else pg_catalog.quote_ident(pg_catalog.translate(r.t[1], "
      "'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')) end as name, r.n from "
      "pg_catalog.regexp_matches(pg_catalog.current_setting('search_path'), "
      "'\"(?:[^\"]|\"\")*\"|[^,\"[:space:]]+', 'g') with ordinality as r (t, n)) t where not "
      "(t.name operator(pg_catalog.=) any (array['pgsluice', '\"pgsluice\"'])) and not (t.name "
      "operator(pg_catalog.=) '\"$user\"'::pg_catalog.text and current_user operator("
      "pg_catalog.=) 'pgsluice'::pg_catalog.name)), '''''')");
}

/// The path with which a new session would begin, where that is another one than this session has,
/// as a file before has set it for the role or the database, or has our own schema in it. Empty:
/// the session's own will do.
std::string path_of_next(Session& session, SqlWords as_it_was) {
  const Sql ask =
      sql("{}select pg_catalog.set_config('pgsluice.was', pg_catalog.current_setting("
          "'search_path'), true), pg_catalog.set_config('search_path', {}, true);"
          "select case when pg_catalog.current_setting('search_path') operator(pg_catalog.=) "
          "pg_catalog.current_setting('pgsluice.was') and not ('pgsluice'::pg_catalog.name "
          "operator(pg_catalog.=) any (pg_catalog.current_schemas(false))) then '' else {} end",
          as_it_was, session.next_search_path(), names_of_path());
  return session.query_in_user_path(ask).front()[0];
}

struct EndOfHearing {
  Session& session;
  ~EndOfHearing() { session.hear_notices({}); }
};

}  // namespace

std::size_t Apply::check(const script::Script& script, const script::Placeholders& placeholders) {
  return script::checked_units(script, placeholders);
}

void Apply::run(const script::Home& home, const script::Status& pending, const Record& record) {
  run({.script = *pending.script, .home = &home, .entry = pending.entry, .record = &record});
}

void Apply::run_unrecorded(const script::Script& script) { run({.script = script}); }

void Apply::run_with_rows(const script::Script& script, const Rows& rows) {
  run({.script = script, .rows = &rows});
}

void Apply::run(const Task& task) {
  Words words(secrets_, task.script);
  session_.hear_notices(
      [this, &words](const std::string& notice) { words.tell_notice(notice, listener_); });
  const EndOfHearing end{session_};
  session_.identity();
  session_.next_search_path();
  try {
    if (task.script.directives.in_transaction) {
      run_transaction(task);
    } else {
      run_statements(task);
    }
  } catch (const SqlError& error) {
    // Whose history is kept is named by who keeps it.
    throw words.error(error, task.home == nullptr ? task.script.path + ": " : "");
  }
}

Sql Apply::settings(const script::Script& script, Set where) const {
  const SqlWords set = where == Set::for_session ? SqlWords("set ") : SqlWords("set local ");
  if (!path_) path_ = path_of_next(session_, as_it_was);
  // The server has quoted its names.
  const Sql path = path_->empty() ? Sql() : sql("{}search_path={};", set, Sql::trusted(*path_));
  Sql all;
  Sql mark;
  if (where == Set::for_new_transaction) {
    begun_ = BegunMark();
    mark = begun_.set();
    all = sql("begin;{}{}{}commit;{}", as_it_was, nothing_left, mark, begin_own);
  }
  all += sql("{}{}{}{}lock_timeout={};{}statement_timeout={};", as_it_was, mark, path, set,
             script.directives.lock_timeout.value_or(options_.lock_timeout).count(), set,
             script.directives.statement_timeout.value_or(options_.statement_timeout).count());
  if (session_.can_check_client()) all += sql("{}client_connection_check_interval=5000;", set);
  return all;
}

bool Apply::try_again(const script::Script& script, const SqlError& error, std::size_t attempt) {
  const std::size_t retries = script.directives.retries.value_or(limits::migration_retries);
  if (!error.is_transient() || attempt >= retries) return false;
  const Backoff backoff{limits::migration_retry_delay_min, limits::retry_delay_max};
  const auto delay = backoff.delay(attempt, random_share());
  listener_.note(script.path + ": " + Words(secrets_, script).of(error) + "; again in " +
                 format_duration(delay) + " (" + std::to_string(retries - attempt) +
                 (retries - attempt == 1 ? " try" : " tries") + " left)");
  stop_.sleep(delay);
  return true;
}

Failure Apply::failure_of(const Task& task, const SqlError& error, const Culprit& culprit,
                          const std::string& what_happened) const {
  if (error.is_cancelled() && stop_.asked()) {
    return {FailureKind::interrupted,
            task.script.path + ": interrupted; " +
                how_it_goes_on(task.script, task.home != nullptr, "with this file")};
  }
  const Words words(secrets_, task.script);
  std::string message = culprit.place ? at(task.script, *culprit.place) : task.script.path;
  message += ": " + culprit.position;
  message += words.of(error);
  message += " (SQLSTATE " + words.state_of(error) + ")";
  message += culprit.excerpt;
  message += indented(words.more_of(error)) + "\n  " + what_happened;
  if (!safe_words_.empty()) message += "\n  " + safe_words_;
  if (error.state() == sql_state::lock_not_available)
    message +=
        "; --lock-timeout, or a directive lock-timeout or retries in the file, gives it "
        "more time";
  message += cure_of(task.script, error);
  return {FailureKind::failed, message};
}

}  // namespace sluice::migrate
