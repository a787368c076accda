#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "pg/connection.hpp"
#include "writer/catalog.hpp"

namespace sluice::writer {

/// What a transaction takes for granted before rows go in, and how it is proved in the same round
/// trip: a lock keeps the table as it is, and then its name, oid, kind, persistence and the names,
/// types and type modifiers of the columns that the source feeds are compared with the plan's. A
/// table that was altered, or another one that got its name, would take a tuple's bytes for
/// something else: four bytes of an int4 are a float4 too.
class Guard {
 public:
  /// `table` may be a staging table, whose oid (0) does not matter.
  Guard(const Target& target, const tuple::Table& table, std::vector<std::string> columns);

  /// Besides, the load must not be void: its rows may have been taken away. `marked`: a crash of
  /// the server must not have emptied the table since the load began.
  void require_load(LoadId load, bool marked);

  /// Besides, no other column takes values, so that COPY needs no list of names: the server
  /// compares each name of a list with those of all columns.
  void require_no_other_column();
  bool lets_no_column_come() const { return !no_other_column_.empty(); }
  void let_columns_come() { no_other_column_ = Sql(); }

  /// The statements, for pg::own_path. What is not as planned fails with division_by_zero, an error
  /// that no setting turns off, before any row is sent.
  Sql statements() const {
    return sql("{}select 1 / ({}{})::int; ", lock_, condition_, no_other_column_);
  }

  /// An expression: all is as planned, whether or not columns have come.
  const Sql& condition() const { return condition_; }

  /// Why it failed, for people. `on` is in no transaction.
  asio::awaitable<std::string> what_changed(pg::Connection& on) const;

 private:
  Sql what_is() const;
  std::string difference(const pg::Result& columns) const;

  std::string table_;    ///< quoted as in SQL
  std::size_t fed_ = 0;  ///< columns
  Sql lock_;
  Sql condition_;
  Sql no_other_column_;  ///< what is behind the condition then
  Sql trigger_sql_;
  Sql rules_sql_;
  Sql shape_sql_;
  std::string shape_;
  bool has_trigger_ = false;  ///< that may drop rows
  std::string rules_;
  struct Shown {
    std::string type;
    std::int16_t number = 0;
  };
  std::map<std::string, Shown> columns_;  ///< of those that are fed: as people know them
  std::optional<LoadId> load_;
  bool marked_ = false;
};

/// Whether a trigger may drop rows: one that the table has, or one that comes to a partition behind
/// the guard, whose lock is on the table alone. How many came in is looked at before the commit.
inline bool may_drop_rows(const tuple::Table& table) {
  return table.has_row_trigger || table.kind == 'p';
}

/// The table is not the one that the plan was made for, or the load has lost its rows. Nothing of
/// the chunk is stored.
class NotAsPlanned : public Failure {
 public:
  explicit NotAsPlanned(const std::string& problem, const std::string& advice = "")
      : Failure(FailureKind::failed, problem, advice) {}
};

}  // namespace sluice::writer
