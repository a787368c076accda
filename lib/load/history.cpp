#include "load/history.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace sluice::load {
namespace {

bool same_options(const std::string& a, const std::string& b) {
  return nlohmann::json::parse(a) == nlohmann::json::parse(b);
}

}  // namespace

Verdict judge(const History& history, const ledger::NewLoad& now) {
  using Kind = Verdict::Kind;
  Verdict fresh;
  for (const ledger::LoadEntry& load : history.loads) {
    const bool same_content = load.fingerprint == now.fingerprint;
    // A finished load of the same path but other content is yesterday's file of that name.
    if (!same_content && (load.finished() || !history.is_file)) continue;
    const bool same = same_content && same_options(load.options, now.options);
    if (load.finished() && !same) continue;

    if (history.again) {
      if (!load.finished()) fresh.void_loads.push_back(load.id);
      continue;
    }
    const bool waits = load.staged && !load.finished();
    if (history.target_is_empty && load.totals.rows_stored > 0 && !waits) {
      fresh.void_loads.push_back(load.id);
      if (fresh.note.empty()) {
        fresh.note = fmt::format(
            "load {} stored {} rows of this file, but {} is empty now: loading it again",
            load.id.value, load.totals.rows_stored, now.target);
      }
      continue;
    }
    if (load.finished()) {
      const bool untouched = !now.source_stamp.empty() && load.source_stamp == now.source_stamp;
      return {.kind = untouched ? Kind::nothing_to_do : Kind::verify,
              .load = load,
              .void_loads = {},
              .note = {}};
    }
    // What waits in a staging table, or has stored nothing, stands in nobody's way.
    if (!same && (load.staged || load.totals.chunks == 0)) {
      fresh.void_loads.push_back(load.id);
      continue;
    }
    const Kind kind = !same_content ? Kind::refuse_changed
                      : same        ? Kind::resume
                                    : Kind::refuse_options;
    return {.kind = kind, .load = load, .void_loads = {}, .note = {}};
  }
  return fresh;
}

std::string difference_of_options(const std::string& then_text, const std::string& now_text) {
  const auto then = nlohmann::json::parse(then_text);
  const auto now = nlohmann::json::parse(now_text);
  std::string result;
  const auto add = [&](const std::string& key) {
    const auto shown = [&](const nlohmann::json& in) {
      return in.contains(key) ? in[key].dump() : std::string("not given");
    };
    if (then.contains(key) && now.contains(key) && then[key] == now[key]) return;
    if (!result.empty()) result += "; ";
    result += "--" + key + ": " + shown(then) + " then, " + shown(now) + " now";
  };
  for (const auto& [key, value] : then.items()) add(key);
  for (const auto& [key, value] : now.items()) {
    if (!then.contains(key)) add(key);
  }
  return result;
}

}  // namespace sluice::load
