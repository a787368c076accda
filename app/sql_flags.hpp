#pragma once

#include "app/load_flags.hpp"

namespace sluice::app {

/// SQL of the user's over the records: --where, --select.
void add_sql_flags(CLI::App& command, LoadFlags& flags);

/// Throws Failure(usage) for SQL that would not stay where it is put.
void choose_sql(const LoadFlags& flags, plan::LoadOptions& options);

}  // namespace sluice::app
