#include "load/make_room.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/failure.hpp"
#include "writer/deletions.hpp"

namespace sluice::load {
namespace {

std::uint64_t most_of(const plan::DeletesLimit& limit, std::uint64_t rows) {
  if (limit.rows) return *limit.rows;
  if (limit.share >= 1) return std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::floor(limit.share * static_cast<double>(rows)));
}

}  // namespace

Sql MakeRoom::turn_statement() const {
  const tuple::Table& table = plan_.target.table;
  if (!is_needed()) return {};
  if (plan_.options.delete_missing)
    return sql("lock table {} in share row exclusive mode; ", table.sql_name());
  // It keeps nobody else from writing. A foreign table has no such lock.
  if (table.kind != 'f')
    return sql("lock table {} in share update exclusive mode; ", table.sql_name());
  return sql(
      "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgsluice replaces', "
      "{})); ",
      table.id);
}

asio::awaitable<std::uint64_t> MakeRoom::rows(pg::Connection& on) const {
  const Sql count = writer::rows_query(plan_.target.table);
  const auto counted = co_await on.query(count);
  co_return counted.back().count(0, 0);
}

asio::awaitable<std::uint64_t> MakeRoom::replace(pg::Connection& on) const {
  std::string statement =
      writer::delete_matching_statement(plan_.target.table, plan_.options.replace).text();
  pg::Row none;
  const pg::Result gone = co_await on.execute(std::move(statement), std::move(none));
  co_return gone.affected();
}

asio::awaitable<std::uint64_t> MakeRoom::delete_missing(pg::Connection& on) const {
  const Sql drop = writer::delete_missing_statement(plan_.target.table, plan_.strategy.merge,
                                                    plan_.strategy.stage);
  const auto gone = co_await on.query(drop);
  co_return gone.back().affected();
}

asio::awaitable<bool> MakeRoom::before_rows(pg::Connection& on, std::uint64_t rejected) {
  notes_.clear();
  deleted_ = 0;
  if (!plan_.options.delete_missing) {
    const plan::DeletesLimit& limit = plan_.options.deletes_max;
    const bool is_share = limit.is_given && !limit.rows && limit.share < 1;
    if (is_share) before_ = co_await rows(on);
    deleted_ = co_await replace(on);
    co_return true;
  }
  is_left_out_ = rejected > 0;
  if (is_left_out_) {
    notes_ = {fmt::format(
        "no row was deleted as missing: {} {} rejected, and the rows of these are not known. Mend "
        "the file and load it again",
        rejected, rejected == 1 ? "record was" : "records were")};
    co_return true;
  }
  before_ = co_await rows(on);
  if (rows_first_) co_return true;
  try {
    deleted_ = co_await delete_missing(on);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::foreign_key_violation)) throw;
    rows_first_ = true;
  }
  if (rows_first_) co_return false;
  require_few();
  // What its own foreign keys or triggers have taken along may be rows that the file keeps.
  const std::uint64_t left = co_await rows(on);
  rows_first_ = left < before_ - deleted_;
  co_return !rows_first_;
}

asio::awaitable<void> MakeRoom::behind_rows(pg::Connection& on, const RowCounts& counts) {
  if (!plan_.options.delete_missing) {
    require_few();
    if (deleted_ > 0 && counts.rows_in_table() == 0 && !plan_.options.deletes_max.is_given) {
      throw Failure(
          FailureKind::failed,
          fmt::format("{}: it brings no row, and --replace would delete {} of {}",
                      plan_.source->name(), deleted_, plan_.target.table.full_name()),
          "Nothing was published. Is the file whole? The same command with --max-deletes (a "
          "number, or a share of the table's rows: 100%) goes on.");
    }
    co_return;
  }
  if (!rows_first_ || is_left_out_) co_return;
  const std::uint64_t with_all = co_await rows(on);
  deleted_ = co_await delete_missing(on);
  require_few();
  const std::uint64_t left = co_await rows(on);
  if (left >= with_all - deleted_) co_return;
  throw Failure(
      FailureKind::failed,
      fmt::format("{}: of {}, {} rows have no record in it, and a foreign key with ON DELETE "
                  "CASCADE or a trigger of the table would take {} more along",
                  plan_.source->name(), plan_.target.table.full_name(), deleted_,
                  with_all - deleted_ - left),
      "Nothing was published: the file may keep those rows. Where they are to go, leave them out "
      "of "
      "the file too.");
}

asio::awaitable<void> MakeRoom::for_trial(pg::Connection& on) {
  if (is_left_out_ || rows_first_) co_return;
  if (plan_.options.delete_missing) {
    co_await delete_missing(on);
  } else {
    co_await replace(on);
  }
}

/// Throws Failure where more rows are gone than --max-deletes allows.
void MakeRoom::require_few() const {
  const plan::DeletesLimit& limit = plan_.options.deletes_max;
  const bool is_replace = !plan_.options.delete_missing;
  if (is_replace && !limit.is_given) return;
  const std::uint64_t most = most_of(limit, before_);
  if (deleted_ <= most) return;
  const std::string allowed =
      limit.rows ? fmt::format("{} rows", *limit.rows)
                 : fmt::format("{}% of the rows, {}", std::round(limit.share * 1000) / 10, most);
  const std::string table = plan_.target.table.full_name();
  const std::string what =
      is_replace ? fmt::format("--replace would delete {} rows of {}", deleted_, table)
                 : fmt::format("{} of the {} rows of {} have no record in it and would be deleted",
                               deleted_, before_, table);
  throw Failure(
      FailureKind::failed,
      fmt::format("{}: {}, and --max-deletes allows {}", plan_.source->name(), what, allowed),
      "Nothing was published. Is the file whole? The same command with a larger "
      "--max-deletes (a number, or a share: 100%) goes on.");
}

}  // namespace sluice::load
