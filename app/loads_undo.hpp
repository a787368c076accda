#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "app/cli.hpp"
#include "load/undo.hpp"

namespace sluice::app {

/// What `loads undo` is asked for.
struct UndoFlags {
  std::optional<std::int64_t> id;
  load::UndoOptions options;
};

/// Adds it to `loads`.
void add_undo_command(CLI::App& loads, CommonOptions& common, UndoFlags& flags);

/// How a load could be taken out, for who looks at it: a line, or nothing.
std::string text_of_way(const ledger::LoadEntry& load);
nlohmann::ordered_json json_of_way(const ledger::LoadEntry& load);

/// What came of it, on stdout; the exit code.
int print_undone(OutputFormat output, const ledger::LoadEntry& load, const UndoFlags& flags,
                 const load::Undone& undone);

/// It was taken out before, and there is nothing to do.
bool is_undone(const ledger::LoadEntry& load);

}  // namespace sluice::app
