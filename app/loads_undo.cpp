#include "app/loads_undo.hpp"

#include "app/output.hpp"
#include "base/exit_code.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::app {
namespace {

std::string rows_text(std::uint64_t rows) {
  return format_count(rows) + (rows == 1 ? " row" : " rows");
}

}  // namespace

void add_undo_command(CLI::App& loads, CommonOptions& common, UndoFlags& flags) {
  CLI::App& c = *loads.add_subcommand(
      "undo", "delete the rows of a load from its table, which --add COLUMN=:load has numbered");
  c.set_help_flag("--help", "print this help and exit");
  const auto take = [&flags](const std::uint64_t& id) { flags.id = static_cast<std::int64_t>(id); };
  add_number_option(c, "ID", {.min = 1}, take, "number of the load").required();
  c.add_option("-t,--table", flags.options.table, "the table whose rows are deleted")
      ->type_name("TABLE")
      ->required();
  c.add_option("--column", flags.options.column, "the column with the load's number")->required();
  c.add_flag("--dry-run", flags.options.dry_run, "count the rows, and delete none");
  flags.options.retry_for = limits::retry_for_default;
  add_duration_option(c, "--retry-for", flags.options.retry_for,
                      "how long a part is tried again after a lost connection or a deadlock "
                      "(default: 5m)");
  add_connection_options(c, common);
  add_output_format(c, common.output, "text, or json: one object at the end, also on failure");
}

bool is_undone(const ledger::LoadEntry& load) {
  return load.state == "void" && load.rows_undone > 0;
}

std::string text_of_way(const ledger::LoadEntry& load) {
  const load::UndoWay way = load::way_to_undo(load);
  if (!way.problem.empty())
    return load.state == "void" ? "" : "  cannot be taken out: " + cell(way.problem) + ".\n";
  return "  pgsluice loads undo " + std::to_string(load.id.value) + " --table " +
         cell(load.target) + " --column " + cell(way.column) +
         (load.is_half_undone() ? " goes on with taking its rows out.\n"
                                : " takes its rows out again.\n");
}

nlohmann::ordered_json json_of_way(const ledger::LoadEntry& load) {
  const load::UndoWay way = load::way_to_undo(load);
  nlohmann::ordered_json json{{"possible", way.problem.empty()}};
  if (!way.column.empty()) json["column"] = way.column;
  if (!way.problem.empty()) json["why_not"] = way.problem;
  return json;
}

int print_undone(OutputFormat output, const ledger::LoadEntry& load, const UndoFlags& flags,
                 const load::Undone& undone) {
  const bool is_nothing = is_undone(load);
  if (output == OutputFormat::json) {
    print_json({{"command", "loads undo"},
                {"exit_code", exit_ok},
                {"load_id", *flags.id},
                {"table", is_nothing ? load.target : undone.table},
                {"column", undone.column},
                {"dry_run", flags.options.dry_run},
                {flags.options.dry_run ? "rows_found" : "rows_deleted",
                 flags.options.dry_run ? undone.rows : undone.deleted},
                {"rows_deleted_in_all", is_nothing ? load.rows_undone : undone.deleted_ever},
                {"is_done", is_nothing || undone.is_done}});
    return exit_ok;
  }
  const std::string id = std::to_string(*flags.id);
  if (is_nothing) {
    print_result("nothing to do: load " + id + " is taken out already\n");
  } else if (flags.options.dry_run) {
    print_result("would delete " + rows_text(undone.rows) + " of load " + id + " from " +
                 cell(undone.table) + ", which have that number in column " + cell(undone.column) +
                 "\ndry run: nothing was deleted\n");
  } else {
    print_result("took load " + id + " out: deleted " + rows_text(undone.deleted) + " from " +
                 cell(undone.table) +
                 (undone.deleted_ever > undone.deleted
                      ? ", " + format_count(undone.deleted_ever) + " in all"
                      : std::string()) +
                 "\n  its file would be loaded again\n");
    if (load.totals.rows_deleted > 0) {
      print_result("  " + rows_text(load.totals.rows_deleted) +
                   " that it had deleted itself (--replace) do not come back\n");
    }
  }
  return exit_ok;
}

}  // namespace sluice::app
