#pragma once

#include <memory>
#include <string>

#include "app/load_flags.hpp"

namespace sluice::app {

// What a load does with the table beside bringing rows: what goes when they come, and what is done
// in the end.

/// --replace, --delete-missing, --max-deletes.
void add_delete_flags(CLI::App& command, LoadFlags& flags);

/// Which of them takes rows away. REQUIRES: options.deletes().
const char* deleting_flag(const plan::LoadOptions& options);

/// Throws Failure(usage) for those of them by which more would be lost than is meant.
void refuse_deletes(const LoadFlags& flags, const plan::LoadOptions& options);

/// ... for what the load's end has not got: a ledger, or an order.
void refuse_idle_end(const plan::LoadOptions& options);

/// "500", "5%"; the default where it is empty. Throws Failure(usage).
plan::DeletesLimit parse_max_deletes(const std::string& text);

/// Reads and judges it, before anything is asked; nothing where the path is empty. Throws
/// Failure(usage).
std::shared_ptr<const script::Script> read_after_sql(const std::string& path);

}  // namespace sluice::app
