#include "report/migration.hpp"

#include "script/script_name.hpp"

namespace sluice::report {

nlohmann::ordered_json json_of(const ledger::MigrationEntry& migration) {
  nlohmann::ordered_json json{{"migration", migration.id},  {"project", migration.project},
                              {"state", migration.state},   {"file", migration.file},
                              {"version", nullptr},         {"name", nullptr},
                              {"checksum", nullptr},        {"begun_at", migration.begun_at},
                              {"applied_at", nullptr},      {"applied_by", migration.applied_by},
                              {"runner", migration.runner}, {"seconds", nullptr}};
  if (migration.version && migration.version_rest.empty()) {
    json["version"] = *migration.version;
  } else if (migration.version) {
    json["version"] = std::to_string(*migration.version) + migration.version_rest;
  }
  // "baseline" is no name of a file.
  const auto name = script::parse_script_name(migration.file);
  if (name && *name) json["name"] = (*name)->name;
  if (!migration.checksum.empty()) json["checksum"] = migration.checksum;
  if (!migration.applied_at.empty()) json["applied_at"] = migration.applied_at;
  if (!migration.seconds.empty())
    json["seconds"] = nlohmann::ordered_json::parse(migration.seconds);
  if (migration.state == "failed" || migration.state == "running") {
    json["statements_done"] = migration.statements_done;
    json["error"] = migration.error;
  }
  if (!migration.accepted_at.empty()) {
    json["accepted_at"] = migration.accepted_at;
    json["accepted_by"] = migration.accepted_by;
  }
  return json;
}

}  // namespace sluice::report
