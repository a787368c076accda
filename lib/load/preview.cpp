#include "load/preview.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "chunk/chunker.hpp"
#include "tuple/tuple_range.hpp"
#include "writer/select_preview.hpp"

namespace sluice::load {
namespace {

constexpr std::uint64_t records_shown_max = 100;

/// The first records, as tuples in the order of the file.
void read_records(plan::Plan& plan, tuple::Batch& batch) {
  if (plan.source->rewind()) plan::reread_preamble(plan);
  chunk::ChunkerOptions options = plan.chunker_options();
  options.records_max = std::min(options.records_max, records_shown_max);
  chunk::Chunker chunker(*plan.source, plan.preamble, options);
  chunk::Chunk chunk;
  if (!chunker.next(chunk)) return;
  tuple::Encoder(plan.encoder)
      .encode(chunk.parse_input(), batch, chunk.start, tuple::Lanes::only_slow);
}

/// Puts a record in. What the server says where it refuses it.
asio::awaitable<std::string> put(const writer::Writer& writer, pg::Connection& on,
                                 const tuple::TupleRange& record) {
  std::string refused;
  try {
    co_await writer.put(on, 0, record);
  } catch (const writer::Refusal& refusal) {
    if (refusal.nature() != ErrorNature::data) throw;
    refused = refusal.full();
  }
  co_return refused;
}

void show(const pg::Result& rows, LoadReport& report) {
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    std::vector<std::optional<std::string>>& values = report.preview_rows.emplace_back();
    for (int i = 0; i < rows.columns(); ++i) {
      values.emplace_back();
      if (!rows.is_null(row, i)) values.back() = rows.text(row, i);
    }
  }
}

}  // namespace

asio::awaitable<void> preview(Run& run, plan::Plan& plan) {
  plan.encoder.number_records = true;
  tuple::Batch batch;
  const auto read = [&plan, &batch] { read_records(plan, batch); };
  co_await async::offload(run.on.reader, read);
  const plan::SqlWordValues values{
      plan.words, plan.options.use_ledger ? std::optional(LoadId{0}) : std::nullopt,
      plan::field_of_record(plan)};
  const writer::Selection selection = plan.selecting->filled(values);
  const writer::SelectPreview writer(plan.target, plan.encoder, selection, plan.strategy.merge);
  pg::Lease on = co_await run.on.pool.acquire();
  const ledger::ChunkEntry chunk;
  co_await writer.begin(*on, chunk);
  tuple::TupleCutter cutter(batch, tuple::LaneName::slow);
  for (std::uint64_t i = 0; i < batch.slow.tuples; ++i) {
    const tuple::TupleRange one = cutter.cut(i, i + 1);
    const std::string refused = co_await put(writer, *on, one);
    if (!refused.empty()) run.note(fmt::format("tuple {} would be refused: {}", i + 1, refused));
  }
  const pg::Result rows = co_await writer.rows(*on);
  run.report.preview_columns = selection.outputs;
  show(rows, run.report);
  co_await writer.roll_back(*on);
}

}  // namespace sluice::load
