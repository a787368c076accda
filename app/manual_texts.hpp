#pragma once

#include <array>
#include <string_view>

#include "base/exit_code.hpp"

/// What pages of the manual say beside what the tree of commands has.
namespace sluice::app {

struct Example {
  std::string_view path;  ///< of the command on whose page it stands
  std::string_view says;
  std::string_view command;
};

inline constexpr std::array manual_examples{
    Example{"pgsluice", "Load a file, by the columns that its header names:",
            "pgsluice load trips.csv.gz --table trips"},
    Example{"pgsluice", "What is that file, and which table takes it?",
            "pgsluice inspect trips.csv.gz"},
    Example{"pgsluice", "Apply what is pending of the migrations in a folder:",
            "pgsluice migrate up --dir sql/migrations"},
    Example{"pgsluice load",
            "Make the table, and load into it:", "pgsluice load trips.csv --table trips --create"},
    Example{"pgsluice load", "Keep up to 100 bad records in trips.rejects.csv, and load the rest:",
            "pgsluice load trips.csv --table trips --max-rejects 100"},
    Example{"pgsluice load", "Update rows whose key is in the table:",
            "pgsluice load prices.csv --table prices --on-conflict update"},
    Example{"pgsluice load",
            "All rows or none, from a pipe:", "pgsluice load - --table trips --atomic < trips.csv"},
    Example{"pgsluice load", "A file of Excel's, with semicolons and decimal commas:",
            "pgsluice load export.csv --table sales --delimiter ';' --decimal , --encoding cp1252"},
    Example{"pgsluice check", "All bad records of a file, without storing anything:",
            "pgsluice check trips.csv --table trips"},
    Example{"pgsluice inspect",
            "Only the CREATE TABLE:", "pgsluice inspect trips.csv --output sql"},
    Example{"pgsluice loads", "What has not been finished:", "pgsluice loads --state unfinished"},
    Example{"pgsluice loads", "All that is known of load 42:", "pgsluice loads show 42"},
    Example{"pgsluice migrate", "What would be applied?",
            "pgsluice migrate plan --dir sql/migrations"},
    Example{"pgsluice schedule", "When does this fire?",
            "pgsluice schedule next \"30 2 * * *\" --tz Europe/Berlin"},
    Example{"pgsluice schedule", "Run what is due, from cron or a timer:",
            "pgsluice schedule run --once --config /etc/pgsluice/pgsluice.toml"},
    Example{"pgsluice serve",
            "Take uploads on this machine:", "pgsluice serve -d postgresql://localhost/app"},
};

struct ExitStatus {
  ExitCode code;
  std::string_view says;
};

inline constexpr std::array exit_statuses{
    ExitStatus{exit_ok, "everything is stored, or there was nothing to do"},
    ExitStatus{exit_failed, "failed; the message says what is stored, and how to go on"},
    ExitStatus{exit_usage, "wrong usage or configuration"},
    ExitStatus{exit_rejected, "finished, and some records were rejected, within the budget"},
    ExitStatus{exit_connect, "cannot connect or authenticate"},
    ExitStatus{exit_budget, "more bad records than may be: stopped"},
    ExitStatus{exit_held, "another run holds the load, the job or the migrations"},
    ExitStatus{exit_changed, "the source or a migration has changed"},
    ExitStatus{exit_pending, "migrate status: something is pending"},
};

struct Variable {
  std::string_view name;
  std::string_view says;
};

inline constexpr std::array manual_variables{
    Variable{"PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, ...",
             "as for psql: all of libpq's count"},
    Variable{"AWS_*", "for s3:// addresses, as for AWS's own tools"},
    Variable{"http_proxy, https_proxy, no_proxy", "for URLs, as for curl"},
};

}  // namespace sluice::app
