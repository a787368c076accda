#include "load/known_files.hpp"

#include <algorithm>

#include "async/offload.hpp"
#include "ledger/places.hpp"
#include "load/enter.hpp"
#include "load/run.hpp"
#include "plan/plan.hpp"
#include "resume/candidates.hpp"
#include "resume/history.hpp"

namespace sluice::load {
namespace {

/// What is known of a file before the ledger is asked. It is not kept open.
struct File {
  std::size_t number = 0;
  ledger::NewLoad identity;
  resume::History history;  ///< without loads
  plan::PlanSummary summary;
  std::optional<source::FileIdentity> file;
  std::string beginning;  ///< of its content; empty for one without a record
};

constexpr std::size_t compared_bytes = 4096;

/// Nothing where the file cannot be opened, or does not fit the table: its load says why.
std::optional<File> look_at(const plan::LoadOptions& options, const Shared& shared) {
  try {
    const std::unique_ptr<source::Source> source =
        source::open(options.path, options.unpack, shared.encoding.value_or(std::nullopt));
    plan::Beginning beginning = plan::read_beginning(*source, options);
    const plan::Plan plan =
        plan::make_plan(options, *source, std::move(beginning), *shared.target, {}, {}, 1);
    if (plan.identity.source_stamp.empty()) return std::nullopt;
    return File{.number = 0,
                .identity = plan.identity,
                .history = resume::history_of(plan, {}),
                .summary = plan.summary(),
                .file = source->file(),
                .beginning = plan.preamble.read_ahead.empty()
                                 ? std::string()
                                 : plan.preamble.beginning.substr(0, compared_bytes)};
  } catch (const Failure&) {
    return std::nullopt;
  }
}

/// The verdict on a file, of the loads that have its stamp and fingerprint.
resume::Verdict verdict_on(const File& file, const std::vector<ledger::KnownLoad>& loads) {
  resume::History history = file.history;
  for (const ledger::KnownLoad& load : loads) {
    const bool is_of_it = load.damage.empty() && load.source_stamp == file.identity.source_stamp &&
                          load.fingerprint == file.identity.fingerprint;
    if (is_of_it) history.loads.push_back({.load = load});
  }
  return resume::judge(history, file.identity);
}

/// In the order of their bytes what begins with another one's stands right behind it.
void mark_alike(std::vector<File>& files, std::vector<KnownFile>& known) {
  std::vector<const File*> sorted;
  for (const File& file : files)
    if (!file.beginning.empty()) sorted.push_back(&file);
  std::ranges::sort(sorted, {}, [](const File* file) { return std::string_view(file->beginning); });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (!sorted[i]->beginning.starts_with(sorted[i - 1]->beginning)) continue;
    known[sorted[i]->number].is_like_another = true;
    known[sorted[i - 1]->number].is_like_another = true;
  }
}

LoadReport report_on(const Resources& on, const File& file, const ledger::LoadEntry& load) {
  Run run{on, {}, {}, false};
  run.report.plan = file.summary;
  run.report.file = file.file;
  tell_nothing_to_do(run, load);
  return std::move(run.report);
}

}  // namespace

asio::awaitable<std::vector<KnownFile>> find_known_files(Resources on, const Shared& shared,
                                                         plan::LoadOptions options,
                                                         std::vector<std::string> paths) {
  std::vector<KnownFile> found(paths.size());
  // What a list means is asked of the server, by each load for itself.
  if (!shared.target || options.again || !options.select.empty()) co_return found;
  std::vector<File> files;
  const auto look = [&] {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      options.path = paths[i];
      std::optional<File> file = look_at(options, shared);
      if (!file) continue;
      file->number = i;
      files.push_back(std::move(*file));
    }
  };
  co_await async::offload(on.reader, look);
  if (files.empty()) co_return found;
  mark_alike(files, found);
  std::vector<ledger::NewLoad> sources;
  for (const File& file : files) sources.push_back(file.identity);
  pg::Lease connection = co_await on.pool.acquire();
  const ledger::KnownLoads known = co_await ledger::find_untouched(*connection, sources);
  if (known.loads.empty()) co_return found;
  const Sql is_empty = co_await writer::seen_empty(*connection, *shared.target);
  if (!is_empty.empty()) co_return found;
  if (known.has_other_places) {
    const Sql adopt = ledger::adopt_statements(sources.front());
    co_await connection->query(adopt);
  }
  for (const File& file : files) {
    const resume::Verdict verdict = verdict_on(file, known.loads);
    if (verdict.kind == resume::Verdict::Kind::nothing_to_do)
      found[file.number].report = report_on(on, file, *verdict.load);
  }
  co_return found;
}

}  // namespace sluice::load
