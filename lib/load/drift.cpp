#include "load/drift.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "plan/meaning.hpp"
#include "sniff/other_values.hpp"

namespace sluice::load {
namespace {

plan::Drift since(const Former& former, plan::Drift drift) {
  drift.since = former.load.id;
  drift.source = former.load.source;
  drift.finished_at = former.load.finished_at;
  return drift;
}

/// A rule writes values in another form in front of the column's type.
bool rewrites(const tuple::FieldRules& rules) {
  return rules.decimal || rules.boolean || rules.date;
}

/// What is at the beginning of the source tells.
std::vector<plan::Drift::OtherType> other_types(const plan::Plan& plan) {
  std::vector<plan::Drift::OtherType> others;
  if (plan.selecting) return others;  // its columns are text to the list
  const std::vector<tuple::Column>& columns = plan.target.table.columns;
  std::vector<sniff::TypedColumn> typed(plan.mapping.targets.size());
  for (std::size_t i = 0; i < typed.size(); ++i) {
    if (!plan.mapping.targets[i]) continue;
    if (i < plan.encoder.rules.fields.size()) typed[i].rules = plan.encoder.rules.fields[i];
    if (rewrites(typed[i].rules)) continue;
    typed[i].type = columns[*plan.mapping.targets[i]].base_type.id;
  }
  const std::vector<sniff::OtherValues> found = sniff::other_values(plan.preamble, typed);
  for (std::size_t i = 0; i < typed.size(); ++i) {
    if (!found[i].are_usual()) continue;
    const tuple::Column& column = columns[*plan.mapping.targets[i]];
    others.push_back({.column = column.name,
                      .type = column.type_name,
                      .values = found[i].values,
                      .others = found[i].others,
                      .first = found[i].first});
  }
  return others;
}

asio::awaitable<std::shared_ptr<const Former>> ask_for_former(Run& run,
                                                              const writer::Target& target,
                                                              const std::string& path) {
  pg::Lease connection = co_await run.on.pool.acquire();
  std::optional<ledger::FormerLoad> load =
      co_await ledger::former_load(*connection, target.table.id, path);
  if (!load) co_return nullptr;
  std::optional<plan::FormerColumns> columns = plan::former_columns(load->options);
  if (!columns) co_return nullptr;
  co_return std::make_shared<const Former>(Former{std::move(*load), std::move(*columns)});
}

}  // namespace

bool asks_for_drift(const plan::LoadOptions& options, const writer::Target& target) {
  const bool is_new_table = options.makes && !options.makes->made_by;
  return options.on_drift != plan::OnDrift::ignore && options.use_ledger && !is_new_table &&
         target.ledger == ledger::State::complete;
}

asio::awaitable<std::shared_ptr<const Former>> former_of(Run& run, source::Source& source,
                                                         const writer::Target& target,
                                                         Shared* shared) {
  const std::string path = source.identity();
  const std::string alike = ledger::without_digits(path);
  if (shared != nullptr) {
    const auto known = shared->formers.find(alike);
    if (known != shared->formers.end()) co_return known->second;
  }
  std::shared_ptr<const Former> former = co_await ask_for_former(run, target, path);
  // Where there is none yet, one of these files is the first.
  if (shared != nullptr && former) shared->formers.emplace(alike, former);
  co_return former;
}

std::vector<std::string> names_of(const plan::LoadOptions& options,
                                  const chunk::Preamble& preamble) {
  const std::vector<std::string>* const names = plan::source_names(options, preamble);
  if (names == nullptr || !std::ranges::all_of(*names, is_utf8)) return {};
  return *names;
}

plan::Drift drift_from(const Former& former, const plan::Plan& plan) {
  plan::Drift drift;
  const std::vector<std::string>* const names = plan::source_names(plan.options, plan.preamble);
  if (names != nullptr) {
    const tuple::Table& table = plan.fed_table();
    std::vector<plan::SourceColumn> now;
    for (std::size_t i = 0; i < plan.mapping.targets.size() && i < names->size(); ++i) {
      const std::optional<std::size_t> target = plan.mapping.targets[i];
      now.push_back({.name = (*names)[i],
                     .feeds = target ? std::optional(table.columns[*target].name) : std::nullopt});
    }
    drift = plan::drift_of(former.columns, now);
  }
  drift.types = other_types(plan);
  return since(former, std::move(drift));
}

Failure with_drift(Run& run, const Failure& refused, const Former& former,
                   const std::vector<plan::SourceColumn>& now) {
  if (refused.kind() != FailureKind::usage || now.empty()) return refused;
  const plan::Drift drift = since(former, plan::drift_of(former.columns, now));
  if (!drift.any()) return refused;
  run.report.drift = drift;
  const std::string& advice = refused.advice();
  return {refused.kind(), refused.problem(),
          (advice.empty() ? "" : advice + "\n  ") + "--on-drift: " + plan::words_of(drift) + "."};
}

void tell_drift(Run& run, const plan::Plan& plan) {
  if (!plan.drift.any()) return;
  run.report.drift = plan.drift;
  const std::string words = plan.source->name() + ": " + plan::words_of(plan.drift);
  if (plan.options.on_drift == plan::OnDrift::stop)
    throw Failure(FailureKind::usage, words, plan::advice_for(plan.drift));
  run.note(words);
}

}  // namespace sluice::load
