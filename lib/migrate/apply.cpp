#include "migrate/apply.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/backoff.hpp"
#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/quantity.hpp"
#include "migrate/concurrent_index.hpp"

namespace sluice::migrate {
namespace {

using Clock = std::chrono::steady_clock;

std::string text_of_unit(const std::string& sql, const Unit& unit) {
  return sql.substr(unit.begin, unit.end - unit.begin);
}

/// The unit in which a place of the text lies.
std::optional<std::size_t> unit_at(const std::vector<Unit>& units, Place place) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Place begin = units[i].place;
    if (std::pair(begin.line, begin.column) <= std::pair(place.line, place.column)) found = i;
  }
  return found;
}

/// A statement as a message shows it: its first lines, indented.
std::string excerpt(const std::string& statement) {
  constexpr std::size_t lines_max = 4;
  constexpr std::size_t bytes_max = 300;
  std::string shown;
  std::size_t at = 0;
  for (std::size_t line = 0; line < lines_max && at < statement.size(); ++line) {
    const std::size_t end = std::min(statement.find('\n', at), statement.size());
    shown += "\n  | " + statement.substr(at, std::min(end - at, bytes_max));
    at = end + 1;
  }
  return at < statement.size() ? shown + "\n  | ..." : shown;
}

std::string indented(const std::string& lines) {
  std::string text;
  for (const char c : lines) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return lines.empty() ? "" : "\n  " + text;
}

/// Nothing of what was set is left. Then the lexer's quotes are the server's: without this a role's
/// or a database's own setting would count.
constexpr const char* as_it_was =
    "reset session authorization;reset role;reset all;set standard_conforming_strings=on;";

/// It waits for others without standing in their way, so its patience costs nobody anything.
bool waits_politely(const Unit& unit) {
  if (unit.words.empty()) return false;
  const std::string& first = unit.words.front();
  return (first == "CREATE" || first == "DROP" || first == "REINDEX") &&
         std::ranges::find(unit.words, "CONCURRENTLY") != unit.words.end();
}

struct EndOfHearing {
  Session& session;
  ~EndOfHearing() { session.hear_notices({}); }
};

/// Where the server pointed to in a script's text, which was sent behind `head`, on its first line.
std::optional<Place> place_behind(const std::string& head, const std::string& sql,
                                  const SqlError& error) {
  std::optional<Place> place = error.place_in(head + sql);
  if (place && place->line == 1) place->column -= std::min(place->column - 1, head.size());
  return place;
}

/// The last statement that changes who the session is, or could.
std::optional<std::size_t> last_change_of_role(const std::string& sql,
                                               const std::vector<Unit>& units) {
  constexpr std::array<std::string_view, 6> certain{"SET",   "RESET", "DISCARD",
                                                    "ALTER", "DROP",  "CALL"};
  for (std::size_t i = units.size(); i-- > 0;) {
    const Unit& unit = units[i];
    if (unit.words.empty()) continue;
    const bool names_it = std::ranges::find(certain, unit.words.front()) != certain.end();
    std::string text = text_of_unit(sql, unit);
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if ((names_it &&
         (text.contains("role") || text.contains("user") || text.contains("authorization") ||
          text.contains("transaction") || text.contains("read"))) ||
        text.contains("set_config"))
      return i;
  }
  return std::nullopt;
}

std::string milliseconds(std::chrono::milliseconds duration) {
  return std::to_string(duration.count());
}

}  // namespace

void Apply::check(const Script& script, const Placeholders& placeholders) {
  checked_units(script, with_placeholders(script, placeholders));
}

Apply::Text Apply::text_of(const Script& script) const {
  Text text{.script = script, .sql = with_placeholders(script, options_.placeholders), .units = {}};
  text.units = checked_units(script, text.sql);
  return text;
}

void Apply::run(const Home& home, const Status& pending, const Record& record) {
  Text text = text_of(*pending.script);
  text.home = &home;
  text.record = &record;
  text.entry = pending.entry;
  run(text);
}

void Apply::run_unrecorded(const Script& script) { run(text_of(script)); }

void Apply::run(const Text& text) {
  session_.hear_notices([this, &text](const std::string& notice) {
    listener_.note(text.script.path + ": " + secrets_.hidden(notice));
  });
  const EndOfHearing end{session_};
  session_.identity();
  if (text.script.directives.in_transaction) {
    run_transaction(text);
  } else {
    run_statements(text);
  }
}

/// The role pgsluice has the schema of pgsluice's own tables in its usual path ("$user"): what a
/// file makes without a schema must not come to lie there.
std::string Apply::path(const std::string& set) const {
  if (!path_) {
    path_ =
        session_
            .query_in_user_path(
                "select case when 'pgsluice'::pg_catalog.name operator(pg_catalog.=) any "
                "(pg_catalog.current_schemas(false)) then coalesce((select pg_catalog.string_agg("
                "pg_catalog.quote_ident(s.s::pg_catalog.text), ', '::pg_catalog.text) from "
                "pg_catalog.unnest(pg_catalog.current_schemas(false)) as s (s) where s.s "
                "operator(pg_catalog.<>) 'pgsluice'::pg_catalog.name), '''''') else '' end")
            .front()[0];
  }
  return path_->empty() ? "" : set + "search_path=" + *path_ + ";";
}

std::string Apply::settings(const Script& script, bool local) const {
  const std::string set = local ? "set local " : "set ";
  return std::string(as_it_was) + path(set) + set + "lock_timeout=" +
         milliseconds(script.directives.lock_timeout.value_or(options_.lock_timeout)) + ";" + set +
         "statement_timeout=" +
         milliseconds(script.directives.statement_timeout.value_or(options_.statement_timeout)) +
         ";" + (session_.can_check_client() ? set + "client_connection_check_interval=5000;" : "");
}

/// One simple query, with its row of the history: there is no state between "not applied" and
/// "applied". No newline stands in front of the file's text, so that lines are the file's. DISCARD
/// takes a snapshot, behind which SET TRANSACTION is too late: it has a transaction of its own.
/// What the file before has set is undone there too: it could make this transaction read only.
void Apply::run_transaction(const Text& text) {
  const std::string head = "begin;" + std::string(as_it_was) + "discard temp;commit;begin;" +
                           settings(text.script, true);
  const std::string behind = "\n;" + tail(text) + "commit";
  for (std::size_t attempt = 0;; ++attempt) {
    const auto began = Clock::now();
    try {
      session_.query(head + text.sql + behind, stop_);
      return;
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      session_.roll_back();
      if (try_again(text.script, error, attempt)) continue;
      const std::optional<Place> place = place_behind(head, text.sql, error);
      Culprit culprit;
      if (place) {
        culprit.unit = unit_at(text.units, *place);
      } else if (text.units.size() == 1 && !last_change_of_role(text.sql, text.units)) {
        culprit.unit = 0;
      } else if (Clock::now() - began < limits::migration_search_max && !error.is_transient() &&
                 !error.is_cancelled()) {
        culprit = find_culprit(text, error.state());
      }
      throw failure_of(
          text, error, culprit.unit, place,
          culprit.is_behind
              ? "the file leaves its transaction so that its row of the history, which "
                "belongs to the role that logged in, cannot be written; nothing of "
                "this file is applied"
              : "nothing of this file is applied");
    }
  }
}

/// Deferred constraints are the file's, so they are judged as whom it has become. The history is
/// written as the role that logged in, whatever the file has set; that this is so is asked, and
/// what is not true is no number.
std::string Apply::tail(const Text& text) const {
  std::string sql = "set constraints all immediate;";
  if (text.home == nullptr) return sql;
  sql += std::string(as_it_was) + own_path;
  sql += "select case when " + std::string(Session::identity_expression()) + " = " +
         quote_literal(session_.identity()) +
         " then 0 else ('the session is still ' || current_user)::int end;";
  return sql + record_applied(*text.home, text.script) + ";";
}

/// Most errors of running SQL have no position: the statements are sent one by one, and rolled
/// back. What comes behind them fails for what one of them has set.
Apply::Culprit Apply::find_culprit(const Text& text, const std::string& state) {
  Culprit culprit;
  try {
    session_.query("begin;" + settings(text.script, true));
    for (std::size_t i = 0; i < text.units.size(); ++i) {
      culprit.unit = i;
      session_.query(text_of_unit(text.sql, text.units[i]), stop_);
    }
    culprit.unit.reset();
    session_.query("set constraints all immediate", stop_);
    culprit.is_behind = true;
    culprit.unit = last_change_of_role(text.sql, text.units);
    session_.query(tail(text), stop_);
    culprit = {};
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    if (error.state() != state) culprit = {};
  }
  session_.roll_back();
  return culprit;
}

void Apply::rehearse(const Script& script) {
  const Text text = text_of(script);
  const std::string head = settings(script, true) + "discard temp;";
  try {
    session_.query(head + text.sql + "\n;", stop_);
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    session_.roll_back();
    const std::optional<Place> place = place_behind(head, text.sql, error);
    const auto unit = place ? unit_at(text.units, *place) : std::nullopt;
    throw failure_of(text, error, unit, place, "this was a dry run: all is rolled back");
  }
}

void Apply::run_statements(const Text& text) {
  const bool recorded = text.home != nullptr;
  const Script& script = text.script;
  const std::size_t done = text.entry == nullptr ? 0 : text.entry->statements_done;
  const bool in_doubt = text.entry != nullptr && text.entry->statement_begun;
  if (recorded && text.entry == nullptr) (*text.record)(record_begun(*text.home, script));
  if (done > 0) {
    listener_.note(script.path + ": goes on behind statement " + std::to_string(done) + " of " +
                   std::to_string(text.units.size()));
  }
  session_.query(settings(script, false) + "discard temp");
  const std::vector<std::string> checksums = checksums_of_units(script.text);
  const auto record = [&](std::size_t statements, bool next_begun, const std::string& more) {
    if (!recorded) return;
    (*text.record)(
        record_progress(*text.home, script, statements, next_begun, checksums[statements]) + more);
  };
  for (std::size_t i = done; i < text.units.size(); ++i) {
    if (i > done && stop_.asked()) {
      record(i, false, "");
      throw Failure(FailureKind::interrupted,
                    script.path + ": interrupted behind statement " + std::to_string(i) + " of " +
                        std::to_string(text.units.size()) + "; the next run goes on there");
    }
    record(i, true, "");
    run_unit(text, i, in_doubt && i == done);
  }
  if (recorded) record(text.units.size(), false, ";" + record_finished(*text.home, script));
}

void Apply::run_unit(const Text& text, std::size_t index, bool was_begun) {
  const Unit& unit = text.units[index];
  const auto concurrent = concurrent_index(text_of_unit(text.sql, unit));
  if (was_begun && concurrent && state_of(session_, *concurrent) == IndexState::valid) {
    listener_.note(at(text.script, unit.place) + ": index " + concurrent->name +
                   " was finished when its runner had gone");
    return;
  }
  if (was_begun && !concurrent) {
    listener_.note(at(text.script, unit.place) +
                   ": was under way when its runner ended; it is sent again");
  }
  for (std::size_t attempt = 0;; ++attempt) {
    try {
      if (concurrent && state_of(session_, *concurrent) == IndexState::invalid) {
        listener_.note(at(text.script, unit.place) + ": index " + concurrent->name +
                       " is left from a build that did not end; it is dropped");
        drop_leftover(session_, *concurrent, stop_);
      }
      send_unit(text, index);
      return;
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      session_.roll_back();
      if (try_again(text.script, error, attempt)) continue;
      if (text.home != nullptr)
        (*text.record)(record_failed(*text.home, text.script, secrets_.hidden(error.primary())));
      std::optional<Place> place = error.place_in(text_of_unit(text.sql, unit));
      if (place) {
        if (place->line == 1) place->column += unit.place.column - 1;
        place->line += unit.place.line - 1;
      }
      throw failure_of(text, error, index, place,
                       index == 0 ? "it was the first statement of the file"
                                  : "the statements before it are done; the next run goes on here");
    }
  }
}

void Apply::send_unit(const Text& text, std::size_t index) {
  const Unit& unit = text.units[index];
  const std::string sql = text_of_unit(text.sql, unit);
  const bool patient = waits_politely(unit) && !text.script.directives.lock_timeout;
  if (patient) session_.query("set lock_timeout=0");
  session_.query(sql, stop_);
  if (patient) session_.query("set lock_timeout=" + milliseconds(options_.lock_timeout));
}

bool Apply::try_again(const Script& script, const SqlError& error, std::size_t attempt) {
  const std::size_t retries = script.directives.retries.value_or(limits::migration_retries);
  if (!error.is_transient() || attempt >= retries) return false;
  const Backoff backoff{limits::migration_retry_delay_min, limits::retry_delay_max};
  const auto delay = backoff.delay(attempt, random_share());
  listener_.note(script.path + ": " + secrets_.hidden(error.primary()) + "; again in " +
                 format_duration(delay) + " (" + std::to_string(retries - attempt) +
                 (retries - attempt == 1 ? " try" : " tries") + " left)");
  stop_.sleep(delay);
  return true;
}

/// As it stands in the file: values of placeholders are nobody's business.
std::string Apply::as_written(const Text& text, std::size_t unit) const {
  const std::vector<Unit> units = units_of(lex_sql(text.script.text));
  if (units.size() == text.units.size()) return text_of_unit(text.script.text, units[unit]);
  return secrets_.hidden(text_of_unit(text.sql, text.units[unit]));
}

Failure Apply::failure_of(const Text& text, const SqlError& error, std::optional<std::size_t> unit,
                          std::optional<Place> place, const std::string& what_happened) const {
  if (error.is_cancelled() && stop_.asked()) {
    return {FailureKind::interrupted,
            text.script.path + ": interrupted; the next run goes on with this file"};
  }
  if (!place && unit) place = text.units[*unit].place;
  std::string message = place ? at(text.script, *place) : text.script.path;
  message += ": ";
  if (unit && !text.script.directives.in_transaction) {
    message += "statement " + std::to_string(*unit + 1) + " of " +
               std::to_string(text.units.size()) + ": ";
  }
  message += secrets_.hidden(error.primary()) + " (SQLSTATE " + error.state() + ")";
  if (unit) message += excerpt(as_written(text, *unit));
  message += indented(secrets_.hidden(error.rest())) + "\n  " + what_happened;
  if (error.state() == "55P03")
    message +=
        "; --lock-timeout, or a directive lock-timeout or retries in the file, gives it "
        "more time";
  if (error.state() == "25001" && text.script.directives.in_transaction)
    message +=
        "; a file with such a statement says, in front of its first one: -- pgsluice: "
        "no-transaction";
  return {FailureKind::failed, message};
}

}  // namespace sluice::migrate
