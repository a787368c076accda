#include <algorithm>

#include "migrate/apply.hpp"
#include "migrate/concurrent_index.hpp"
#include "migrate/find_history.hpp"
#include "migrate/safe_guard.hpp"
#include "migrate/words.hpp"

/// Files without a transaction: statement by statement.
namespace sluice::migrate {
namespace {

/// It waits for others without standing in their way, so its patience costs nobody anything.
bool waits_politely(const script::Unit& unit) {
  if (unit.words.empty()) return false;
  const std::string& first = unit.words.front();
  return (first == "CREATE" || first == "DROP" || first == "REINDEX") &&
         std::ranges::find(unit.words, "CONCURRENTLY") != unit.words.end();
}

}  // namespace

/// How far such a file is.
struct Apply::Progress {
  std::size_t total = 0;
  std::size_t done = 0;
  script::UnitsHash hash;  ///< of what is done
  bool in_doubt = false;   ///< the next one was begun, and may have been done
  FileHistory history;

  void record(bool next_begun) { history.progress(done, next_begun, hash.digest()); }
};

void Apply::run_statements(const Task& task) {
  const script::Script& script = task.script;
  const std::size_t done_before = task.entry == nullptr ? 0 : task.entry->statements_done;
  Progress progress{.total = script::checked_units(script, options_.placeholders),
                    .hash = {},
                    .history = FileHistory(script, task.home, task.record)};
  if (task.entry == nullptr) progress.history.begin();
  if (done_before > 0) {
    listener_.note(script.path + ": goes on behind statement " + std::to_string(done_before) +
                   " of " + std::to_string(progress.total));
  }
  session_.query(sql("{}{}", settings(script, Set::for_session), nothing_left));
  script::Stretches stretches(script, options_.placeholders);
  while (const std::optional<script::Stretch> stretch = stretches.next()) {
    for (std::size_t i = 0; i < stretch->units.size(); ++i) {
      if (progress.done >= done_before) {
        progress.in_doubt =
            progress.done == done_before && task.entry != nullptr && task.entry->statement_begun;
        stop_behind(task, progress, done_before);
        progress.record(true);
        run_unit(task, {*stretch, i, stretches}, progress);
      }
      progress.hash.add(*stretch->written_unit(i));
      ++progress.done;
    }
  }
  progress.record(false);
  try {
    script::require_as_it_was(script, stretches, "all its statements are done, as they were then");
  } catch (const Failure& failure) {
    const std::string more = progress.history.fail(failure.what());
    if (more.empty()) throw;
    throw Failure(failure.kind(), failure.what() + more);
  }
  progress.history.finish();
}

/// Where somebody has asked for it, and one was done.
void Apply::stop_behind(const Task& task, Progress& progress, std::size_t done_before) {
  if (progress.done == done_before || !stop_.asked()) return;
  progress.record(false);
  throw Failure(FailureKind::interrupted,
                task.script.path + ": interrupted behind statement " +
                    std::to_string(progress.done) + " of " + std::to_string(progress.total) + "; " +
                    how_it_goes_on(task.script, task.home != nullptr, "there"));
}

void Apply::run_unit(const Task& task, const Next& next, Progress& progress) {
  const bool was_begun = progress.in_doubt;
  const script::Stretch& stretch = next.stretch;
  const script::Unit& unit = stretch.units[next.index];
  const std::string sql(stretch.unit(next.index));
  const auto concurrent = concurrent_index(sql);
  const std::string where = at(task.script, unit.place);
  const bool has_secret = Words(secrets_, task.script).withholds();
  const std::string index_words = concurrent && !has_secret ? "index " + concurrent->name : "index";
  if (was_begun && concurrent && state_of(session_, *concurrent) == IndexState::valid) {
    listener_.note(where + ": " + index_words + " was finished when its runner had gone");
    return;
  }
  if (was_begun && !concurrent) {
    listener_.note(where + ": was under way when its runner ended; it is sent again");
  }
  for (std::size_t attempt = 0;; ++attempt) {
    try {
      if (concurrent && state_of(session_, *concurrent) == IndexState::invalid) {
        listener_.note(where + ": " + index_words +
                       " is left from a build that did not end; it is dropped");
        drop_leftover(session_, *concurrent, where, stop_);
      }
      if (next.has_data()) {
        session_.copy(sql, [&next] { return next.data.data(); }, stop_);
      } else {
        send_unit(task, unit, sql);
      }
      return;
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      session_.roll_back();
      // Data that was read is gone.
      if (!next.has_data() && try_again(task.script, error, attempt)) continue;
      const std::string more = progress.history.fail(Words(secrets_, task.script).of(error));
      Culprit culprit = unit_culprit(stretch, next.index);
      if (const auto offset = next.has_data() ? std::nullopt : error.offset_in(sql))
        culprit.place = stretch.place_of(unit.begin + *offset);
      culprit.position = "statement " + std::to_string(progress.done + 1) + " of " +
                         std::to_string(progress.total) + ": ";
      throw failure_of(
          task, error, culprit,
          (progress.done == 0 ? "it was the first statement of the file"
                              : "the statements before it are done; " +
                                    how_it_goes_on(task.script, task.home != nullptr, "here")) +
              more);
    }
  }
}

void Apply::send_unit(const Task& task, const script::Unit& unit, const std::string& text) {
  if (!options_.schema.empty()) session_.query_in_user_path(schema_is_there(options_));
  if (options_.safe_bytes)
    return send_safely(session_, task.script, options_, {text, unit.place}, stop_, safe_words_);
  const bool patient = waits_politely(unit) && !task.script.directives.lock_timeout;
  if (patient) session_.query(sql("set lock_timeout=0"));
  session_.query(text, stop_);
  if (patient) session_.query(sql("set lock_timeout={}", options_.lock_timeout.count()));
}

}  // namespace sluice::migrate
