#include "load/kept_rejects.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "ledger/grants.hpp"
#include "load/held_transactions.hpp"
#include "rejects/choice.hpp"

namespace sluice::load {
namespace {

std::function<bool(std::int64_t)> those_of(const ledger::StoredChunks& stored, bool with_others) {
  return [&stored, with_others](std::int64_t chunk) {
    const auto found = stored.find(chunk);
    return found == stored.end() ? with_others : found->second.rows_rejected > 0;
  };
}

}  // namespace

asio::awaitable<void> KeptRejects::choose(const plan::Plan& plan, std::string earlier_path,
                                          pg::Connection* connection) {
  rejects::RejectWish wish;
  wish.path = plan::rejects_path_of(plan, plan.options.rejects_path);
  wish.usual_path = plan::rejects_path_of(plan, {});
  wish.is_named = !plan.options.rejects_path.empty();
  wish.are_allowed = plan.options.rejects.allow_any();
  wish.earlier_path = std::move(earlier_path);
  const source::Encoding* const encoding = plan.source->encoding();
  wish.about = {.source = plan.source->name(),
                .front = plan.preamble.front_bytes,
                .header = plan.preamble.header_bytes,
                .line_end = plan.preamble.line_end,
                .footer_lines = plan.options.skip_footer,
                .encoding = encoding != nullptr ? std::optional(*encoding) : std::nullopt,
                .load = run_.report.load};
  if (plan.options.rejects_table && wish.are_allowed && connection != nullptr)
    co_return co_await choose_table(std::move(wish.about), std::move(wish.earlier_path),
                                    *connection);
  rejects::RejectChoice choice;
  const auto choose = [&wish, &choice] { choice = rejects::choose_reject_file(std::move(wish)); };
  co_await async::offload(run_.on.cpu, choose);
  file_ = std::move(choice.file);
  path_ = text_of_path(choice.path);
  if (!choice.note.empty()) run_.note(std::move(choice.note));
}

/// Who may not write there is told so before anything is stored.
asio::awaitable<void> KeptRejects::choose_table(rejects::RejectAbout about,
                                                std::string earlier_path,
                                                pg::Connection& connection) {
  path_ = rejects::RejectTable::place;
  if (!earlier_path.empty() && earlier_path != path_)
    run_.note("the rejects of earlier runs are in " + earlier_path + ": they stay there");
  table_.emplace(std::move(about));
  std::vector<ledger::TableRights> wanted{{"rejects", rejects::RejectTable::privileges}};
  co_await ledger::require_grants(connection, std::move(wanted));
}

Sql KeptRejects::frame_statement(const Sql& load) const {
  return table_ ? table_->frame_statement(load) : Sql();
}

void KeptRejects::open(const plan::Plan& plan) {
  budget_ = rejects::RejectBudget(plan.options.rejects);
  if (table_ && run_.report.load) table_->set_load(*run_.report.load);
  if (file_ && run_.report.load) file_->set_load(*run_.report.load);
}

void KeptRejects::count(const ledger::StoredChunks& stored) {
  budget_ = rejects::RejectBudget(budget_.limits());
  for (const auto& [number, chunk] : stored) budget_.use(chunk.records_read, chunk.rows_rejected);
}

asio::awaitable<void> KeptRejects::take_up(const ledger::StoredChunks& stored) {
  if (table_) co_await settle_table(false);
  if (!file_) co_return;
  std::uint64_t rejects = 0;
  for (const auto& [number, chunk] : stored) rejects += chunk.rows_rejected;
  const auto settle = [this, &stored] { return file_->settle(those_of(stored, false)); };
  const std::uint64_t kept = co_await async::offload(run_.on.cpu, settle);
  if (kept >= rejects) co_return;
  run_.note(fmt::format("{} of the {} rejects of earlier runs are not in {}",
                        format_count(rejects - kept), format_count(rejects), file_->path()));
}

asio::awaitable<void> KeptRejects::settle_table(bool with_others) {
  pg::Lease connection = co_await run_.on.pool.acquire();
  if (!with_others) co_await rejects::RejectTable::settle(*connection, *run_.report.load);
  const std::uint64_t left = co_await rejects::RejectTable::count(*connection, *run_.report.load);
  if (left > 0) run_.report.rejects_path = path_;
}

asio::awaitable<void> KeptRejects::settle(bool with_others, HeldTransactions* held) {
  if (table_) co_return co_await settle_table(with_others);
  if (!file_ || !file_->has_any()) co_return;
  ledger::StoredChunks stored;
  if (held != nullptr) {
    stored = co_await held->stored_chunks();
  } else {
    pg::Lease connection = co_await run_.on.pool.acquire();
    stored = co_await ledger::stored_chunks(*connection, *run_.report.load);
  }
  const auto settle = [this, &stored, with_others] {
    return file_->settle(those_of(stored, with_others));
  };
  const std::uint64_t left = co_await async::offload(run_.on.cpu, settle);
  run_.report.rejects_path = left > 0 ? file_->path() : std::string();
}

asio::awaitable<void> KeptRejects::settle_all() {
  if (!file_) co_return;
  const auto settle = [this] { return file_->settle([](std::int64_t) { return true; }); };
  co_await async::offload(run_.on.cpu, settle);
}

void KeptRejects::tell_path() {
  if (file_ && file_->has_any()) run_.report.rejects_path = file_->path();
}

void KeptRejects::leave() {
  if (file_) file_->leave();
}

}  // namespace sluice::load
