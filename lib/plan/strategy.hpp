#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/options.hpp"
#include "source/source.hpp"
#include "tuple/encoder.hpp"
#include "writer/merge.hpp"
#include "writer/unique_keys.hpp"
#include "writer/writer.hpp"

namespace sluice::plan {

/// How the rows of a load get into its table.
struct Strategy {
  enum class Kind {
    copy,    ///< writer::CopyWriter
    insert,  ///< writer::InsertWriter
    merge,   ///< writer::MergeWriter, writer::SelectMergeWriter
  };

  Kind kind = Kind::copy;  ///< of the chunks' transactions
  /// The chunks go into the load's staging table, and from there into the target at the end.
  bool staged = false;
  Sql stage;              ///< that table, once it is made
  std::string why_stage;  ///< for people: why they are not parts of one transaction; may be empty
  /// The chunks are parts of one transaction, and come into the target with it.
  bool in_one = false;
  /// They are parts of one for each connection, which are committed behind each other when all are
  /// prepared.
  bool prepared = false;
  writer::Merge merge;
  bool filters = false;            ///< --where
  bool selects = false;            ///< --select
  std::vector<std::string> notes;  ///< what was chosen that the user did not ask for, and why

  /// Chunks that have a key in common are stored in the order of the file.
  bool keeps_key_order() const {
    return kind == Kind::merge && merge.on_conflict != writer::OnConflict::error;
  }
  /// Their transactions stay open until all chunks are in.
  bool is_held() const { return in_one || prepared; }
  bool is_all_or_nothing() const { return staged || is_held(); }
  /// Each tuple that is accepted is a new row of the target at once.
  bool is_plain(const tuple::Table& table) const {
    return !staged && kind != Kind::merge && !filters && !writer::may_drop_rows(table) &&
           !table.has_insert_rule && table.kind != 'v';
  }
  std::string name(bool has_fast_lane) const;
};

/// Chooses. Throws Failure(usage) for what cannot be done with this table. `columns` are those that
/// the source feeds, `keys` the table's.
Strategy choose_strategy(const LoadOptions& options, const tuple::Table& table,
                         const std::vector<std::string>& columns,
                         const std::vector<writer::UniqueKey>& keys);

/// Takes a staged strategy for one whose transactions are held, where these wishes, the table and
/// the source allow that; else why_stage says why not. Throws Failure(usage) where that was asked
/// for all the same. REQUIRES: before fit_encoder().
void choose_way(Strategy& strategy, const LoadOptions& options, const tuple::Table& table,
                const source::Source& source);

/// The other way round, of a strategy that fits the encoder already.
void stage_instead(Strategy& strategy, tuple::EncoderPlan& encoder, std::string why);

/// What a load whose transactions were committed, or some of them, is gone on with: its other
/// chunks come by themselves.
void bring_rest(Strategy& strategy, tuple::EncoderPlan& encoder);

/// Fits the encoder to the strategy: which tuples it makes, and of which keys it keeps hashes.
void fit_encoder(tuple::EncoderPlan& encoder, const Strategy& strategy, const tuple::Table& table,
                 const std::vector<writer::UniqueKey>& keys);

/// The target with the load's staging table in its place.
writer::Target staging_target(const writer::Target& target, const Strategy& strategy,
                              const tuple::EncoderPlan& encoder);

}  // namespace sluice::plan
