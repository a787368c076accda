#include <algorithm>

#include "base/sql.hpp"
#include "migrate/apply.hpp"
#include "migrate/find_history.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/words.hpp"

/// Files that are one transaction.
namespace sluice::migrate {
namespace {

using Clock = std::chrono::steady_clock;

/// The unit in which a place lies.
std::optional<std::size_t> unit_at(const std::vector<script::Unit>& units, script::Place place) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const script::Place begin = units[i].place;
    if (std::pair(begin.line, begin.column) <= std::pair(place.line, place.column)) found = i;
  }
  return found;
}

/// Where in the file the server pointed to, which got the stretch behind `head`.
std::optional<script::Place> place_in(const std::string& head, const script::Stretch& stretch,
                                      const SqlError& error) {
  const std::optional<std::size_t> offset = error.offset_in(head + stretch.sql);
  if (!offset || *offset < head.size()) return std::nullopt;
  return stretch.place_of(*offset - head.size());
}

std::string what_happened(const Culprit& culprit, const script::Script& script) {
  const bool goes_back = script.name.kind == script::ScriptKind::way_back;
  const std::string nothing =
      goes_back ? "nothing is taken back" : "nothing of this file is applied";
  switch (culprit.what) {
    case Culprit::What::statement: break;
    case Culprit::What::state_left:
      return "the file leaves its transaction so that its row of the history, which belongs to the "
             "role that logged in, cannot be written; " +
             nothing;
    case Culprit::What::history:
      return "the file itself went well: its row of the history (pgsluice.migrations) is refused, "
             "as it is without the file; " +
             nothing;
  }
  return nothing;
}

/// The same error comes from this too, which is rolled back.
bool fails_alike(Session& session, const Sql& sql, const SqlError& error, const Stop& stop) {
  std::string state;
  try {
    session.query(sql, stop);
  } catch (const SqlError& again) {
    if (again.is_lost()) throw;
    state = again.state();
  }
  session.roll_back();
  return state == error.state();
}

/// All of it, or what stands in front of the COPY whose data comes.
std::string text_of(const script::Stretch& stretch) {
  return stretch.has_data ? stretch.sql.substr(0, stretch.units.back().begin) : stretch.sql;
}

void copy_data(Session& session, const script::Stretch& stretch, script::Stretches& stretches,
               const Stop& stop) {
  const std::string copy(stretch.unit(stretch.units.size() - 1));
  session.copy(copy, [&stretches] { return stretches.data(); }, stop);
}

/// Where nothing says which of them it is.
std::string one_of(const script::Stretch& stretch) {
  return "one of the " + std::to_string(stretch.units.size()) + " statements down to line " +
         std::to_string(stretch.units.back().place.line) + ": ";
}

}  // namespace

void Apply::run_transaction(const Task& task) {
  for (std::size_t attempt = 0;; ++attempt) {
    const auto began = Clock::now();
    Sending sending;
    try {
      send_transaction(task, sending);
      return;
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      if (!roll_back_own(session_, error, &begun_) && !sending.is_ending)
        throw FileHistory(task.script, task.home, task.record).ended_itself(task.entry != nullptr);
      if (try_again(task.script, error, attempt)) continue;
      const bool may_search = Clock::now() - began < limits::migration_search_max;
      const Culprit culprit = culprit_of(task, error, sending, may_search);
      throw failure_of(task, error, culprit, what_happened(culprit, task.script));
    }
  }
}

/// One transaction, with its row of the history: there is no state between "not applied" and
/// "applied". It is one simple query, and the commit. Of a file whose text is not kept it is one
/// transaction of several, the last of which is only sent when all of the file was read, and is
/// what was planned. No newline stands in front of the file's text, so that lines are the file's.
/// DISCARD takes a snapshot, behind which SET TRANSACTION is too late: it has a transaction of its
/// own. What the file before has set is undone there too: it could make this transaction read only.
void Apply::send_transaction(const Task& task, Sending& sending) {
  using Part = Sending::Part;
  if (options_.safe_bytes) return send_guarded(task, sending);
  sending.head = settings(task.script, Set::for_new_transaction).text();
  script::Stretches stretches(task.script, options_.placeholders);
  while (std::optional<script::Stretch> stretch = stretches.next()) {
    sending.stretch = std::move(*stretch);
    if (sending.stretch.is_last)
      script::require_as_it_was(task.script, stretches, "nothing of this file is applied");
    const bool is_all = sending.stretch.is_first && sending.stretch.is_last;
    sending.part = is_all ? Part::all : Part::stretch;
    std::string text = sending.head + text_of(sending.stretch);
    text += is_all ? sql("\n;{};{}", constraints, own_row(task)).text()
                   : sql("\n;{}", require_own()).text();
    const script::Rows stored = session_.query(text, stop_);
    if (sending.stretch.has_data) {
      sending.part = Part::data;
      copy_data(session_, sending.stretch, stretches, stop_);
    }
    sending.head.clear();
    if (!is_all) continue;
    sending.part = Part::own;
    commit(task, stored, sending);
    return;
  }
  sending.part = Part::constraints;
  session_.query(Sql(constraints), stop_);
  sending.part = Part::own;
  const script::Rows stored = session_.query(own_row(task), stop_);
  commit(task, stored, sending);
}

/// Whether its row is there is known here, in front of the end: a file whose row is not kept would
/// run again.
void Apply::commit(const Task& task, const script::Rows& stored, Sending& sending) {
  const std::size_t wanted = task.rows != nullptr ? task.rows->count : 1;
  const bool has_rows = task.home != nullptr || task.rows != nullptr;
  if (has_rows && stored.front().count(0) != wanted) {
    session_.roll_back();
    throw Failure(FailureKind::failed,
                  task.script.path + ": " + script::not_kept + "; nothing of this file is applied");
  }
  sending.is_ending = true;
  session_.query(sql("commit"), stop_);
}

/// Deferred constraints are the file's, so they are judged as whom it has become. The history is
/// written as the role that logged in, whatever the file has set; that this is so is asked, and
/// what is not true is no number.
Sql Apply::own_row(const Task& task) const {
  if (task.home == nullptr && task.rows == nullptr) return require_own();
  return sql(
      "{};{}{}{}select case when {} = {} then 0 else ('the session is still ' || "
      "current_user)::int end;{}",
      require_own(), as_it_was, schema_is_there(options_), own_path, Session::identity_expression(),
      literal(session_.identity()),
      script::counted(task.rows != nullptr ? script::Write(task.rows->write)
                                           : script::record_applied(*task.home, task.script)));
}

Culprit Apply::culprit_of(const Task& task, const SqlError& error, const Sending& sending,
                          bool may_search) {
  const script::Stretch& stretch = sending.stretch;
  const bool is_alone = sending.part == Sending::Part::stretch;
  // All of the file went well. Its row may be refused for what the file has set, or whatever it
  // does.
  const auto culprit_behind = [&]() -> Culprit {
    const Sql row = settings(task.script, Set::for_new_transaction) + own_row(task);
    if (fails_alike(session_, row, error, stop_)) return {.what = Culprit::What::history};
    return last_change_of_role(task.script, options_.placeholders);
  };
  if (sending.part == Sending::Part::constraints) return {};
  if (sending.part == Sending::Part::data) return unit_culprit(stretch, stretch.units.size() - 1);
  if (sending.part == Sending::Part::own) return culprit_behind();
  if (const std::optional<script::Place> place = place_in(sending.head, stretch, error)) {
    const auto unit = unit_at(stretch.units, *place);
    Culprit culprit = unit ? unit_culprit(stretch, *unit) : Culprit{};
    culprit.place = place;
    return culprit;
  }
  if (stretch.units.size() == 1 && (is_alone || !change_of_role(stretch)))
    return unit_culprit(stretch, 0);
  std::optional<Culprit> found;
  if (may_search && !error.is_transient() && !error.is_cancelled())
    found = find_culprit(task, error, stretch.units_before);
  if (found && found->what == Culprit::What::state_left) return culprit_behind();
  if (found) return *found;
  if (!is_alone || stretch.units.empty()) return {};
  return {.place = stretch.units.front().place, .position = one_of(stretch)};
}

/// Most errors of running SQL have no position: behind what went well the statements are sent one
/// by one, and rolled back. What comes behind them fails for what one of them has set.
std::optional<Culprit> Apply::find_culprit(const Task& task, const SqlError& error,
                                           std::size_t units_before) {
  std::optional<script::Stretch> stretch;
  std::optional<std::size_t> unit;
  bool is_behind = false;
  std::string state;
  try {
    session_.query(settings(task.script, Set::for_new_transaction));
    script::Stretches stretches(task.script, options_.placeholders);
    while ((stretch = stretches.next())) {
      if (stretch->units_before < units_before) {
        session_.query(text_of(*stretch), stop_);
        if (stretch->has_data) copy_data(session_, *stretch, stretches, stop_);
        continue;
      }
      const std::size_t with_data =
          stretch->has_data ? stretch->units.size() - 1 : std::string::npos;
      for (std::size_t i = 0; i < stretch->units.size(); ++i) {
        unit = i;
        if (i == with_data) {
          copy_data(session_, *stretch, stretches, stop_);
        } else {
          session_.query(std::string(stretch->unit(i)), stop_);
        }
      }
      unit.reset();
    }
    session_.query(Sql(constraints), stop_);
    is_behind = true;
    session_.query(own_row(task), stop_);
  } catch (const SqlError& again) {
    if (again.is_lost()) throw;
    state = again.state();
  }
  session_.roll_back();
  if (state != error.state()) return std::nullopt;
  if (is_behind) return Culprit{.what = Culprit::What::state_left};
  return stretch && unit ? std::optional(unit_culprit(*stretch, *unit)) : std::nullopt;
}

void Apply::rehearse(const script::Script& script) {
  const Task task{.script = script};
  const Sql head = settings(script, Set::for_transaction) + nothing_left;
  Sending sending{.head = head.text(), .stretch = {}};
  try {
    script::Stretches stretches(script, options_.placeholders);
    while (std::optional<script::Stretch> stretch = stretches.next()) {
      sending.stretch = std::move(*stretch);
      sending.part = Sending::Part::stretch;
      const std::string behind = sql("\n;{}", require_own()).text();
      session_.query(sending.head + text_of(sending.stretch) + behind, stop_);
      if (sending.stretch.has_data) {
        sending.part = Sending::Part::data;
        copy_data(session_, sending.stretch, stretches, stop_);
      }
      sending.head.clear();
    }
  } catch (const SqlError& error) {
    if (error.is_lost()) throw Words(secrets_, script).error(error, script.path + ": ");
    if (!roll_back_own(session_, error))
      throw FileHistory(task.script, task.home, task.record).ended_itself(task.entry != nullptr);
    Culprit culprit;
    if (sending.part == Sending::Part::data) {
      culprit = unit_culprit(sending.stretch, sending.stretch.units.size() - 1);
    } else if (const auto place = place_in(sending.head, sending.stretch, error)) {
      const auto unit = unit_at(sending.stretch.units, *place);
      if (unit) culprit = unit_culprit(sending.stretch, *unit);
      culprit.place = place;
    }
    throw failure_of(task, error, culprit, "this was a dry run: all is rolled back");
  }
}

}  // namespace sluice::migrate
