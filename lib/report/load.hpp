#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ledger/loads.hpp"
#include "ledger/segments.hpp"
#include "load/report.hpp"

namespace sluice::report {

/// How one load ended, for a person or a program.
struct Ending {
  load::LoadReport report;
  std::string path;
  std::string table;
  int exit_code = 0;
  std::string message;  ///< of the failure; empty without one
  std::optional<std::string> sql_state;
  std::optional<load::BadRecord> bad_record;
  bool is_held = false;  ///< by another run of the same load
};

/// What goes to stdout for a load that ended well, and to stderr for one that failed (after its
/// message).
std::string text_of(const Ending& ending);
std::string text_of_plan(const plan::PlanSummary& plan);
nlohmann::ordered_json json_of(const Ending& ending);
nlohmann::ordered_json json_of(const std::string& source, const tuple::Reject& reject);

/// A line each, in columns that `width` characters have room for, if given.
std::string text_of(const std::vector<ledger::LoadEntry>& loads, std::optional<std::size_t> width);
std::string text_of(const ledger::LoadEntry& load);
nlohmann::ordered_json json_of(const ledger::LoadEntry& load);
/// Of a load that several commands share; empty where it is none.
std::string text_of(const ledger::SegmentsShown& segments);
nlohmann::ordered_json json_of(const ledger::SegmentsShown& segments);

}  // namespace sluice::report
