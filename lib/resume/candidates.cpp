#include "resume/candidates.hpp"

#include <algorithm>

#include "resume/counted_mark.hpp"
#include "resume/sound_entry.hpp"
#include "source/fingerprint.hpp"
#include "source/marked_source.hpp"

namespace sluice::resume {

asio::awaitable<ledger::KnownLoads> find_candidates(pg::Connection& connection,
                                                    ledger::NewLoad& now,
                                                    const std::string& bytes) {
  ledger::KnownLoads known = co_await ledger::find_loads(connection, now);
  if (known.short_lengths.empty()) co_return known;
  const std::string_view beginning = bytes;
  for (const std::uint64_t length : known.short_lengths) {
    const std::uint64_t without_mark = length - std::min(length, source::utf8_mark.size());
    now.short_heads.push_back(source::head_digest(beginning.substr(0, without_mark)));
    now.marked.short_heads.push_back(
        source::head_digest(source::marked_beginning(beginning, length)));
  }
  for (const std::uint64_t length : known.short_lengths)
    now.short_heads.push_back(source::head_digest(beginning.substr(0, length)));
  known = co_await ledger::find_loads(connection, now);
  co_return known;
}

History history_of(const plan::Plan& plan, const ledger::NewLoad& now,
                   std::vector<ledger::KnownLoad> loads) {
  History history;
  history.again = plan.options.again;
  history.truncate = plan.options.truncate;
  history.reread = plan.options.reread;
  history.same_content = plan.options.same_content;
  history.grown = plan.options.grown;
  history.target_is_unlogged = plan.target.table.is_unlogged;
  history.target_has_logged_part = plan.target.table.has_logged_part;
  for (ledger::KnownLoad& load : loads) {
    if (history.again && !load.damage.empty()) continue;
    if (!history.again) require_sound(load);
    history.loads.emplace_back();
    history.loads.back().load = std::move(load);
    leave_mark_out(history.loads.back().load, now);
  }
  return history;
}

asio::awaitable<void> find_running(pg::Connection& connection, const ledger::NewLoad& now,
                                   std::vector<Candidate>& candidates) {
  std::vector<LoadId> begun;
  for (const Candidate& c : candidates)
    if (may_be_begun(c.load, now) || may_have_grown(c.load, now)) begun.push_back(c.load.id);
  const std::vector<LoadId> running = co_await ledger::running(connection, begun);
  for (Candidate& c : candidates)
    c.is_running = std::ranges::find(running, c.load.id) != running.end();
}

}  // namespace sluice::resume
