#include "app/loads_rejects.hpp"

#include <unistd.h>

#include "app/output.hpp"
#include "base/failure.hpp"
#include "rejects/reject_table.hpp"

namespace sluice::app {

using rejects::RejectTable;

void add_rejects_command(CLI::App& loads, CommonOptions& common, RejectsFlags& flags) {
  CLI::App& c = *loads.add_subcommand(
      "rejects", "print the bad records of a load with --rejects-table, to be mended and loaded");
  c.set_help_flag("--help", "print this help and exit");
  const auto take = [&flags](const std::uint64_t& number) {
    flags.id = static_cast<std::int64_t>(number);
  };
  add_number_option(c, "ID", {.min = 1}, take, "number of the load").required();
  c.add_flag("--reasons", flags.reasons, "why they are bad, as a line of JSON each");
  add_connection_options(c, common);
  add_log_option(c, "stderr");
}

asio::awaitable<void> print_rejects(pg::Pool& pool, const ledger::LoadEntry& load,
                                    const RejectsFlags& flags) {
  const std::string number = std::to_string(load.id.value);
  if (load.rejects_path != RejectTable::place && load.totals.rows_rejected > 0) {
    throw Failure(FailureKind::usage, "the rejects of load " + number +
                                          " are not in this database: it ran without "
                                          "--rejects-table, and left them in " +
                                          load.rejects_path);
  }
  pg::Lease connection = co_await pool.acquire();
  if (co_await RejectTable::count(*connection, load.id) == 0) {
    print_note("load " + number + " rejected nothing");
    co_return;
  }
  RejectTable::Place place;
  const auto what = flags.reasons ? RejectTable::What::reasons : RejectTable::What::records;
  for (;;) {
    const std::string part = co_await RejectTable::read(*connection, load.id, what, place);
    if (part.empty()) co_return;
    // They may be anybody's: what is shown to a person does not steer the terminal.
    if (::isatty(STDOUT_FILENO) == 1)
      print_result(part);
    else
      print_bytes(part);
  }
}

}  // namespace sluice::app
