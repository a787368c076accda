#include <iostream>
#include <optional>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/report.hpp"
#include "app/runtime.hpp"

namespace sluice::app {
namespace {

struct LoadsFlags {
  CommonOptions common;
  std::size_t count = 20;
  std::optional<std::int64_t> show;
};

/// Reads the ledger; an absent one has no loads.
asio::awaitable<void> read_loads(pg::Pool& pool, const LoadsFlags& flags,
                                 std::vector<ledger::LoadEntry>& loads) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::exists(*connection)) co_return;
  if (!flags.show) {
    loads = co_await ledger::list_loads(*connection, flags.count);
    co_return;
  }
  std::optional<ledger::LoadEntry> load =
      co_await ledger::show_load(*connection, LoadId{*flags.show});
  if (load) loads.push_back(std::move(*load));
}

int run_loads(const LoadsFlags& flags) {
  std::vector<ledger::LoadEntry> loads;
  try {
    Runtime runtime(flags.common.connect);
    runtime.run(read_loads(runtime.pool(), flags, loads));
  } catch (const pg::PgError& error) {
    std::cerr << "pgsluice: " << error.full() << "\n";
    return error.phase == pg::Phase::connect ? exit_connect : exit_failed;
  }
  if (flags.show && loads.empty()) {
    std::cerr << "pgsluice: there is no load " << *flags.show
              << " in this database; pgsluice loads lists them\n";
    return exit_failed;
  }
  if (flags.common.output == OutputFormat::json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const ledger::LoadEntry& load : loads) json.push_back(json_of(load));
    std::cout << (flags.show ? json.front() : json).dump(2) << "\n";
  } else {
    std::cout << (flags.show ? text_of(loads.front()) : text_of(loads));
  }
  std::cout << std::flush;
  return exit_ok;
}

}  // namespace

Run add_loads_command(CLI::App& app) {
  auto flags = std::make_shared<LoadsFlags>();
  CLI::App& c =
      *app.add_subcommand("loads", "what was loaded: when, how many, how fast, unfinished ones");
  c.set_help_flag("--help", "print this help and exit");
  c.add_option("-n,--count", flags->count, "how many of the newest")->option_text("N");
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  CLI::App& show = *c.add_subcommand("show", "all that the ledger knows of one load");
  show.set_help_flag("--help", "print this help and exit");
  show.add_option("ID", flags->show, "number of the load")->required();
  add_connection_options(show, flags->common);
  add_output_options(show, flags->common);
  return [flags] { return run_loads(*flags); };
}

}  // namespace sluice::app
