#include "load/refusal.hpp"

#include <fmt/format.h>

#include "load/undo.hpp"

namespace sluice::load {
namespace {

using Kind = resume::Verdict::Kind;

constexpr const char* from_the_start = "--again loads all of it";

std::string emptied(const plan::Plan& plan) {
  return fmt::format("with --truncate {} is emptied first", plan.target.table.full_name());
}

/// What becomes of the rows of a load that is not gone on with, by each way of loading all of it.
std::string from_anew(const plan::Plan& plan, const ledger::KnownLoad& load) {
  const std::string undo =
      way_to_undo(load).problem.empty()
          ? fmt::format(" (pgsluice loads show {} says how to take them out first)", load.id.value)
          : std::string();
  return fmt::format(
      "--again loads all of it beside these rows{}; --again --truncate empties {} first.", undo,
      plan.target.table.full_name());
}

/// Of a load of this file that is not finished.
std::string about_changed_file(const plan::Plan& plan, const resume::Verdict& verdict) {
  const ledger::KnownLoad& load = *verdict.load;
  const std::string& source = plan.source->name();
  const std::uint64_t then = load.source_bytes.value_or(0);
  const std::uint64_t now = plan.source->length().value_or(0);
  if (verdict.kind == Kind::refuse_changed) {
    const bool has_lengths = load.source_bytes && plan.source->length();
    const std::string difference =
        !has_lengths ? "its beginning differs"
                     : fmt::format("it had {} bytes then and has {} now, and {}", then, now,
                                   now > then ? "does not begin with what it was"
                                              : "its beginning or end differs");
    return fmt::format(
        "{} has changed since load {} stored {} rows of it in {}: {}\n"
        "  {}",
        source, load.id.value, load.totals.counts.rows_stored, plan.target.table.full_name(),
        difference, from_anew(plan, load));
  }
  return fmt::format(
      "{} has grown since load {} stored the last of the {} bytes that it had then, and that load "
      "is "
      "not finished\n"
      "  Its command with - for the file finishes it (head -c {} {} | pgsluice load - ...), and "
      "--grown append then loads what is behind that. {}",
      source, load.id.value, then, load.content_end, source, from_anew(plan, load));
}

/// Of a verdict about the source, and how it is read; empty for others.
std::string about_source(const plan::Plan& plan, const ledger::NewLoad& now,
                         const resume::Verdict& verdict) {
  const ledger::KnownLoad& load = *verdict.load;
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  const auto difference = [&] {
    std::string options =
        resume::difference_of_options(load.options, now.options, !load.finished());
    // Only of one that is not finished does it matter where its rows wait.
    if (options.empty() && load.staged != now.staged)
      options = load.staged ? "with --atomic then, and without now" : "without --atomic then";
    return options;
  };
  switch (verdict.kind) {
    case Kind::refuse_changed:
    case Kind::refuse_all_stored: return about_changed_file(plan, verdict);
    case Kind::refuse_options:
      return fmt::format(
          "load {} of {} is unfinished and was begun with other options ({})\n"
          "  Go on with the options of then. {}; {}.",
          load.id.value, source, difference(), from_the_start, emptied(plan));
    case Kind::refuse_other_options:
      return fmt::format(
          "{} is in {} already, by load {} with other options ({})\n"
          "  {} once more; {}.",
          source, table, load.id.value, difference(), from_the_start, emptied(plan));
    case Kind::refuse_same_content:
      return fmt::format(
          "{} has the same content as {}, which load {} brought into {}\n"
          "  --same-content load loads it too, --same-content skip leaves it out.",
          source, load.source, load.id.value, table);
    case Kind::refuse_grown:
      return fmt::format(
          "{} begins with all that load {} has read of {} ({} bytes), and has grown\n"
          "  --grown append loads what is behind that, --grown load all of it.",
          source, load.id.value, load.source, load.content_end);
    case Kind::refuse_begun:
      return fmt::format(
          "{} begins with what load {} of {} has stored in {}, {} rows, and that load is not "
          "finished\n"
          "  Finish it by its command, and --grown append loads what {} has behind it. --grown "
          "load "
          "loads all of {} beside that; {}.",
          source, load.id.value, load.source, table, load.totals.counts.rows(), source, source,
          emptied(plan));
    case Kind::refuse_half_undone:
      return fmt::format(
          "load {} brought {} into {}, and is being taken out again: some of its rows are there "
          "yet\n"
          "  pgsluice loads show {} says how that goes on; then the same command loads {}.",
          load.id.value, source, table, load.id.value, source);
    case Kind::refuse_running:
      return fmt::format(
          "{} begins with all of {}, which is being loaded into {} by another run (load {}); "
          "nothing was changed\n"
          "  When that is finished, --grown append loads what is behind it.",
          source, load.source, table, load.id.value);
    default: return {};
  }
}

/// Of a verdict about the table; empty for others.
std::string about_table(const plan::Plan& plan, const resume::Verdict& verdict) {
  const ledger::KnownLoad& load = *verdict.load;
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  switch (verdict.kind) {
    case Kind::refuse_part_gone: {
      const std::string what =
          load.part_gone ? "another load with --truncate has emptied a part of " + table
                         : "a crash of the server has emptied the unlogged part of " + table;
      return fmt::format(
          "{}, and with it some of the {} rows that load {} brought of {}\n"
          "  --again --truncate empties all of it first, and loads {} from the start.",
          what, load.totals.counts.rows(), load.id.value, source, source);
    }
    case Kind::refuse_other_table: {
      const char* const left_out =
          verdict.may_be_left_out ? "; --same-content skip leaves them out" : "";
      return fmt::format(
          "load {} brought rows of {} into another table, which was {} then and was "
          "dropped, renamed or replaced since; whether the {} of now has them (by a "
          "copy, or restored from a dump) is not known\n"
          "  --same-content load loads {} all the same{}; {}.",
          load.id.value, load.source, table, table, source, left_out, emptied(plan));
    }
    default: return {};
  }
}

}  // namespace

Failure refusal(const plan::Plan& plan, const ledger::NewLoad& now,
                const resume::Verdict& verdict) {
  std::string message = about_source(plan, now, verdict);
  if (message.empty()) message = about_table(plan, verdict);
  if (message.empty()) return {FailureKind::failed, plan.source->name() + ": no verdict"};
  const bool is_held = verdict.kind == Kind::refuse_running;
  const std::size_t end = message.find("\n  ");
  const std::string advice = end == std::string::npos ? "" : message.substr(end + 3);
  return {is_held ? FailureKind::held : FailureKind::changed, message.substr(0, end), advice};
}

}  // namespace sluice::load
