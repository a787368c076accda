#pragma once

#include <cstddef>
#include <utility>

#include "base/sql.hpp"
#include "pg/result.hpp"

namespace sluice::pg {

/// Statements that go in one round trip, whose answers are asked for by what was added and not by
/// counting:
///
///   pg::Batch batch(settings);
///   const auto table = batch.add(table_query);
///   batch.add(sql("commit"));
///   const auto results = co_await on.query(batch.text());
///   read(batch.answer(results, table))
class Batch {
 public:
  /// One of the statements.
  struct Step {
    std::size_t number = 0;
  };

  Batch() = default;
  /// With these in front, however many they are, each with "; " behind it.
  explicit Batch(Sql before) : text_(std::move(before)) {}

  /// `statement` is one, with nothing behind it.
  Step add(const Sql& statement) {
    if (steps_ > 0) text_ += sql("; ");
    text_ += statement;
    return {steps_++};
  }

  const Sql& text() const { return text_; }

  /// Throws PgError::unexpected_answer where it did not come.
  const Result& answer(const Results& results, Step step) const {
    return results.last(steps_ - 1 - step.number);
  }

 private:
  Sql text_;
  std::size_t steps_ = 0;
};

}  // namespace sluice::pg
