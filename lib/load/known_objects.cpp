#include "load/known_objects.hpp"

#include <map>
#include <string_view>

#include "ledger/places.hpp"
#include "load/enter.hpp"
#include "load/known_files.hpp"
#include "load/run.hpp"
#include "plan/wishes.hpp"
#include "resume/history.hpp"

namespace sluice::load {
namespace {

/// What the ledger is asked by, whatever the object.
ledger::NewLoad like_all(const writer::Target& target) {
  ledger::NewLoad like;
  like.target = target.table.full_name();
  like.target_oid = target.table.id;
  like.is_empty = writer::emptiness(target, writer::Far::left_alone);
  like.origin = target.origin;
  return like;
}

/// Its content is what the load has read, and the options mean what they meant then.
ledger::NewLoad as_loaded(ledger::NewLoad like, const ObjectToFind& object,
                          const ledger::KnownLoad& load) {
  like.source = object.path;
  like.source_path = object.path;
  like.source_bytes = load.source_bytes;
  like.source_stamp = object.stamp;
  like.fingerprint = load.fingerprint;
  like.head = load.head;
  like.options = load.options;
  return like;
}

/// The newest load of this stamp that has brought all of the object.
class Finding {
 public:
  Finding(const plan::LoadOptions& options, const writer::Target& target,
          const ledger::KnownLoads& known)
      : options_(options), target_(target), like_(like_all(target)) {
    for (const ledger::KnownLoad& load : known.loads) by_stamp_.emplace(load.source_stamp, &load);
  }

  const ledger::KnownLoad* load_of(const ObjectToFind& object) const {
    const auto [first, end] = by_stamp_.equal_range(object.stamp);
    for (auto at = first; at != end; ++at)
      if (has_brought(*at->second, object)) return at->second;
    return nullptr;
  }

 private:
  bool has_brought(const ledger::KnownLoad& load, const ObjectToFind& object) const {
    if (!load.damage.empty() || !plan::has_wishes(load.options, options_, target_)) return false;
    resume::History history;
    history.same_content = options_.same_content;
    history.grown = options_.grown;
    history.target_is_unlogged = target_.table.is_unlogged;
    history.target_has_logged_part = target_.table.has_logged_part;
    history.loads.push_back({.load = load});
    const resume::Verdict verdict = resume::judge(history, as_loaded(like_, object, load));
    return verdict.kind == resume::Verdict::Kind::nothing_to_do;
  }

  const plan::LoadOptions& options_;
  const writer::Target& target_;
  ledger::NewLoad like_;
  std::multimap<std::string_view, const ledger::KnownLoad*> by_stamp_;  ///< newest first
};

LoadReport report_on(const Resources& on, const ObjectToFind& object, const writer::Target& target,
                     const ledger::LoadEntry& load) {
  Run run{on, {}, {}, false};
  run.report.plan.source = object.path;
  run.report.plan.table = target.table.full_name();
  tell_nothing_to_do(run, load);
  return std::move(run.report);
}

}  // namespace

asio::awaitable<std::vector<std::optional<LoadReport>>> find_known_objects(
    Resources on, Shared& shared, const plan::LoadOptions& options,
    const std::vector<ObjectToFind>& objects) {
  std::vector<std::optional<LoadReport>> found(objects.size());
  // What a list means is asked of the server, by each load for itself.
  if (objects.empty() || options.again || options.reread || !options.select.empty())
    co_return found;
  co_await find_out(on, shared, options);
  if (!shared.target) co_return found;
  std::vector<std::string> stamps;
  for (const ObjectToFind& object : objects) stamps.push_back(object.stamp);
  pg::Lease connection = co_await on.pool.acquire();
  const ledger::NewLoad like = like_all(*shared.target);
  ledger::KnownLoads known = co_await ledger::find_by_stamps(*connection, like, stamps);
  if (known.loads.empty()) co_return found;
  const Sql is_empty = co_await writer::seen_empty(*connection, *shared.target);
  if (!is_empty.empty()) co_return found;
  // A load beside this one may have found the table empty, voided them, and brought its rows.
  known = co_await ledger::find_by_stamps(*connection, like, stamps);
  if (known.has_other_places) {
    const Sql adopt = ledger::adopt_statements(like);
    co_await connection->query(adopt);
  }
  const Finding finding(options, *shared.target, known);
  for (std::size_t i = 0; i < objects.size(); ++i)
    if (const ledger::KnownLoad* const load = finding.load_of(objects[i]))
      found[i] = report_on(on, objects[i], *shared.target, *load);
  co_return found;
}

}  // namespace sluice::load
