#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/cli.hpp"
#include "app/create_flags.hpp"
#include "plan/options.hpp"
#include "s3/address.hpp"

namespace sluice::app {

/// The flags as they were given; what they mean together is decided in options_of().
struct LoadFlags {
  CommonOptions common;
  std::vector<std::string> files;
  bool as_named = false;  ///< `files` are names of files, whatever they look like
  ProgressMode progress = ProgressMode::automatic;
  csv::DialectWishes dialect;
  std::optional<std::uint64_t> limit;
  std::optional<std::uint64_t> rejects_max;
  std::optional<double> reject_ratio_max;
  std::vector<std::string> nulls;
  std::string trim;         ///< empty: not at all
  std::string null_quoted;  ///< empty: not; `true`: in all columns
  std::vector<std::string> http_headers;
  s3::Settings s3_settings;
  std::vector<std::string> maps;
  std::vector<std::string> settings;
  std::optional<std::string> where;
  std::optional<std::string> select;
  std::string max_rate;
  std::optional<std::string> max_lag;
  std::optional<std::string> replace;
  std::string max_deletes;
  std::string atomic;         ///< empty: not; else how, or `true`
  std::string after_sql;      ///< a file
  std::size_t bytes_max = 0;  ///< unpacked; 0: any number
  std::optional<std::chrono::milliseconds> lock_timeout;
  bool header_given = false;
  bool finds_dialect = false;  ///< of each file by itself, where no flag says it
  bool no_ledger = false;
  CreateFlags create;
  plan::LoadOptions load;
};

void add_input_flags(CLI::App& command, LoadFlags& flags);
void add_packing_flags(CLI::App& command, LoadFlags& flags);
/// What becomes of records whose key is in the table.
void add_conflict_flags(CLI::App& command, LoadFlags& flags);
void add_row_flags(CLI::App& command, LoadFlags& flags);
/// What is done in the end.
void add_end_flags(CLI::App& command, LoadFlags& flags);
void add_reject_flags(CLI::App& command, LoadFlags& flags);
void add_speed_flags(CLI::App& command, LoadFlags& flags);
void add_safety_flags(CLI::App& command, LoadFlags& flags);
void add_setting_flags(CLI::App& command, LoadFlags& flags);
void add_progress_flag(CLI::App& command, LoadFlags& flags);

/// As the flags say it, and --encoding where the server may have to know it.
pg::ConnectOptions connection_of(const LoadFlags& flags);

/// Throws Failure(usage) for flags that do not go together.
plan::LoadOptions options_of(const LoadFlags& flags);

}  // namespace sluice::app
