#include "load/named_upload.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "ledger/uploads.hpp"

namespace sluice::load {
namespace {

/// Chunks of a load from its first one on, as far as none is missing.
struct Unbroken {
  plan::Plan::Passed passed;
  std::uint64_t rows = 0;
  std::optional<ledger::ChunkEntry> last;
};

Unbroken unbroken_of(const ledger::StoredChunks& stored) {
  Unbroken all;
  for (const auto& [number, chunk] : stored) {
    if (static_cast<std::uint64_t>(number) != all.passed.chunks) break;
    ++all.passed.chunks;
    all.passed.bytes += chunk.byte_count;
    all.passed.records += chunk.records_read;
    all.rows += chunk.counts.rows_stored + chunk.counts.rows_updated;
    all.last = chunk;
  }
  return all;
}

}  // namespace

Failure front_is_gone(const plan::Plan& plan) {
  return {FailureKind::changed,
          fmt::format("what {} goes on behind is not stored (any more)", plan.source->name()),
          "Send all of it again: what is in the table is not stored twice."};
}

void require_plain(const plan::Plan& plan) {
  const auto& upload = plan.options.upload;
  if (!upload || !upload->is_resumable) return;
  if (!plan.source->packed() && plan.source->encoding() == nullptr) return;
  throw Failure(FailureKind::usage,
                "an upload that can be gone on with at an offset is text in UTF-8, and not packed");
}

asio::awaitable<std::optional<resume::Verdict>> judge_upload(pg::Connection& connection,
                                                             const plan::Plan& plan,
                                                             const ledger::NewLoad& now,
                                                             Sql& before) {
  using Kind = resume::Verdict::Kind;
  std::optional<ledger::KnownLoad> load = co_await ledger::find_of_upload(connection, now);
  if (!load && plan.options.upload->offset > 0) throw front_is_gone(plan);
  if (!load || load->is_half_undone()) co_return std::nullopt;
  if (!load->damage.empty()) throw Failure(FailureKind::failed, load->damage);
  const bool is_other = load->of_other_table || load->head != now.head;
  // One that was refused before any of it was stored stands in nobody's way.
  if (is_other && !load->finished() && load->totals.chunks == 0) {
    before += ledger::unname_upload_statement(load->id);
    co_return std::nullopt;
  }
  if (is_other) {
    throw Failure(FailureKind::changed,
                  fmt::format("load {} has brought another content, or into another table, under "
                              "the name of this upload",
                              load->id.value),
                  "Another upload has another name.");
  }
  resume::Verdict verdict;
  verdict.kind = Kind::resume;
  if (load->finished()) {
    verdict.kind = Kind::nothing_to_do;
  } else if (load->staged != now.staged ||
             !resume::may_go_on_with(load->options, now.options, !load->behind_load)) {
    verdict.kind = Kind::refuse_options;
  }
  verdict.load = std::move(*load);
  co_return verdict;
}

asio::awaitable<void> go_on_at_offset(Run& run, pg::Connection& connection, plan::Plan& plan,
                                      LoadId load) {
  const ledger::StoredChunks stored = co_await ledger::stored_chunks(connection, load);
  const Unbroken unbroken = unbroken_of(stored);
  if (!unbroken.last) throw front_is_gone(plan);
  const ledger::ChunkEntry& last = *unbroken.last;
  const std::optional<std::uint64_t> lines = co_await ledger::lines_of(connection, last.of(load));
  const std::uint64_t end = last.start.byte_offset + last.byte_count;
  const auto seek = [&plan, end] { return plan.source->seek(end); };
  const bool is_there = co_await async::offload(run.on.reader, seek);
  if (!lines || !is_there || end + plan.source->mark_bytes() != plan.options.upload->offset)
    throw front_is_gone(plan);
  plan.passed = unbroken.passed;
  plan.preamble.start = {end, last.start.line + *lines, last.start.record + last.records_read};
  plan.preamble.origin = end + plan.source->mark_bytes();
  plan.preamble.read_ahead.clear();
  run.progress.bytes_done = run.progress.bytes_before = end;
  run.progress.rows_before = unbroken.rows;
}

}  // namespace sluice::load
