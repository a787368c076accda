#include "base/failure.hpp"
#include "lint/locks.hpp"
#include "migrate/apply.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/safe_guard.hpp"
#include "migrate/words.hpp"

/// Files that must not block a large table for long (up --safe).
namespace sluice::migrate {
namespace {

/// As a stretch of its own, so that an error is its own.
script::Stretch alone(const script::Stretch& stretch, std::size_t index) {
  const script::Unit& unit = stretch.units[index];
  const std::string text(stretch.unit(index));
  const std::string written(stretch.written_unit(index).value_or(text));
  const script::Unit own{0, text.size(), unit.place, unit.words};
  const script::Unit own_written{0, written.size(), unit.place, unit.words};
  return {.sql = text,
          .units = {own},
          .begin = unit.place,
          .written = written,
          .written_units = {own_written},
          .places = script::WrittenPlaces(unit.place)};
}

std::string indented_lines(const std::string& lines) {
  std::string text = "\n    ";
  for (const char c : lines) text += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return text;
}

SafeGuard::Limits limits_of(const script::Script& script, const Options& options) {
  const auto time = script.directives.lock_timeout.value_or(options.lock_timeout);
  if (time.count() == 0) {
    throw Failure(FailureKind::usage,
                  script.path +
                      ": without a lock timeout nothing is safe: give --lock-timeout, or "
                      "take the directive lock-timeout 0 out of the file");
  }
  return {.bytes = *options.safe_bytes,
          .time = time,
          .otherwise = script.directives.statement_timeout.value_or(options.statement_timeout),
          .is_transaction = script.directives.in_transaction};
}

/// `why` is what to say of a statement that was cancelled.
/// `behind` is sent with it.
void send_within(Session& session, SafeGuard& guard, const script::Stretch& alone,
                 const Sql& behind, const Stop& stop, std::string& why) {
  why.clear();
  guard.before(alone.sql, alone.begin.line);
  try {
    session.query(alone.sql + behind.text(), stop);
  } catch (const SqlError& error) {
    if (error.is_cancelled() && guard.is_limiting() && !stop.asked()) {
      why = guard.words();
      const std::string safer = lint::safer_of(alone.written);
      if (!safer.empty()) why += "; safer:" + indented_lines(safer);
    }
    throw;
  }
  guard.after();
}

}  // namespace

void send_safely(Session& session, const script::Script& script, const Options& options,
                 const SafeUnit& unit, const Stop& stop, std::string& why) {
  SafeGuard guard(session, limits_of(script, options));
  const script::Stretch stretch{
      .sql = unit.sql, .units = {{0, unit.sql.size(), unit.place, {}}}, .begin = unit.place};
  send_within(session, guard, stretch, {}, stop, why);
}

/// The statements go one by one, each with the time that is left, and the history's row behind
/// them.
void Apply::send_guarded(const Task& task, Sending& sending) {
  // It asks in a path of its own, and so in front of the transaction.
  SafeGuard guard(session_, limits_of(task.script, options_));
  session_.query(settings(task.script, Set::for_new_transaction));
  script::Stretches stretches(task.script, options_.placeholders);
  while (const std::optional<script::Stretch> stretch = stretches.next()) {
    for (std::size_t i = 0; i < stretch->units.size(); ++i) {
      sending.part = Sending::Part::stretch;
      sending.stretch = alone(*stretch, i);
      const bool has_data = stretch->has_data && i + 1 == stretch->units.size();
      if (has_data) {
        guard.before(sending.stretch.sql, sending.stretch.begin.line);
        session_.copy(sending.stretch.sql, [&stretches] { return stretches.data(); }, stop_);
        guard.after();
      } else {
        send_within(session_, guard, sending.stretch, sql("\n;{}", require_own()), stop_,
                    safe_words_);
      }
    }
    if (stretch->is_last)
      script::require_as_it_was(task.script, stretches, "nothing of this file is applied");
  }
  guard.before_end();
  sending.part = Sending::Part::constraints;
  session_.query(Sql(constraints), stop_);
  sending.part = Sending::Part::own;
  const script::Rows stored = session_.query(own_row(task), stop_);
  commit(task, stored, sending);
}

}  // namespace sluice::migrate
