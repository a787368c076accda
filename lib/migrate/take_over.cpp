#include <algorithm>
#include <tuple>

#include "base/failure.hpp"
#include "migrate/find_history.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/migrate.hpp"

/// `migrate adopt`.
namespace sluice::migrate {
namespace {

/// Times are shown, and read again, as texts.
constexpr SqlWords begins =
    "begin; set local lock_timeout = '3s'; set local datestyle = 'ISO, YMD'";

/// Was taken over before: an answer was lost, or somebody asks twice.
bool is_done(const script::History& history, const script::Adoption& adoption) {
  const auto has = [&](const script::Adopted& one) {
    return std::ranges::any_of(history.entries, [&](const script::Entry& entry) {
      return entry.versioned == one.versioned &&
             (one.versioned ? entry.version == one.version : entry.file == one.file);
    });
  };
  const auto has_baseline = [&](const script::Entry& entry) {
    return entry.state == script::Entry::State::baseline && entry.version == *adoption.baseline;
  };
  return std::ranges::all_of(adoption.files, has) &&
         (!adoption.baseline || std::ranges::any_of(history.entries, has_baseline));
}

/// False: there is nothing to do.
bool require_room(const script::History& history, const script::Adoption& adoption,
                  const std::string& project) {
  if (history.entries.empty()) return true;
  if (is_done(history, adoption)) return false;
  throw Failure(FailureKind::usage,
                "project \"" + project + "\" has a history of its own already, which begins with " +
                    history.entries.front().file,
                "Another one begins with --project NAME.");
}

bool is_same(const std::vector<script::TheirRow>& one, const std::vector<script::TheirRow>& other) {
  return std::ranges::equal(one, other, [](const auto& a, const auto& b) {
    return std::tie(a.version, a.file, a.checksum, a.applied_at, a.kind, a.is_good) ==
           std::tie(b.version, b.file, b.checksum, b.applied_at, b.kind, b.is_good);
  });
}

/// Ends the transaction whatever happens, but for a lost connection, which has ended it.
class Transaction {
 public:
  explicit Transaction(Session& session) : session_(session) { session_.query(Sql(begins)); }
  ~Transaction() {
    try {
      if (is_open_) session_.roll_back();
    } catch (const SqlError&) {
      // The connection has gone, and with it the transaction.
    }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    is_open_ = false;
    session_.query(sql("commit"));
  }

 private:
  Session& session_;
  bool is_open_ = true;
};

}  // namespace

TakenOver take_over(const script::Folder& folder, const Options& options,
                    const TakeOverOptions& take, const Listener& listener, const Stop& stop) {
  auto session = std::make_unique<Session>(options.conninfo, stop, options.stall_max);
  const Found before = find_history(*session, folder, options);
  if (!before.choice.note.empty()) listener.note(before.choice.note);
  TakenOver taken{.table = find_their_table(*session, take.wish), .adoption = {}};
  std::vector<script::TheirRow> rows;
  {
    const Transaction reading(*session);
    rows = read_their_rows(*session, taken.table, take.wish, false);
  }
  taken.adoption = script::plan_adoption(
      folder, rows, {.tool = taken.table.tool, .baseline = take.baseline, .accepts = take.accepts});
  taken.is_new = require_room(before.history(), taken.adoption, before.choice.project);
  if (!taken.is_new || options.dry_run || !take.agree(taken)) return taken;

  LockedSession locked(std::move(session), before.choice.project, options, listener, stop);
  make_schema(locked.work());
  const Found found = find_history(locked.work(), folder, options);
  taken.is_new = require_room(found.history(), taken.adoption, found.choice.project);
  if (!taken.is_new) return taken;
  Transaction recording(locked.work());
  if (!is_same(rows, read_their_rows(locked.work(), taken.table, take.wish, true))) {
    throw Failure(FailureKind::held, "the history of " + std::string(name_of(taken.table.tool)) +
                                         " has just changed; nothing is recorded: run this again");
  }
  for (const script::Write& write :
       script::record_adoption(found.home(), taken.adoption, taken.table.tool)) {
    if (!locked.work().writes_one(write)) throw Failure(FailureKind::failed, script::not_kept);
  }
  recording.commit();
  taken.is_recorded = true;
  return taken;
}

}  // namespace sluice::migrate
