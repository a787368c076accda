#pragma once

#include <optional>
#include <string>

#include "app/runtime.hpp"
#include "ledger/made_table.hpp"
#include "plan/options.hpp"

namespace sluice::app {

/// What there is of a table before its loads begin.
struct TableFacts {
  bool is_there = false;
  std::string name;                       ///< with its schema
  std::optional<ledger::MadeTable> made;  ///< by a load, for itself
  bool takes_any_bytes = false;           ///< its texts need not be UTF-8
};

/// Asks about the table that the options name. Throws Failure.
TableFacts ask_about_table(Runtime& runtime, const plan::LoadOptions& options);

}  // namespace sluice::app
