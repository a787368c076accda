#include <unistd.h>

#include <optional>

#include "app/cli.hpp"
#include "app/loads_rejects.hpp"
#include "app/loads_undo.hpp"
#include "app/output.hpp"
#include "app/runtime.hpp"
#include "app/terminal_width.hpp"
#include "base/exit_code.hpp"
#include "base/quantity.hpp"
#include "ledger/forget.hpp"
#include "ledger/grants.hpp"
#include "ledger/prune.hpp"
#include "load/restore.hpp"
#include "report/load.hpp"

namespace sluice::app {
namespace {

struct LoadsFlags {
  CommonOptions common;
  ledger::LoadsFilter filter{.count_max = 20};
  bool all = false;
  bool prunes = false;
  ledger::PruneOptions prune;
  std::optional<std::int64_t> show;
  std::optional<std::int64_t> restore;
  std::optional<std::int64_t> forget;
  UndoFlags undo;
  RejectsFlags rejects;
  bool give_up_indexes = false;
  std::size_t jobs = 2;

  /// The load that this is about, where it is about one.
  std::optional<std::int64_t> one() const {
    for (const auto& id : {show, restore, forget, rejects.id})
      if (id) return id;
    return undo.id;
  }
};

/// What a command asks of the ledger, and what it found.
struct Found {
  std::vector<ledger::LoadEntry> loads;
  std::vector<ledger::DeferredIndex> missing_indexes;
  ledger::SegmentsShown segments;
  load::Restored restored;
  ledger::Forgotten forgotten;
  ledger::Pruned pruned;
  load::Undone undone;
};

/// Reads the ledger; an absent one has no loads.
asio::awaitable<void> read_loads(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::is_readable(*connection, ledger::Use::read_loads)) co_return;
  const std::optional<std::int64_t> one = flags.one();
  ledger::LoadsFilter filter = flags.filter;
  if (flags.all || one) filter.count_max = 0;
  if (one) filter.id = LoadId{*one};
  found.loads = co_await ledger::list_loads(*connection, std::move(filter));
  if (!one || found.loads.empty()) co_return;
  found.missing_indexes = co_await ledger::missing_indexes(*connection, LoadId{*one});
  if (flags.show && !found.loads.empty() && found.loads.front().segment_bytes > 0)
    found.segments = co_await ledger::show_segments(*connection, LoadId{*one});
}

asio::awaitable<void> prune(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::is_readable(*connection, ledger::Use::read_loads)) co_return;
  connection->refuse_standby();
  found.pruned = co_await ledger::prune(*connection, flags.prune);
}

/// What the user lacks of our tables, behind the server's refusal.
asio::awaitable<void> ask_for_grants(pg::Pool& pool, const LoadsFlags& flags, std::string& grants) {
  std::vector<ledger::TableRights> rights{{"loads", "select"}, {"chunks", "select"}};
  rights.push_back(
      {"deferred_indexes", flags.restore || flags.forget ? "select, update, delete" : "select"});
  if (flags.forget || flags.undo.id) rights.front().privileges = "select, update";
  if (flags.rejects.id) rights.push_back({"rejects", "select"});
  if (flags.prunes) {
    rights.front().privileges = "select, delete";
    rights.push_back({"unlogged_marks", "select, delete"});
  }
  pg::Lease connection = co_await pool.acquire();
  grants = co_await ledger::missing_grants(*connection, std::move(rights), false);
}

asio::awaitable<void> restore(pg::Pool& pool, const LoadsFlags& flags, bool& stopped,
                              Found& found) {
  co_await read_loads(pool, flags, found);
  const bool is_text = flags.common.output == OutputFormat::text;
  const auto told = [is_text](const ledger::DeferredIndex& index, bool is_built) {
    if (!is_text) return;
    print_result(is_built ? "built " + cell(index.name) + " again\n"
                          : cell(index.name) + " is there already\n");
  };
  const auto is_stopped = [&stopped] { return stopped; };
  found.restored = co_await load::restore_indexes(pool, found.missing_indexes, Sql(), flags.jobs,
                                                  told, is_stopped);
}

asio::awaitable<void> forget(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  co_await read_loads(pool, flags, found);
  if (found.loads.empty()) co_return;
  pg::Lease connection = co_await pool.acquire();
  connection->refuse_standby();
  found.forgotten =
      co_await ledger::forget(*connection, found.loads.front().id, flags.give_up_indexes);
}

asio::awaitable<void> undo(pg::Pool& pool, const LoadsFlags& flags, bool& stopped, Found& found) {
  co_await read_loads(pool, flags, found);
  if (found.loads.empty() || is_undone(found.loads.front())) co_return;
  ledger::LoadEntry load = found.loads.front();
  if (!load.damage.empty()) throw Failure(FailureKind::failed, load.damage);
  load::UndoOptions options = flags.undo.options;
  const std::function<bool()> is_stopped = [&stopped] { return stopped; };
  found.undone = co_await load::undo(pool, std::move(load), std::move(options), is_stopped);
}

asio::awaitable<void> give_rejects(pg::Pool& pool, const LoadsFlags& flags, Found& found) {
  co_await read_loads(pool, flags, found);
  if (found.loads.empty()) co_return;
  if (const std::string& damage = found.loads.front().damage; !damage.empty())
    throw Failure(FailureKind::failed, damage);
  co_await print_rejects(pool, found.loads.front(), flags.rejects);
}

nlohmann::ordered_json json_of_forgotten(const LoadsFlags& flags,
                                         const ledger::Forgotten& forgotten) {
  nlohmann::ordered_json indexes = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < forgotten.indexes.size(); ++i)
    indexes.push_back({{"index", forgotten.indexes[i]}, {"definition", forgotten.definitions[i]}});
  return {{"command", "loads forget"},          {"exit_code", exit_ok},
          {"load_id", *flags.forget},           {"source", forgotten.source},
          {"target", forgotten.target},         {"was_unfinished", forgotten.was_unfinished},
          {"rows_that_stay", forgotten.rows},   {"dropped_stage", forgotten.dropped_stage},
          {"left_stage", forgotten.left_stage}, {"given_up_indexes", indexes}};
}

void print_forgotten(const LoadsFlags& flags, const ledger::Forgotten& forgotten) {
  if (flags.common.output == OutputFormat::json)
    return print_json(json_of_forgotten(flags, forgotten));
  const std::string id = std::to_string(*flags.forget);
  const bool has_nothing = !forgotten.was_unfinished && forgotten.indexes.empty() &&
                           forgotten.dropped_stage.empty() && forgotten.left_stage.empty();
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
    print_result(
        "  " + std::to_string(forgotten.rows) +
        " rows of it stay in the table, and no load knows of them: the file is loaded from "
        "its start, beside them (see --truncate)\n");
  }
  if (!forgotten.dropped_stage.empty())
    print_result("dropped " + cell(forgotten.dropped_stage) + "\n");
  if (!forgotten.left_stage.empty())
    print_result(
        "left " + cell(forgotten.left_stage) +
        ", where rows of it wait: that role or a superuser drops it, by the same command\n");
  for (std::size_t i = 0; i < forgotten.indexes.size(); ++i) {
    print_result("gave up index " + cell(forgotten.indexes[i]) +
                 ", which was: " + cell(forgotten.definitions[i]) + "\n");
  }
}

void print_pruned(const LoadsFlags& flags, const ledger::Pruned& p) {
  if (flags.common.output == OutputFormat::json) {
    print_json({{"command", "loads prune"},
                {"exit_code", exit_ok},
                {"pruned_over", p.over},
                {"pruned_finished", p.finished},
                {"kept_finished", p.kept_finished}});
    return;
  }
  std::string text = "pruned " + std::to_string(p.over + p.finished) + " loads";
  if (p.finished > 0)
    text += ", " + std::to_string(p.finished) +
            " of them finished: the same command would load their files once more";
  text += "\n";
  if (p.kept_finished > 0)
    text += "  kept " + std::to_string(p.kept_finished) +
            " finished ones: they keep their files from being loaded twice (--finished prunes them "
            "too)\n";
  print_result(text);
}

int end_of_restore_in_json(const LoadsFlags& flags, const load::Restored& restored) {
  const bool is_ok = restored.refused.empty();
  print_json({{"command", "loads restore"},
              {"exit_code", is_ok ? exit_ok : exit_failed},
              {"load_id", *flags.restore},
              {"built", restored.built},
              {"were_there", restored.were_there},
              {"refused", restored.refused}});
  return is_ok ? exit_ok : exit_failed;
}

/// What restoring could not do goes to stderr, behind what it could.
int end_of_restore(const LoadsFlags& flags, const Found& found) {
  if (flags.common.output == OutputFormat::json)
    return end_of_restore_in_json(flags, found.restored);
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
    for (const ledger::LoadEntry& load : found.loads) json.push_back(report::json_of(load));
    if (flags.show) {
      json.front()["missing_indexes"] = nlohmann::ordered_json::array();
      for (const ledger::DeferredIndex& index : found.missing_indexes)
        json.front()["missing_indexes"].push_back(index.name);
      json.front()["undo"] = json_of_way(found.loads.front());
      if (found.segments.all > 0) json.front()["segments"] = report::json_of(found.segments);
    }
    print_json(flags.show ? json.front() : json);
  } else if (flags.show) {
    std::string text = report::text_of(found.loads.front());
    text += report::text_of(found.segments);
    for (const ledger::DeferredIndex& index : found.missing_indexes)
      text += "  missing index  " + cell(index.name) + "\n";
    if (!found.missing_indexes.empty())
      text += "  pgsluice loads restore " + std::to_string(*flags.show) + " builds them again.\n";
    text += text_of_way(found.loads.front());
    print_result(text);
  } else {
    const bool is_filtered =
        !flags.filter.table.empty() || flags.filter.state != ledger::LoadsFilter::State::any;
    print_result(found.loads.empty() && is_filtered
                     ? "no load is like that\n"
                     : report::text_of(found.loads, terminal_width(STDOUT_FILENO)));
  }
}

/// Runs what is asked for; throws what ends it.
void run(Runtime& runtime, const LoadsFlags& flags, bool& stopped, Found& found) {
  const auto stop_softly = [&runtime, &stopped] {
    runtime.on_signal([&stopped] { stopped = true; },
                      [&runtime] {
                        for (const pg::Cancel& cancel : runtime.pool().cancel_leased())
                          cancel.send_blocking();
                      });
  };
  if (flags.rejects.id) {
    runtime.end_on_signal();
    runtime.run(give_rejects(runtime.pool(), flags, found));
  } else if (flags.undo.id) {
    stop_softly();
    runtime.run(undo(runtime.pool(), flags, stopped, found));
  } else if (flags.forget) {
    runtime.run(forget(runtime.pool(), flags, found));
  } else if (flags.prunes) {
    runtime.end_on_signal();
    runtime.run(prune(runtime.pool(), flags, found));
  } else if (flags.restore) {
    runtime.pool().allow(flags.jobs);
    stop_softly();
    runtime.run(restore(runtime.pool(), flags, stopped, found));
  } else {
    runtime.end_on_signal();
    runtime.run(read_loads(runtime.pool(), flags, found));
  }
}

/// An error of the server, with the grant that is missing where it is one of rights.
std::string message_of(Runtime& runtime, const LoadsFlags& flags, const pg::PgError& error) {
  std::string message = error.full();
  if (!(error.state == sql_state::insufficient_privilege)) return message;
  std::string grants;
  try {
    runtime.run(ask_for_grants(runtime.pool(), flags, grants));
  } catch (const pg::PgError&) {
    return message;  // the first error is the one to tell
  }
  if (!grants.empty()) message += "\n  Ask the owner of the schema pgsluice to run: " + grants;
  return message;
}

std::string load_name(const LoadsFlags& flags) {
  if (flags.show) return "pgsluice loads show";
  if (flags.restore) return "pgsluice loads restore";
  if (flags.forget) return "pgsluice loads forget";
  if (flags.rejects.id) return "pgsluice loads rejects";
  if (flags.undo.id) return "pgsluice loads undo";
  return flags.prunes ? "pgsluice loads prune" : "pgsluice loads";
}

int fail(const LoadsFlags& flags, int exit_code, const std::string& message) {
  if (flags.common.output == OutputFormat::json) {
    print_json(json_of_failure(load_name(flags), exit_code, message));
  } else {
    print_error(message);
  }
  return exit_code;
}

int run_loads(const LoadsFlags& flags) {
  Found found;
  bool stopped = false;
  Runtime runtime(flags.common.connect);
  try {
    run(runtime, flags, stopped, found);
  } catch (const Failure& failure) {
    return fail(flags, exit_code_of(failure.kind(), runtime.signal()), failure.what());
  } catch (const pg::PgError& error) {
    if (runtime.signal() == 0) {
      const bool is_unconnected = error.phase == pg::Phase::connect;
      return fail(flags, is_unconnected ? exit_connect : exit_failed,
                  message_of(runtime, flags, error));
    }
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
  }
  if (runtime.signal() != 0) {
    return fail(flags, exit_code_of(FailureKind::interrupted, runtime.signal()),
                flags.restore || flags.undo.id
                    ? "interrupted; the same command goes on where it stopped"
                    : "interrupted");
  }
  const std::optional<std::int64_t> one = flags.one();
  if (one && found.loads.empty()) {
    return fail(flags, exit_failed,
                "there is no load " + std::to_string(*one) +
                    " in this database; pgsluice loads lists them");
  }
  if (flags.rejects.id) return exit_ok;
  if (flags.show && !found.loads.front().damage.empty())
    return fail(flags, exit_failed, found.loads.front().damage);
  if (flags.restore) return end_of_restore(flags, found);
  if (flags.undo.id)
    return print_undone(flags.common.output, found.loads.front(), flags.undo, found.undone);
  if (flags.forget) {
    print_forgotten(flags, found.forgotten);
  } else if (flags.prunes) {
    print_pruned(flags, found.pruned);
  } else {
    print(flags, found);
  }
  return exit_ok;
}

/// "90d"; a number alone would be seconds, and prune all.
void add_older(CLI::App& command, std::chrono::milliseconds& older) {
  const auto read = [&older](const std::string& text) {
    const auto duration = parse_duration(text);
    const bool has_unit = !text.empty() && (text.back() < '0' || text.back() > '9');
    if (!duration || !has_unit)
      throw WrongValue("--older: \"" + text + "\" is no time with its unit; write for example 90d");
    older = *duration;
  };
  command.add_option_function<std::string>("--older", read, "loads that ended so long ago")
      ->option_text("DURATION")
      ->required();
}

void add_filter(CLI::App& command, LoadsFlags& flags) {
  using State = ledger::LoadsFilter::State;
  const auto count = [&flags](const std::uint64_t& number) { flags.filter.count_max = number; };
  add_number_option(command, "-n,--count", {}, count,
                    "how many of the newest (default: 20; 0: all)");
  command.add_flag("--all", flags.all, "all of them");
  add_choice_option<State>(command, "--state", flags.filter.state, "only these");
  command.add_option("-t,--table", flags.filter.table, "only loads into this table")
      ->type_name("TABLE");
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
  add_filter(c, *flags);
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
  const std::string as_object = "text, or json: one object at the end, also on failure";
  add_output_format(restore, flags->common.output, as_object);
  CLI::App& forget = *c.add_subcommand(
      "forget",
      "give up what an unfinished load has left: its staged rows, its indexes, its resuming");
  forget.set_help_flag("--help", "print this help and exit");
  add_id(forget, flags->forget);
  forget.add_flag("--give-up-indexes", flags->give_up_indexes,
                  "also indexes of a table that is there: they are not built again");
  add_connection_options(forget, flags->common);
  add_output_format(forget, flags->common.output, as_object);
  add_undo_command(c, flags->common, flags->undo);
  add_rejects_command(c, flags->common, flags->rejects);
  CLI::App& prune = *c.add_subcommand(
      "prune",
      "delete what the ledger knows of old loads that are void, given up, or of a table "
      "that is gone");
  prune.set_help_flag("--help", "print this help and exit");
  prune.callback([flags] { flags->prunes = true; });
  add_older(prune, flags->prune.older);
  prune.add_flag("--finished", flags->prune.with_finished,
                 "finished ones too: the same command would load their files once more");
  add_connection_options(prune, flags->common);
  add_output_format(prune, flags->common.output, as_object);
  return [flags] { return run_loads(*flags); };
}

}  // namespace sluice::app
