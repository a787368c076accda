#include <optional>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/output.hpp"
#include "app/report.hpp"
#include "app/runtime.hpp"
#include "ledger/forget.hpp"
#include "load/restore.hpp"

namespace sluice::app {
namespace {

struct LoadsFlags {
  CommonOptions common;
  std::size_t count = 20;
  std::optional<std::int64_t> show;
  std::optional<std::int64_t> restore;
  std::optional<std::int64_t> forget;
  bool give_up_indexes = false;
  std::size_t jobs = 2;

  /// The load that this is about, where it is about one.
  std::optional<std::int64_t> one() const { return show ? show : restore ? restore : forget; }
};

/// What a command asks of the ledger, and what it found.
struct Found {
  std::vector<ledger::LoadEntry> loads;
  std::vector<ledger::DeferredIndex> missing_indexes;
  load::Restored restored;
  ledger::Forgotten forgotten;
};

/// Reads the ledger; an absent one has no loads.
asio::awaitable<void> read_loads(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::is_readable(*connection, ledger::Use::read_loads)) co_return;
  const std::optional<std::int64_t> one = flags.one();
  if (!one) {
    found.loads = co_await ledger::list_loads(*connection, flags.count);
    co_return;
  }
  std::optional<ledger::LoadEntry> load = co_await ledger::show_load(*connection, LoadId{*one});
  if (!load) co_return;
  found.missing_indexes = co_await ledger::missing_indexes(*connection, load->id);
  found.loads.push_back(std::move(*load));
}

asio::awaitable<void> restore(pg::Pool& pool, const LoadsFlags& flags, bool& stopped,
                              Found& found) {
  co_await read_loads(pool, flags, found);
  const auto told = [](const ledger::DeferredIndex& index, bool is_built) {
    print_result(is_built ? "built " + cell(index.name) + " again\n"
                          : cell(index.name) + " is there already\n");
  };
  const auto is_stopped = [&stopped] { return stopped; };
  found.restored = co_await load::restore_indexes(pool, found.missing_indexes, std::string(),
                                                  flags.jobs, told, is_stopped);
}

asio::awaitable<void> forget(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  co_await read_loads(pool, flags, found);
  if (found.loads.empty()) co_return;
  pg::Lease connection = co_await pool.acquire();
  found.forgotten =
      co_await ledger::forget(*connection, found.loads.front().id, flags.give_up_indexes);
}

void print_forgotten(const LoadsFlags& flags, const ledger::Forgotten& forgotten) {
  const std::string id = std::to_string(*flags.forget);
  const bool has_nothing =
      !forgotten.was_unfinished && forgotten.indexes.empty() && forgotten.dropped_stage.empty();
  if (has_nothing) {
    print_result("nothing to do: load " + id + " of " + cell(forgotten.source) +
                 " is over, and has left nothing\n");
    return;
  }
  if (forgotten.was_unfinished) {
    print_result("gave up load " + id + " of " + cell(forgotten.source) + " into " +
                 cell(forgotten.target) + "\n");
  }
  if (forgotten.rows > 0) {
    print_result("  " + std::to_string(forgotten.rows) +
                 " rows of it stay in the table, and the same command loads them once more (see "
                 "--truncate)\n");
  }
  if (!forgotten.dropped_stage.empty())
    print_result("dropped " + cell(forgotten.dropped_stage) + "\n");
  for (std::size_t i = 0; i < forgotten.indexes.size(); ++i) {
    print_result("gave up index " + cell(forgotten.indexes[i]) +
                 ", which was: " + cell(forgotten.definitions[i]) + "\n");
  }
}

/// What restoring could not do goes to stderr, behind what it could.
int end_of_restore(const LoadsFlags& flags, const Found& found) {
  if (found.missing_indexes.empty()) {
    print_result("nothing to do: load " + std::to_string(*flags.restore) +
                 " has no index to build again\n");
  }
  for (const std::string& refused : found.restored.refused) print_error(refused);
  if (found.restored.refused.empty()) return exit_ok;
  const std::string id = std::to_string(*flags.restore);
  print_log("  pgsluice loads restore " + id + " builds what can be built, pgsluice loads forget " +
            id + " gives it up.\n");
  return exit_failed;
}

void print(const LoadsFlags& flags, const Found& found) {
  if (flags.common.output == OutputFormat::json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const ledger::LoadEntry& load : found.loads) json.push_back(json_of(load));
    if (flags.show) {
      json.front()["missing_indexes"] = nlohmann::ordered_json::array();
      for (const ledger::DeferredIndex& index : found.missing_indexes)
        json.front()["missing_indexes"].push_back(index.name);
    }
    print_json(flags.show ? json.front() : json);
  } else if (flags.show) {
    std::string text = text_of(found.loads.front());
    for (const ledger::DeferredIndex& index : found.missing_indexes)
      text += "  missing index  " + cell(index.name) + "\n";
    if (!found.missing_indexes.empty())
      text += "  pgsluice loads restore " + std::to_string(*flags.show) + " builds them again.\n";
    print_result(text);
  } else {
    print_result(text_of(found.loads));
  }
}

int run_loads(const LoadsFlags& flags) {
  Found found;
  bool stopped = false;
  Runtime runtime(flags.common.connect);
  try {
    if (flags.forget) {
      runtime.run(forget(runtime.pool(), flags, found));
    } else if (flags.restore) {
      runtime.pool().allow(flags.jobs);
      runtime.on_signal([&stopped] { stopped = true; },
                        [&runtime] {
                          for (const pg::Cancel& cancel : runtime.pool().cancel_leased())
                            cancel.send_blocking();
                        });
      runtime.run(restore(runtime.pool(), flags, stopped, found));
    } else {
      runtime.end_on_signal();
      runtime.run(read_loads(runtime.pool(), flags, found));
    }
  } catch (const Failure& failure) {
    print_error(failure.what());
    return exit_code_of(failure.kind(), runtime.signal());
  } catch (const pg::PgError& error) {
    if (runtime.signal() == 0) {
      print_error(error.full());
      return error.phase == pg::Phase::connect ? exit_connect : exit_failed;
    }
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
  }
  if (runtime.signal() != 0) {
    print_error(flags.restore ? "interrupted; the same command goes on where it stopped"
                              : "interrupted");
    return exit_code_of(FailureKind::interrupted, runtime.signal());
  }
  const std::optional<std::int64_t> one = flags.one();
  if (one && found.loads.empty()) {
    print_error("there is no load " + std::to_string(*one) +
                " in this database; pgsluice loads lists them");
    return exit_failed;
  }
  if (flags.restore) return end_of_restore(flags, found);
  if (flags.forget) {
    print_forgotten(flags, found.forgotten);
  } else {
    print(flags, found);
  }
  return exit_ok;
}

void add_id(CLI::App& command, std::optional<std::int64_t>& id) {
  const auto take = [&id](const std::uint64_t& number) { id = static_cast<std::int64_t>(number); };
  add_number_option(command, "ID", {.min = 1}, take, "number of the load").required();
}

}  // namespace

Run add_loads_command(CLI::App& app) {
  auto flags = std::make_shared<LoadsFlags>();
  CLI::App& c =
      *app.add_subcommand("loads", "what was loaded: when, how many, how fast, unfinished ones");
  c.set_help_flag("--help", "print this help and exit");
  const auto count = [flags](const std::uint64_t& number) { flags->count = number; };
  add_number_option(c, "-n,--count", {}, count, "how many of the newest (default: 20; 0: all)");
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  CLI::App& show = *c.add_subcommand("show", "all that the ledger knows of one load");
  show.set_help_flag("--help", "print this help and exit");
  add_id(show, flags->show);
  add_connection_options(show, flags->common);
  add_output_options(show, flags->common);
  CLI::App& restore = *c.add_subcommand(
      "restore",
      "build the indexes again that an unfinished load with --defer-indexes has dropped");
  restore.set_help_flag("--help", "print this help and exit");
  add_id(restore, flags->restore);
  const auto jobs = [flags](const std::uint64_t& number) { flags->jobs = number; };
  add_number_option(restore, "-j,--jobs", {1, limits::jobs_max}, jobs,
                    "how many at a time (default: 2)");
  add_connection_options(restore, flags->common);
  CLI::App& forget = *c.add_subcommand(
      "forget",
      "give up what an unfinished load has left: its staged rows, its indexes, its resuming");
  forget.set_help_flag("--help", "print this help and exit");
  add_id(forget, flags->forget);
  forget.add_flag("--give-up-indexes", flags->give_up_indexes,
                  "also indexes of a table that is there: they are not built again");
  add_connection_options(forget, flags->common);
  return [flags] { return run_loads(*flags); };
}

}  // namespace sluice::app
