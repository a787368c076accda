#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql.hpp"
#include "jobs/due.hpp"
#include "jobs/run_entry.hpp"
#include "pg/pool.hpp"

/// Which slots of which jobs ran: pgsluice.jobs and pgsluice.job_runs (sql/ledger/V005).
namespace sluice::jobs {

/// What became of a slot that was asked for.
struct Claim {
  /// running, queued or skipped. Nothing: another scheduler has it.
  std::optional<RunState> state;
  /// The job of a slot that may not be left out is under way: ask again.
  bool busy = false;
  /// Another scheduler means something else by this job: enter it again.
  bool refused = false;
};

/// A job that is made known.
struct Entered {
  std::string project;  ///< whose slots it has
  Instant seen;         ///< its last slot, or when its schedule was first seen; not in the future
  std::string ahead;    ///< of these in the future, when; empty: they are not
  bool took_over = false;
  /// Another scheduler, which lives, means something else by it: who, and the keys that differ.
  std::string refused_by;
  std::string differs_in;
};

/// The keys of two meanings that are not the same: "cron, sql".
std::string difference(const std::string& meaning, const std::string& other);

/// How a run ended.
struct RunEnd {
  RunState state = RunState::ran;
  std::size_t attempts = 0;
  std::optional<int> exit_code;
  std::string message;
  bool is_told = false;  ///< the hooks of its job want to hear of it
};

/// A run whose end is to be told.
struct RunToTell {
  RunEntry run;
  bool is_recovery = false;  ///< it ran, and the run before it that ended well or badly had failed
};

/// A slot that was not run.
struct SlotLeftOut {
  Instant slot;
  RunState state = RunState::missed;
  std::string message;
};

/// A run of the job that another one comes after.
struct RunBefore {
  Instant slot;
  RunState state = RunState::ran;
  bool is_late = false;  ///< it ended longer ago than limits::slot_late_max
};

/// What the database says of the runs of this scheduler.
struct Heartbeat {
  std::vector<SlotId> stop_asked;  ///< a later run wants their place
  std::vector<SlotId> lost;        ///< of other schedulers that went silent
  /// Ended, with hooks that are still to be told; this scheduler does that from now on. In the
  /// order of their slots; those that it tells already are among them.
  std::vector<SlotId> untold;
};

/// The slots as one scheduler sees them. Each question is one query in one transaction, so it works
/// behind a pooler; where the server is away it is asked again until it is back, or until it is no
/// use any more. All times are the database's.
class Slots {
 public:
  using Note = std::function<void(const std::string&)>;

  /// `runner` names this process and no other, ever; `place` the host and file of the
  /// configuration.
  Slots(const asio::any_io_executor& executor, pg::Pool& pool, std::string runner,
        std::string place, milliseconds lost_after, Note note)
      : pool_(pool),
        runner_(std::move(runner)),
        place_(std::move(place)),
        lost_after_(lost_after),
        note_(std::move(note)),
        ending_changed_(executor) {}

  /// Nothing new will begin. What asks for a slot, or says which ones there were, throws PgError
  /// where the server is away; how runs end, and that this scheduler lives, is told on.
  void end() {
    ending_ = true;
    ending_changed_.notify();
  }

  /// Makes sure that the tables are there. Throws PgError where the database cannot be reached or
  /// written to, and Failure where they cannot be made. `patience`: a question that has no answer
  /// for so long throws PgError too; nothing: it is asked until it has one.
  asio::awaitable<void> prepare(milliseconds wait, std::optional<milliseconds> patience);

  /// The database's clock, as far as it was heard. REQUIRES: something was asked before.
  std::chrono::sys_time<milliseconds> now() const;

  /// Makes a job known. A project that nobody has named is that of the same job, by name and
  /// meaning, where there is one: a checkout and a container do not run it twice. A job of before
  /// projects had names belongs to the first that has its name and schedule.
  asio::awaitable<Entered> enter(const Job& job);
  /// Follows none any more; enter() begins anew.
  void leave_all() { followed_.clear(); }

  /// Asks for a slot: whoever stores its row has it. REQUIRES: the job was entered, and its project
  /// is what enter() said.
  asio::awaitable<Claim> claim(const Job& job, Instant slot);

  /// Asks whether a queued run may begin: running when it may, queued when not yet; anything else
  /// when it lost its place.
  asio::awaitable<RunState> promote(SlotId id);

  asio::awaitable<Heartbeat> beat();

  /// False if the run is this scheduler's no more: it counts as lost.
  asio::awaitable<bool> finish(SlotId id, RunEnd end);

  /// Nothing where it is told already, or another scheduler does that.
  asio::awaitable<std::optional<RunToTell>> run_to_tell(SlotId id);
  /// The ends of earlier runs of its job that nobody tells; this scheduler does that from now on.
  /// In the order of their slots.
  asio::awaitable<std::vector<SlotId>> untold_before(SlotId id);
  /// It was told; `untold` says whom it could not be told, and why.
  asio::awaitable<void> note_told(SlotId id, std::string untold);

  /// Returns those that no scheduler had recorded before.
  asio::awaitable<std::vector<SlotLeftOut>> record(const Job& job, std::vector<SlotLeftOut> slots);

  /// The runs of a job of slots later than this, in their order; so many at most.
  asio::awaitable<std::vector<RunBefore>> runs_of(std::string project, std::string job,
                                                  Instant later_than);

  /// Deletes what ended longer ago.
  asio::awaitable<void> prune(milliseconds keep);

 private:
  enum class Wanted { until_the_end, to_the_last };
  asio::awaitable<bool> store_end(SlotId id, RunEnd end);
  asio::awaitable<pg::Results> ask_by_name(const Job& job, Sql question);
  asio::awaitable<bool> make_tables(bool is_last_attempt, milliseconds wait);
  asio::awaitable<pg::Results> ask(Sql question, Wanted wanted);
  Sql mark_lost(const Sql& more) const;
  Sql enter_statements(const Job& job, const Sql& project) const;
  std::string meaning_here(const Job& job) const;
  Sql meanings_here(const Job& job) const;
  Sql keep_following() const;
  Sql take_untold() const;

  pg::Pool& pool_;
  std::string runner_;
  std::string place_;
  milliseconds lost_after_;
  Note note_;
  /// Project and name of jobs, with what they mean here.
  std::map<std::pair<std::string, std::string>, std::string> followed_;
  std::string search_path_;  ///< a digest: of the schemas that the jobs' connection looks in
  bool ending_ = false;
  async::Event ending_changed_;
  std::optional<milliseconds> patience_;
  std::chrono::sys_time<milliseconds> heard_{};
  async::Clock::time_point heard_at_{};
};

}  // namespace sluice::jobs
