#include "load/foretell.hpp"

#include "async/offload.hpp"

namespace sluice::load {
namespace {

/// One trial of one chunk.
struct Asking {
  Storing& with;
  const chunk::Chunk& chunk;
  tuple::Batch& batch;
  pg::Connection& on;
  Foretold& told;
};

/// The chunk with the records in the slow lane whose keys the table is against.
asio::awaitable<void> suspect_by_keys(Asking& a) {
  Suspicion& suspicion = a.with.suspicion;
  tuple::Batch keys;
  const auto encode_keys = [&a, &suspicion, &keys] {
    tuple::Encoder(*suspicion.keys_encoder()).encode(a.chunk.parse_input(), keys, a.chunk.start);
  };
  co_await async::offload(a.with.on.cpu, encode_keys);
  if (keys.fast.tuples == 0) co_return;
  const tuple::TupleRange all = tuple::whole(keys, tuple::LaneName::fast);
  const std::vector<bool> asked = suspicion.asked_judges();
  writer::Trial::Suspects suspects = co_await suspicion.trial().suspects(a.on, all, asked);
  suspicion.note_found(std::move(suspects.found_by));
  if (suspects.records.empty()) co_return;
  auto plan = std::make_unique<tuple::EncoderPlan>(suspicion.encoder());
  plan->suspect_records =
      std::make_shared<const std::unordered_set<std::uint64_t>>(std::move(suspects.records));
  const auto encode = [&a, &plan] {
    tuple::Encoder(*plan).encode(a.chunk.parse_input(), a.batch, a.chunk.start);
  };
  co_await async::offload(a.with.on.cpu, encode);
  a.told.plan = std::move(plan);
}

/// One after the other, on the server, where most of the slow lane are suspects: what is there as
/// nobody but the server can read it is better sent as it is.
asio::awaitable<void> ask_about_suspects(Asking& a) {
  const tuple::Batch& batch = a.batch;
  if (batch.suspects < limits::trial_suspects_min || 2 * batch.suspects < batch.slow.tuples)
    co_return;
  const tuple::TupleRange slow = tuple::whole(batch, tuple::LaneName::slow);
  a.told.refused = co_await a.with.suspicion.trial().refused(a.on, slow);
}

}  // namespace

asio::awaitable<void> foretell(Storing& with, const chunk::Chunk& chunk, tuple::Batch& batch,
                               pg::Connection& on, Foretold& told) {
  Asking asking{with, chunk, batch, on, told};
  const writer::Trial& trial = with.suspicion.trial();
  told.is_asked = true;
  told.refused.clear();
  bool is_known = false;
  try {
    co_await trial.begin(on);
    if (with.suspicion.keys_encoder() != nullptr) co_await suspect_by_keys(asking);
    co_await ask_about_suspects(asking);
    is_known = true;
  } catch (const pg::PgError& error) {
    if (error.nature() == ErrorNature::lost) throw;
  }
  if (!is_known) with.suspicion.try_no_more();
  co_await trial.end(on);
}

}  // namespace sluice::load
