#include "app/migrate_status.hpp"

#include "app/output.hpp"

namespace sluice::app {
namespace {

using nlohmann::ordered_json;

std::string_view state_name(script::Status::State state) {
  using State = script::Status::State;
  switch (state) {
    case State::applied: return "applied";
    case State::pending: return "pending";
    case State::changed: return "changed";
    case State::failed: return "failed";
    case State::baseline: return "baseline";
    case State::later: return "later";
    case State::missing: break;
  }
  return "missing";
}

/// A number where it is one.
ordered_json version_as_json(const script::Version& version) {
  return version.is_whole() ? ordered_json(version.number()) : ordered_json(version.text());
}

}  // namespace

ordered_json json_of(const script::Status& status) {
  ordered_json json{{"state", state_name(status.state)}};
  if (status.script != nullptr) {
    json["file"] = status.script->path;
    if (status.script->name.kind == script::ScriptKind::versioned)
      json["version"] = version_as_json(status.script->name.version);
    json["checksum"] = status.script->checksum;
  } else {
    json["file"] = status.entry->file;
    json["version"] = version_as_json(status.entry->version);
  }
  if (status.entry != nullptr && !status.entry->finished_at.empty())
    json["applied_at"] = status.entry->finished_at;
  if (status.state == script::Status::State::failed) {
    json["statements_done"] = status.entry == nullptr ? 0 : status.entry->statements_done;
    json["error"] = status.entry == nullptr ? "" : status.entry->error;
  }
  return json;
}

void print_status(const script::Status& status) {
  std::string line(state_name(status.state));
  line.resize(10, ' ');
  line += status.script != nullptr ? status.script->file : status.entry->file;
  if (status.entry != nullptr && !status.entry->finished_at.empty())
    line += "  " + status.entry->finished_at;
  if (status.state == script::Status::State::failed && status.entry != nullptr) {
    line += "  " + std::to_string(status.entry->statements_done) + " statements done; " +
            (status.entry->error.empty() ? "its runner has gone, or is still at it"
                                         : "the next one: " + status.entry->error);
  }
  print_result(cell(line) + "\n");
}

}  // namespace sluice::app
