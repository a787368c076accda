#include <algorithm>
#include <deque>

#include "base/failure.hpp"
#include "migrate/apply.hpp"
#include "migrate/find_history.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/migrate.hpp"
#include "script/plan_back.hpp"

/// `migrate down`.
namespace sluice::migrate {
namespace {

constexpr std::size_t losses_max = 2;

class Down {
 public:
  Down(const script::Folder& folder, const Options& options, const BackOptions& back,
       const Listener& listener, const Stop& stop)
      : folder_(folder), options_(options), back_(back), listener_(listener), stop_(stop) {}

  std::size_t run() {
    auto session = std::make_unique<Session>(options_.conninfo, stop_, options_.stall_max);
    const Found found = find_history(*session, folder_, options_);
    if (!found.choice.note.empty()) listener_.note(found.choice.note);
    read_ways(found.history());
    if (ways_.empty() || !is_agreed()) return 0;
    LockedSession locked(std::move(session), found.choice.project, options_, listener_, stop_);
    take_back(locked);
    return ways_.size();
  }

 private:
  /// Each is read and judged before anything runs.
  void read_ways(const script::History& history) {
    for (const script::Status& status : script::plan_back(folder_, history, back_.wish)) {
      const script::Script& way = ways_.emplace_back(script::read_way_back(*status.script));
      if (!way.directives.in_transaction && !back_.without_transaction) {
        throw Failure(FailureKind::usage,
                      way.path +
                          ": its way back is no transaction: where it fails half-way, it stays so "
                          "until it goes on; --no-transaction says that this is meant");
      }
    }
    secrets_ = secrets_of_ways();
    for (const script::Script& way : ways_) {
      if (Apply::check(way, options_.placeholders) > 0) continue;
      throw Failure(FailureKind::usage,
                    way.path +
                        ": its way back has no statement; write what undoes the file, or "
                        "\"select 1;\" where nothing is to be undone");
    }
  }

  script::Secrets secrets_of_ways() const {
    script::Folder all;
    all.versioned.assign(ways_.begin(), ways_.end());
    return script::secrets_of(all, options_.placeholders);
  }

  bool is_agreed() const {
    std::vector<std::string> paths;
    for (const script::Script& way : ways_) paths.push_back(way.path);
    return back_.agree(paths);
  }

  void take_back(LockedSession& locked) {
    for (std::size_t losses = 0;;) {
      try {
        make_schema_for(locked.work(), schema::Use::migrate_back);
        const Found found = find_history(locked.work(), folder_, options_);
        adopt(locked.work(), found);
        drop_done(found.history());
        while (done_ < ways_.size()) take_back(locked, found);
        return;
      } catch (const SqlError& error) {
        if (!error.is_lost()) throw;
        tell_loss(error, ++losses);
      }
      locked.reconnect();
    }
  }

  /// What the lost connection has done yet, and whether all else is as it was agreed to.
  void drop_done(const script::History& history) {
    const auto entry_of = [&](const script::Script& way) {
      return std::ranges::find_if(history.entries, [&](const script::Entry& entry) {
        return entry.versioned && entry.version == way.name.version;
      });
    };
    if (is_under_way_ && entry_of(ways_[done_]) == history.entries.end()) note_done();
    const script::BackWish rest{.to = {}, .steps = ways_.size() - done_};
    const std::vector<script::Status> plan = script::plan_back(folder_, history, rest);
    for (std::size_t i = 0; done_ + i < ways_.size(); ++i) {
      if (i < plan.size() && plan[i].script->name.version == ways_[done_ + i].name.version)
        continue;
      throw Failure(FailureKind::held,
                    "another run has changed the history meanwhile; see pgsluice migrate status, "
                    "and run this again");
    }
  }

  void take_back(LockedSession& locked, const Found& found) {
    const script::Script& way = ways_[done_];
    if (stop_.asked()) {
      throw Failure(FailureKind::interrupted, "interrupted before the way back of " + way.path +
                                                  "; " + std::to_string(done_) + " of " +
                                                  std::to_string(ways_.size()) + " are taken back");
    }
    const auto entry = std::ranges::find_if(found.history().entries, [&](const script::Entry& one) {
      return one.versioned && one.version == way.name.version;
    });
    const bool has_begun = entry->state == script::Entry::State::reverting;
    const script::Status status{&way, has_begun ? &*entry : nullptr,
                                script::Status::State::applied};
    is_under_way_ = true;
    began_ = std::chrono::steady_clock::now();
    if (listener_.begins) listener_.begins(way.path);
    const auto record = [&locked](const script::Write& row) { return locked.record(row); };
    try {
      locked.hold();
      Apply(locked.work(), options_, secrets_, listener_, stop_).run(found.home(), status, record);
    } catch (const SqlError& error) {
      if (error.is_lost()) throw;
      throw Failure(FailureKind::failed, way.path + ": " + secrets_.hidden(error.primary()) +
                                             " (SQLSTATE " + error.state() + ")");
    }
    note_done();
  }

  void note_done() {
    is_under_way_ = false;
    listener_.taken_back(ways_[done_], std::chrono::steady_clock::now() - began_);
    ++done_;
  }

  /// Throws Failure where it is one too many.
  void tell_loss(const SqlError& error, std::size_t losses) const {
    const std::string what =
        (is_under_way_ ? ways_[done_].path : std::string("the history")) + ": " + error.primary();
    if (losses > losses_max) {
      throw Failure(FailureKind::failed, what + " " + std::to_string(losses) +
                                             " times while its way "
                                             "back ran");
    }
    listener_.note(what + "; the history will say whether it was taken back");
  }

  const script::Folder& folder_;
  const Options& options_;
  const BackOptions& back_;
  const Listener& listener_;
  const Stop& stop_;
  script::Secrets secrets_;
  std::deque<script::Script> ways_;  ///< the newest first
  std::size_t done_ = 0;
  bool is_under_way_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace

std::size_t down(const script::Folder& folder, const Options& options, const BackOptions& back,
                 const Listener& listener, const Stop& stop) {
  return Down(folder, options, back, listener, stop).run();
}

}  // namespace sluice::migrate
