#include "load/known_files.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "async/offload.hpp"
#include "ledger/places.hpp"
#include "load/enter.hpp"
#include "load/run.hpp"
#include "load/survey.hpp"
#include "plan/plan.hpp"
#include "resume/candidates.hpp"
#include "resume/counted_mark.hpp"
#include "resume/entry.hpp"
#include "resume/history.hpp"

namespace sluice::load {
namespace {

/// What is seen of a file before the ledger is asked. It is not kept open.
struct Glance {
  std::size_t number = 0;
  std::string stamp;
  std::string beginning;  ///< of its content; empty for one without a record
};

/// ... and of one whose stamp is in the ledger.
struct File {
  std::size_t number = 0;
  resume::History history;  ///< without loads
  plan::PlanSummary summary;
  std::optional<source::FileIdentity> file;
  ledger::NewLoad entry;
};

constexpr std::size_t compared_bytes = 4096;

/// Nothing where the file cannot be opened or read, or has no stamp: its load says why.
std::optional<Glance> glance_at(const plan::LoadOptions& options, const Shared& shared) {
  try {
    const std::unique_ptr<source::Source> source =
        source::open(options.path, options.unpack, shared.encoding.value_or(std::nullopt));
    const chunk::Preamble preamble = plan::read_beginning(*source, options).preamble;
    std::string stamp = source->opening_stamp();
    if (stamp.empty()) return std::nullopt;
    return Glance{.number = 0,
                  .stamp = std::move(stamp),
                  .beginning = preamble.read_ahead.empty()
                                   ? std::string()
                                   : preamble.beginning.substr(0, compared_bytes)};
  } catch (const Failure&) {
    return std::nullopt;
  }
}

/// Nothing where the file cannot be opened, or does not fit the table: its load says why.
std::optional<File> look_at(plan::LoadOptions options, const Shared& shared) {
  try {
    const std::unique_ptr<source::Source> source =
        source::open(options.path, options.unpack, shared.encoding.value_or(std::nullopt));
    plan::Findings found{.beginning = plan::read_beginning(*source, options),
                         .target = *shared.target};
    plan::settle(options, *source, found);
    const plan::Plan plan = plan::make_plan(std::move(options), *source, std::move(found));
    ledger::NewLoad entry = resume::entry_of(plan);
    if (entry.source_stamp.empty()) return std::nullopt;
    return File{.number = 0,
                .history = resume::history_of(plan, entry, {}),
                .summary = plan.summary(),
                .file = source->file(),
                .entry = std::move(entry)};
  } catch (const Failure&) {
    return std::nullopt;
  }
}

void name_in(plan::LoadOptions& options, const FileToFind& file) {
  options.path = file.path;
  options.unpack.member = file.member;
  options.unpack.shelf = file.shelf;
}

std::vector<Glance> glance_at_all(plan::LoadOptions options, const Shared& shared,
                                  const std::vector<FileToFind>& files,
                                  const std::vector<std::size_t>& which) {
  std::vector<Glance> glances;
  for (const std::size_t i : which) {
    name_in(options, files[i]);
    std::optional<Glance> seen = glance_at(options, shared);
    if (!seen) continue;
    seen->number = i;
    glances.push_back(std::move(*seen));
  }
  return glances;
}

std::vector<File> look_at_all(plan::LoadOptions options, const Shared& shared,
                              const std::vector<FileToFind>& files,
                              const std::vector<Glance>& glances) {
  std::vector<File> found;
  for (const Glance& seen : glances) {
    name_in(options, files[seen.number]);
    std::optional<File> file = look_at(options, shared);
    if (!file) continue;
    file->number = seen.number;
    found.push_back(std::move(*file));
  }
  return found;
}

using LoadsByStamp = std::multimap<std::string_view, const ledger::KnownLoad*>;

/// The verdict on a file, of the loads that have its stamp and fingerprint.
resume::Verdict verdict_on(File& file, const LoadsByStamp& loads) {
  const auto [first, end] = loads.equal_range(file.entry.source_stamp);
  for (auto known = first; known != end; ++known) {
    ledger::KnownLoad load = *known->second;
    resume::leave_mark_out(load, file.entry);
    const bool is_of_it = load.damage.empty() && load.fingerprint == file.entry.fingerprint;
    if (is_of_it) file.history.loads.push_back({.load = std::move(load)});
  }
  return resume::judge(file.history, file.entry);
}

/// In the order of their bytes, what begins with another one's comes behind it.
void mark_alike(const std::vector<Glance>& files, std::vector<KnownFile>& known) {
  std::vector<const Glance*> sorted;
  for (const Glance& file : files)
    if (!file.beginning.empty()) sorted.push_back(&file);
  std::ranges::sort(sorted, {},
                    [](const Glance* file) { return std::string_view(file->beginning); });
  const Glance* root = nullptr;
  for (const Glance* file : sorted) {
    if (root != nullptr && file->beginning.starts_with(root->beginning)) {
      known[file->number].is_like_another = true;
      known[root->number].is_like_another = true;
    } else {
      root = file;
    }
  }
}

LoadReport report_on(const Resources& on, const File& file, const ledger::LoadEntry& load) {
  Run run{on, {}, {}, false};
  run.report.plan = file.summary;
  run.report.file = file.file;
  tell_nothing_to_do(run, load);
  return std::move(run.report);
}

/// Which of these stamps finished loads have.
asio::awaitable<std::set<std::string>> known_stamps(Resources on, std::vector<std::string> stamps) {
  if (stamps.empty()) co_return std::set<std::string>();
  pg::Lease connection = co_await on.pool.acquire();
  co_return co_await ledger::finished_stamps(*connection, stamps);
}

/// Leaves out the members that the ledger does not know by their stamps.
asio::awaitable<void> leave_known_stamps(Resources on, std::vector<std::size_t>& which,
                                         const std::vector<FileToFind>& files) {
  std::vector<std::string> stamps;
  for (const std::size_t i : which)
    if (files[i].member) stamps.push_back(files[i].stamp);
  const std::set<std::string> known = co_await known_stamps(on, std::move(stamps));
  const auto is_unknown = [&](std::size_t i) {
    return files[i].member && !known.contains(files[i].stamp);
  };
  std::erase_if(which, is_unknown);
}

/// These files by themselves, which the ledger knows by their stamps: those that have nothing to do
/// have their reports then.
asio::awaitable<void> judge(Resources on, const Shared& shared, std::vector<File> files,
                            std::vector<KnownFile>& found) {
  std::vector<const ledger::NewLoad*> sources;
  for (const File& file : files) sources.push_back(&file.entry);
  pg::Lease connection = co_await on.pool.acquire();
  ledger::KnownLoads known = co_await ledger::find_untouched(*connection, sources);
  if (known.loads.empty()) co_return;
  const Sql is_empty = co_await writer::seen_empty(*connection, *shared.target);
  if (!is_empty.empty()) co_return;
  // A load beside this one may have found the table empty, voided them, and brought its rows.
  known = co_await ledger::find_untouched(*connection, sources);
  if (known.has_other_places) {
    const Sql adopt = ledger::adopt_statements(*sources.front());
    co_await connection->query(adopt);
  }
  LoadsByStamp by_stamp;  // newest first, as they are
  for (const ledger::KnownLoad& load : known.loads) by_stamp.emplace(load.source_stamp, &load);
  for (File& file : files) {
    const resume::Verdict verdict = verdict_on(file, by_stamp);
    if (verdict.kind == resume::Verdict::Kind::nothing_to_do)
      found[file.number].report = report_on(on, file, *verdict.load);
  }
}

}  // namespace

asio::awaitable<void> find_out(Resources on, Shared& shared, const plan::LoadOptions& options) {
  if (!shared.encoding) {
    std::optional<source::Encoding> encoding = co_await encoding_to_read(on.pool, options);
    shared.encoding = std::move(encoding);
  }
  if (shared.target) co_return;
  pg::Lease connection = co_await on.pool.acquire();
  connection->refuse_standby();
  writer::Target target =
      co_await writer::describe(*connection, options.table, options.settings, ledger::Use::load);
  if (shared.table.value_or(target.table.id) != target.table.id) co_return;
  shared.table = target.table.id;
  if (target.ledger == ledger::State::complete) shared.target = std::move(target);
}

asio::awaitable<std::vector<KnownFile>> find_known_files(Resources on, Shared& shared,
                                                         plan::LoadOptions options,
                                                         std::vector<FileToFind> paths) {
  std::vector<KnownFile> found(paths.size());
  // What a list means is asked of the server, by each load for itself.
  if (options.again || options.reread || !options.select.empty()) co_return found;
  co_await find_out(on, shared, options);
  if (!shared.target) co_return found;
  std::vector<std::size_t> which(paths.size());
  std::iota(which.begin(), which.end(), 0);
  co_await leave_known_stamps(on, which, paths);
  std::vector<Glance> glances;
  const auto glance = [&] { glances = glance_at_all(options, shared, paths, which); };
  co_await async::offload(on.reader, glance);
  mark_alike(glances, found);
  std::vector<std::string> stamps;
  for (const Glance& seen : glances) stamps.push_back(seen.stamp);
  const std::set<std::string> known = co_await known_stamps(on, std::move(stamps));
  std::erase_if(glances, [&known](const Glance& seen) { return !known.contains(seen.stamp); });
  if (glances.empty()) co_return found;
  std::vector<File> files;
  const auto look = [&] { files = look_at_all(options, shared, paths, glances); };
  co_await async::offload(on.reader, look);
  if (!files.empty()) co_await judge(on, shared, std::move(files), found);
  co_return found;
}

}  // namespace sluice::load
