#pragma once

#include <memory>

#include "async/asio.hpp"
#include "plan/plan.hpp"
#include "writer/writer.hpp"

namespace sluice::load {

/// What a load learns from the server's refusals: records that will probably be refused for the
/// same constraint take the slow lane from then on, where a refusal costs little. A load without
/// one asks for nothing and compares nothing.
class Suspicion {
 public:
  /// `plan` must outlive it.
  explicit Suspicion(const plan::Plan& plan) : plan_(plan) {}

  /// By which chunks are encoded from here on.
  const tuple::EncoderPlan& encoder() const { return sharper_ ? *sharper_ : plan_.encoder; }

  /// Asks what a CHECK says that has refused a record, once for a load. The connection is in no
  /// transaction. Throws PgError.
  asio::awaitable<void> learn(pg::Connection& on, const writer::Refusal& refusal);

 private:
  const plan::Plan& plan_;
  bool has_asked_ = false;
  std::unique_ptr<const tuple::EncoderPlan> sharper_;
};

}  // namespace sluice::load
