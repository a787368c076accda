#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lint/known.hpp"
#include "lint/lint.hpp"
#include "lint/words.hpp"

namespace sluice::lint {

/// What a check sees: the statement, what is known of those before it, and where to tell what it
/// finds.
class Scene {
 public:
  explicit Scene(const Options& options) : options_(options) {}

  // For all files.
  SeenConstraints constraints;
  // For the statements of a file.
  MadeByFile made;
  bool is_transaction = true;  ///< the file is one
  bool has_lock_timeout = true;
  bool has_told_timeout = false;
  // For those of a transaction.
  Transaction transaction;

  /// The server may be one of before this version, where that is what makes the difference.
  bool may_be_before(int version) const;
  const Options& options() const { return options_; }
  bool is_in_transaction() const { return is_transaction || transaction.is_explicit; }

  void begin_file(const script::Directives& directives);
  void begin_statement(const script::Statement& statement, std::string_view text,
                       std::size_t number);
  std::string_view statement() const { return text_; }
  std::size_t line_of(std::size_t offset) const { return place_of(offset).line; }

  struct Told {
    std::string message;
    std::string safer = {};
    std::optional<Level> level = {};
  };
  /// `offset` is of the statement's text.
  void tell(RuleId id, std::size_t offset, Told told);
  std::vector<Finding> take_findings() { return std::move(findings_); }

  /// A table that is there before the file runs, and that somebody may use.
  bool is_old(const ObjectName& table) const { return !made.tables.has(table); }
  /// What the transaction holds on it, since a statement before this one; nullptr: nothing.
  const Held* held_before(const ObjectName& table) const;
  /// The statement locks it. Told where there is no timeout, or another table is locked.
  void lock(const ObjectName& table, Blocks blocks, std::size_t offset);
  /// The statement goes over rows: what is locked stays so until it is done.
  void goes_over_rows(std::size_t offset);
  /// Names that the server would cut, and those without a schema.
  void check_name(const ObjectName& name, std::size_t offset);
  void check_length(std::string_view name, std::size_t offset);

 private:
  script::Place place_of(std::size_t offset) const;
  bool is_wanted(RuleId id) const;

  const Options& options_;
  std::vector<Finding> findings_;
  script::Statement statement_;
  std::string_view text_;
  std::size_t number_ = 0;
  std::size_t told_ = 0;  ///< of the statement
  /// Where it was counted to last: places are mostly asked for in their order.
  mutable std::size_t counted_ = 0;
  mutable script::Place counted_place_;
};

/// The table of a message: t, or app.t.
std::string shown(const ObjectName& name);
/// "t" of a name with the ending that the server would give: t_c_check.
std::string made_name(const ObjectName& table, const std::string& column, const char* ending);

}  // namespace sluice::lint
