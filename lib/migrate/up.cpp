#include <exception>
#include <set>

#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "migrate/apply.hpp"
#include "migrate/find_history.hpp"
#include "migrate/foresight.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/migrate.hpp"
#include "migrate/own_transaction.hpp"

namespace sluice::migrate {
namespace {

/// A file that takes the connection with it each time is at fault itself.
constexpr std::size_t losses_max = 2;

class Up {
 public:
  Up(const script::Folder& folder, const Options& options, const Listener& listener,
     const Stop& stop)
      : folder_(folder),
        options_(options),
        listener_(listener),
        stop_(stop),
        secrets_(script::secrets_of(folder, options.placeholders)),
        foresight_(options.placeholders) {}

  Report run() {
    check_target();
    auto session = std::make_unique<Session>(options_.conninfo, stop_, options_.stall_max);
    // Read before the lock is asked for: most runs have nothing to do.
    const Found before = find_history(*session, folder_, options_);
    if (!before.choice.note.empty()) listener_.note(before.choice.note);
    const script::Plan first = checked_plan(before.history());
    for (const std::string& note : foresight_.notes(*session)) listener_.note(note);
    for (const std::string& note : first.notes) listener_.note(note);
    if (!has_hooks() &&
        (options_.dry_run ? first.pending.empty() : !has_to_write(*session, before, first)))
      return report_;

    LockedSession locked(std::move(session), before.choice.project, options_, listener_, stop_);
    if (options_.dry_run) {
      rehearse(locked.work());
    } else {
      apply_all(locked);
    }
    return report_;
  }

 private:
  void check_target() const {
    if (!options_.to) return;
    for (const script::Script& script : folder_.versioned)
      if (script.name.version == *options_.to) return;
    throw Failure(FailureKind::usage,
                  "--to " + options_.to->text() + ": the folder has no such version");
  }

  /// What is pending, or whose the history is and where it was applied, which is of use to the next
  /// run: no reason to fail for a user who may only read.
  static bool has_to_write(Session& session, const Found& found, const script::Plan& plan) {
    if (!plan.pending.empty()) return true;
    return found.is_to_be_adopted && may_write_history(session);
  }

  /// Everything that can be known to be wrong is said before anything runs.
  script::Plan checked_plan(const script::History& history) {
    script::Plan plan = script::make_plan(folder_, history, options_.to, options_.strict);
    if (!plan.drift.empty()) throw Failure(FailureKind::changed, script::describe(plan.drift));
    for (const auto* hooks : {&folder_.before, &folder_.after})
      for (const script::Script& hook : *hooks)
        if (checked_.insert(&hook).second) Apply::check(hook, options_.placeholders);
    for (const script::Status& status : plan.pending) {
      if (!checked_.insert(status.script).second) continue;
      if (Apply::check(*status.script, options_.placeholders) == 0)
        listener_.note(status.script->path +
                       ": has no statement; once it is applied it is not to be edited");
      foresight_.look_at(*status.script);
    }
    return plan;
  }

  void apply_all(LockedSession& locked) {
    for (std::size_t losses = 0;;) {
      try {
        make_schema(locked.work());
        const Found found = find_under_lock(locked);
        adopt(locked.work(), found);
        const script::Plan plan = checked_plan(found.history());
        note_recovered(plan);
        if (!is_before_done_) run_hooks(locked, found.home(), folder_.before);
        is_before_done_ = true;
        for (const script::Status& status : plan.pending) apply(locked, found.home(), status);
        run_hooks(locked, found.home(), folder_.after);
        return;
      } catch (const SqlError& error) {
        if (!error.is_lost()) throw;
        tell_loss(error, ++losses);
      }
      locked.reconnect();
    }
  }

  /// Throws Failure where it is one too many.
  void tell_loss(const SqlError& error, std::size_t losses) const {
    const std::string what =
        (under_way_ == nullptr ? "the history" : under_way_->path) + ": " + error.primary();
    if (losses > losses_max) {
      throw Failure(FailureKind::failed,
                    what + " " + std::to_string(losses) + " times while it ran; it is not applied");
    }
    listener_.note(what + (under_way_ == nullptr
                               ? "; it is made ready again"
                               : "; the history will say whether it was applied"));
  }

  Found find_under_lock(LockedSession& locked) {
    Found found = find_history(locked.work(), folder_, options_);
    if (found.choice.project != locked.project()) {
      throw Failure(FailureKind::held, "another run has just taken over the history of project \"" +
                                           locked.project() +
                                           "\"; nothing was run: run this again");
    }
    return found;
  }

  void apply(LockedSession& locked, const script::Home& home, const script::Status& status) {
    if (stop_.asked()) {
      throw Failure(FailureKind::interrupted, "interrupted before " + status.script->path +
                                                  "; the same command goes on there");
    }
    under_way_ = status.script;
    began_ = std::chrono::steady_clock::now();
    if (listener_.begins) listener_.begins(status.script->path);
    const auto record = [&locked](const script::Write& row) { return locked.record(row); };
    try {
      locked.hold();
      Apply(locked.work(), options_, secrets_, listener_, stop_).run(home, status, record);
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      throw Failure(FailureKind::failed, status.script->path + ": " +
                                             secrets_.hidden(error.primary()) + " (SQLSTATE " +
                                             error.state() + ")");
    }
    note_applied();
  }

  bool has_hooks() const { return !folder_.before.empty() || !folder_.after.empty(); }

  /// They keep no history, so after a lost connection one runs again. Where they have led to is
  /// kept, also of one that has failed behind some statements.
  void run_hooks(LockedSession& locked, const script::Home& home,
                 const std::vector<script::Script>& hooks) {
    for (const script::Script& hook : hooks) {
      if (stop_.asked()) throw Failure(FailureKind::interrupted, "interrupted before " + hook.path);
      if (listener_.begins) listener_.begins(hook.path);
      locked.hold();
      std::exception_ptr failed;
      try {
        Apply(locked.work(), options_, secrets_, listener_, stop_).run_unrecorded(hook);
      } catch (const Failure&) {
        failed = std::current_exception();
      }
      locked.record(script::record_next(home));
      if (failed) std::rethrow_exception(failed);
    }
  }

  /// Of the file that ran when the connection was lost: the history knows it now, or it runs again.
  void note_recovered(const script::Plan& plan) {
    if (under_way_ == nullptr) return;
    for (const script::Status& status : plan.pending)
      if (status.script == under_way_) return;
    note_applied();
  }

  void note_applied() {
    ++report_.applied;
    listener_.applied(*under_way_, std::chrono::steady_clock::now() - began_);
    under_way_ = nullptr;
  }

  void rehearse(Session& session) {
    const Found found = find_history(session, folder_, options_);
    const script::Plan plan = checked_plan(found.history());
    begin_own_transaction(session);
    rehearse_hooks(session, folder_.before);
    for (const script::Status& status : plan.pending) {
      under_way_ = status.script;
      began_ = std::chrono::steady_clock::now();
      if (!status.script->directives.in_transaction) {
        report_.not_tried.push_back(status.script->path);
        continue;
      }
      Apply(session, options_, secrets_, listener_, stop_).rehearse(*status.script);
      note_applied();
    }
    rehearse_hooks(session, folder_.after);
    session.query(sql("rollback"));
  }

  void rehearse_hooks(Session& session, const std::vector<script::Script>& hooks) {
    for (const script::Script& hook : hooks) {
      if (hook.directives.in_transaction) {
        Apply(session, options_, secrets_, listener_, stop_).rehearse(hook);
      } else {
        report_.not_tried.push_back(hook.path);
      }
    }
  }

  const script::Folder& folder_;
  const Options& options_;
  const Listener& listener_;
  const Stop& stop_;
  const script::Secrets secrets_;
  Foresight foresight_;
  std::set<const script::Script*> checked_;  ///< reading a long one takes its time
  bool is_before_done_ = false;
  const script::Script* under_way_ = nullptr;
  std::chrono::steady_clock::time_point began_;
  Report report_;
};

}  // namespace

Report up(const script::Folder& folder, const Options& options, const Listener& listener,
          const Stop& stop) {
  script::check_placeholders(folder, options.placeholders);
  return Up(folder, options, listener, stop).run();
}

void run_file(const script::Script& script, const Options& options, const Listener& listener,
              const Stop& stop) {
  Apply::check(script, options.placeholders);
  Session session(options.conninfo, stop, options.stall_max);
  if (listener.begins) listener.begins(script.path);
  const script::Secrets secrets = script::secrets_of(script, options.placeholders);
  Apply(session, options, secrets, listener, stop).run_unrecorded(script);
}

}  // namespace sluice::migrate
