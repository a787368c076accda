#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/options.hpp"
#include "script/user_sql.hpp"
#include "tuple/mapping.hpp"
#include "writer/selection.hpp"

namespace sluice::plan {

/// What stands for :file and the others in the user's SQL.
struct SqlWordValues {
  const tuple::LoadWords& words;
  std::optional<LoadId> load;  ///< nothing: without a ledger
  Sql record;                  ///< the record's number; empty where there is none
};
/// Throws Failure(usage) for a word that has no value here.
script::UserSql::Fill fill_of(const script::UserSql& user_sql, SqlWordValues values);

/// --select, matched with the names of the file and of the table.
///
/// A column of the file that the list only passes on, once, has the type of the table's column and
/// its codec; all others are texts. What the list does not name is not sent.
class Selecting {
 public:
  /// `names`: the file's columns. Throws Failure(usage).
  Selecting(const LoadOptions& options, const std::vector<std::string>& names,
            const tuple::Table& target);

  const tuple::Table& csv() const { return csv_; }
  const tuple::Mapping& mapping() const { return mapping_; }
  bool numbers_records() const { return numbers_records_; }
  /// :load stands in it: the load's number is to be known before its rows are sent.
  bool names_load() const { return names_load_; }
  const script::UserSql& list() const { return list_; }
  const script::UserSql& condition() const { return condition_; }

  /// What the table's columns are given, by the names that the server reads in the list. Throws
  /// Failure(usage).
  void set_outputs(const std::vector<std::string>& names, const tuple::Table& target);
  const std::vector<std::string>& outputs() const { return outputs_; }

  Sql filled_list(const script::UserSql::Fill& fill) const;
  /// For what `fill` is: a writer's, in which the record's number is a field of the tuples.
  writer::Selection filled(const SqlWordValues& values) const;

  /// A statement that the server takes only if the list is a list, and each item makes one value of
  /// one record: its RETURNING is a list like that of SELECT, without aggregates, window functions
  /// and functions that return sets. `nothing` is a table without columns and rows.
  Sql judged(const Sql& nothing, const script::UserSql::Fill& fill) const;
  /// A query of the condition over no record. REQUIRES: there is one.
  Sql judged_condition(const script::UserSql::Fill& fill) const;
  /// The INSERT of what the list makes of no record.
  Sql insert(const tuple::Table& target, const script::UserSql::Fill& fill) const;

  /// "upper(city) -> city text", for each.
  std::vector<std::string> shown(const tuple::Table& target) const;

 private:
  struct Item {
    script::UserSql::Part part;
    /// A column of the file alone, and the name that it shall have; nothing: something else.
    std::optional<std::size_t> column;
    std::string output;
  };

  void add_items(script::UserSql::Part part);
  std::optional<std::size_t> find(const std::string& name) const;
  std::optional<std::size_t> column_alone(script::UserSql::Part part, std::string& output) const;
  bool is_all(script::UserSql::Part part) const;
  void count_uses(const script::UserSql& user_sql, script::UserSql::Part part,
                  std::vector<std::size_t>& uses);
  void choose_types(std::vector<std::size_t> uses, const tuple::Table& target);
  std::string shown_item(const Item& item) const;
  Sql text_of(const Item& item, const script::UserSql::Fill& fill) const;
  Sql row_of_nulls() const;

  script::UserSql list_;
  script::UserSql condition_;
  tuple::Table csv_;
  std::vector<std::optional<tuple::Column>> casts_;  ///< by column: to what it is cast alone
  tuple::Mapping mapping_;
  std::vector<Item> items_;
  std::vector<std::string> outputs_;
  bool numbers_records_ = false;
  bool names_load_ = false;
};

/// The names of the file's columns that a list may use: those of the header, or of --columns.
/// Throws Failure(usage) where it has none.
std::vector<std::string> names_for_list(const LoadOptions& options,
                                        const std::optional<std::vector<std::string>>& header);

}  // namespace sluice::plan
