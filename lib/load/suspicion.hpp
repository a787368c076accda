#pragma once

#include <memory>

#include "plan/plan.hpp"
#include "writer/trial.hpp"

namespace sluice::load {

/// What a load learns from the server's refusals. Records that will probably be refused for the
/// same constraint take the slow lane from then on, where a refusal costs little; and where keys
/// are refused, or such records are many, the server is asked about them before they are put in. A
/// load without a refusal asks for nothing and compares nothing. Shared by its chunks, on the I/O
/// thread.
class Suspicion {
 public:
  /// The plan outlives it.
  explicit Suspicion(const plan::Plan& plan);
  ~Suspicion();

  /// Asks the table why it has refused a record, where that says something of others. The
  /// connection is under pg::own_path, or in no transaction.
  asio::awaitable<void> learn(pg::Connection& on, const writer::Refusal& refusal);

  /// By which chunks are encoded from now on. It stays as long as this does.
  const tuple::EncoderPlan& encoder() const { return sharper_ ? *sharper_ : plan_.encoder; }

  /// Whether a chunk whose batch this is should be tried before it is put in: its keys, where the
  /// table has refused others, or its suspects.
  bool wants_trial(const tuple::Batch& batch) const;
  /// REQUIRES: wants_trial().
  const writer::Trial& trial() const { return *trial_; }
  /// Encodes the trial's key columns; nullptr: keys are not to be tried.
  const tuple::EncoderPlan* keys_encoder() const {
    return keys_refuse_ ? keys_encoder_.get() : nullptr;
  }
  /// Which of the trial's judges the keys are tried by.
  const std::vector<bool>& asked_judges() const { return asked_; }
  /// By which of them a trial has found any: the others are not asked about the next chunk.
  void note_found(std::vector<bool> found_by);
  /// The table has refused more than a trial has found: all are asked again.
  void note_missed() { asked_.assign(asked_.size(), true); }
  /// A trial could not be made.
  void try_no_more() { tries_ = false; }

 private:
  asio::awaitable<void> learn_checks(pg::Connection& on);
  asio::awaitable<void> prepare_trials(pg::Connection& on);

  const plan::Plan& plan_;
  bool has_asked_for_checks_ = false;
  bool has_prepared_ = false;  ///< trials, or cannot
  bool tries_ = true;
  bool keys_refuse_ = false;
  std::vector<bool> asked_;
  std::unique_ptr<const tuple::EncoderPlan> sharper_;
  std::unique_ptr<const tuple::EncoderPlan> keys_encoder_;
  std::unique_ptr<const writer::Trial> trial_;
};

}  // namespace sluice::load
