#include "app/migrate_steps.hpp"
#include "app/output.hpp"

/// `migrate adopt`.
namespace sluice::app {
namespace {

using nlohmann::ordered_json;

std::string_view checksum_word(const script::Adopted& one) {
  if (one.script == nullptr) return "gone";
  if (one.is_edited) return "edited";
  return one.is_compared ? "checksum agrees" : "";
}

std::vector<std::string> lines_of_history(const migrate::TakenOver& taken) {
  std::vector<std::string> lines;
  if (taken.adoption.baseline) {
    lines.push_back("baseline " + taken.adoption.baseline->text() +
                    ": all versions up to it count as applied");
  }
  for (const script::Adopted& one : taken.adoption.files) {
    std::string line = one.file;
    if (!one.applied_at.empty()) line += "  " + one.applied_at;
    if (const std::string_view word = checksum_word(one); !word.empty())
      line += "  " + std::string(word);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string where_is(const migrate::TakenOver& taken) {
  return "the history of " + std::string(name_of(taken.table.tool)) + " in " + taken.table.schema +
         "." + taken.table.name;
}

ordered_json json_of_history(const migrate::TakenOver& taken) {
  ordered_json json{{"from", name_of(taken.table.tool)},
                    {"table", taken.table.schema + "." + taken.table.name},
                    {"recorded", taken.is_recorded},
                    {"adopted", ordered_json::array()}};
  if (taken.adoption.baseline) json["baseline"] = taken.adoption.baseline->text();
  for (const script::Adopted& one : taken.adoption.files) {
    json["adopted"].push_back({{"file", one.file},
                               {"applied_at", one.applied_at},
                               {"checksum", one.script == nullptr ? "gone"
                                            : one.is_edited       ? "edited"
                                            : one.is_compared     ? "agrees"
                                                                  : "not kept"}});
  }
  return json;
}

}  // namespace

MigrateOutcome adopt_step(const MigrateFlags& flags, const migrate::Options& options,
                          const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  migrate::TakeOverOptions take{.wish = flags.theirs, .baseline = {}, .accepts = flags.accepts};
  if (!flags.version.empty()) take.baseline = version_of("--baseline", flags.version);
  const auto tell_notes = [&](const migrate::TakenOver& taken) {
    for (const std::string& note : taken.adoption.notes) listener.note(note);
  };
  take.agree = [&](const migrate::TakenOver& taken) {
    tell_notes(taken);
    return is_agreed(flags, where_is(taken) + " is taken over; this will count as applied:",
                     lines_of_history(taken), stop);
  };
  const migrate::TakenOver taken = migrate::take_over(folder, options, take, listener, stop);
  if (options.dry_run) tell_notes(taken);
  MigrateOutcome outcome;
  outcome.json.update(json_of_history(taken));
  if (!prints_text(flags)) return outcome;
  if (!taken.is_new) {
    print_result("nothing to do: " + cell(where_is(taken)) + " is taken over already\n");
    return outcome;
  }
  if (taken.is_recorded || options.dry_run) {
    for (const std::string& line : lines_of_history(taken))
      print_result((taken.is_recorded ? "recorded      " : "would record  ") + cell(line) + "\n");
  }
  if (taken.is_recorded) {
    print_result("from now on pgsluice migrate up goes on; " + cell(where_is(taken)) +
                 " stays as it is, and is not gone on with\n");
  } else {
    print_result("nothing is recorded\n");
  }
  return outcome;
}

}  // namespace sluice::app
