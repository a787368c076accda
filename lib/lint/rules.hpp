#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.hpp"

namespace sluice::lint {

enum class Level { note, warning, error };
constexpr auto names_of(Level) {
  return std::array{Named{Level::error, "error"}, Named{Level::warning, "warning"},
                    Named{Level::note, "note"}};
}

enum class RuleId {
  adding_exclusion_constraint,
  adding_field_with_default,
  adding_foreign_key_constraint,
  adding_not_nullable_field,
  adding_required_field,
  adding_serial_field,
  adding_serial_primary_key_field,
  attaching_partition,
  ban_alter_domain_with_add_constraint,
  ban_char_field,
  ban_concurrent_index_creation_in_transaction,
  ban_create_domain_with_constraint,
  ban_drop_column,
  ban_drop_database,
  ban_drop_not_null,
  ban_drop_schema,
  ban_drop_table,
  ban_truncate_cascade,
  ban_uncommitted_transaction,
  changing_column_type,
  constraint_missing_not_valid,
  deleting_all_rows,
  disallowed_unique_constraint,
  dropping_dependents,
  identifier_too_long,
  prefer_bigint_over_int,
  prefer_bigint_over_smallint,
  prefer_identity,
  prefer_jsonb,
  prefer_repack,
  prefer_robust_stmts,
  prefer_table_over_enum,
  prefer_text_field,
  prefer_timestamptz,
  primary_key_using_index,
  renaming_column,
  renaming_table,
  require_concurrent_index_creation,
  require_concurrent_index_deletion,
  require_concurrent_partition_detach,
  require_concurrent_refresh,
  require_concurrent_reindex,
  require_enum_value_ordering,
  require_table_schema,
  require_timeout_settings,
  rewriting_table,
  several_alter_tables,
  several_tables_locked,
  statements_behind_lock,
  transaction_nesting,
  unfinished_text,
  unused_allow,
  validating_under_lock,
};

/// What docs/lint.md says of it too.
struct Rule {
  RuleId id;
  std::string_view name;
  Level level;
  bool is_on;                  ///< without being asked for
  std::string_view elsewhere;  ///< what squawk or eugene call it; empty: neither knows it
  std::string_view finds;
  std::string_view harm;      ///< what it blocks, or breaks
  std::string_view harmless;  ///< when, and from which version on
  std::string_view safer;     ///< SQL, in lines
};

std::span<const Rule> rules();
const Rule& rule(RuleId id);
/// Nothing where no rule has this name.
const Rule* rule_named(std::string_view name);
std::vector<std::string> rule_names();

/// All of them, as a part of a page in Markdown.
std::string rules_page();

}  // namespace sluice::lint
