#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "plan/options.hpp"
#include "sniff/proposal.hpp"

namespace sluice::app {

/// What columns of dates and times become.
enum class TempTypes { automatic, text };
constexpr auto names_of(TempTypes) {
  return std::array{Named{TempTypes::automatic, "auto"}, Named{TempTypes::text, "text"}};
}

/// What a load makes of its table.
struct CreateFlags {
  std::string create;  ///< empty: not given; new_table; if_not_exists
  bool adds_columns = false;
  std::vector<std::string> primary_key;
  std::optional<sniff::Naming> naming;
  std::optional<TempTypes> temp_types;

  static constexpr const char* new_table = "true";
  static constexpr const char* if_not_exists = "if-not-exists";

  bool is_given() const { return !create.empty(); }
  /// A table that is there is loaded into.
  bool takes_any_table() const { return create == if_not_exists; }
  bool makes_columns() const { return is_given() || adds_columns; }
  sniff::Naming naming_or_keep() const { return naming.value_or(sniff::Naming::keep); }
};

/// --create, --primary-key, --names, --temp-types, --add-columns.
void add_create_flags(CLI::App& command, CreateFlags& flags);

/// Throws Failure(usage) for those that do not go together, or with others.
void refuse_create(const CreateFlags& flags, const plan::LoadOptions& options);

}  // namespace sluice::app
