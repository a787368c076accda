#include "serve/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::serve {
namespace {

std::uint64_t count_at(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

/// One of those that a report names a limit by.
bool is_name(const std::string& text) {
  const auto is_of_name = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return !text.empty() && text.size() < 20 && std::ranges::all_of(text, is_of_name);
}

std::string single(const char* name, const char* type, const char* help, std::uint64_t value) {
  return family_head(name, type, help) + fmt::format("{} {}\n", name, value);
}

template <class Value>
std::string by_label(const char* name, const char* label, const char* help,
                     const std::map<Value, std::uint64_t>& counts) {
  std::string text = family_head(name, "counter", help);
  for (const auto& [value, count] : counts)
    text += fmt::format("{}{{{}=\"{}\"}} {}\n", name, label, value, count);
  return text;
}

}  // namespace

std::string family_head(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void Metrics::note_load(int exit_code, const std::string& report, std::chrono::nanoseconds took) {
  const auto json = nlohmann::json::parse(report, nullptr, false);
  if (json.is_object() && json.value("command", nlohmann::json()) == "inspect") return;
  ++loads_[exit_code];
  const double seconds = std::chrono::duration<double>(took).count();
  seconds_ += seconds;
  ++loads_in_all_;
  for (std::size_t i = 0; i < bounds.size(); ++i)
    if (seconds <= bounds[i]) ++within_[i];
  if (!json.is_object() || !json.contains("loads") || !json["loads"].is_array()) return;
  for (const auto& load : json["loads"]) {
    if (!load.is_object()) continue;
    rows_stored_ += count_at(load, "rows_stored_by_this_run");
    rows_updated_ += count_at(load, "rows_updated");
    rows_rejected_ += count_at(load, "rows_rejected");
    retries_ += count_at(load, "retries");
    const auto found = load.find("bottleneck");
    const bool is_said = found != load.end() && found->is_object() && found->contains("limit") &&
                         (*found)["limit"].is_string();
    if (is_said && is_name((*found)["limit"].get<std::string>()))
      ++limits_[(*found)["limit"].get<std::string>()];
  }
}

std::string Metrics::text(const Now& now) const {
  std::string text =
      single("pgsluice_connections", "gauge", "Open connections of clients.", now.connections) +
      single("pgsluice_loads_running", "gauge", "Uploads that are being loaded.", now.running) +
      single("pgsluice_loads_waiting", "gauge", "Uploads that wait for their turn.", now.waiting) +
      single("pgsluice_database_connections_in_use", "gauge",
             "Connections to the database that the server itself uses; uploads have their own.",
             now.database_connections) +
      by_label("pgsluice_http_answers_total", "status", "Answers, by their status.", answers_) +
      by_label("pgsluice_loads_total", "exit_code", "Loads and checks that ended, by exit code.",
               loads_) +
      by_label("pgsluice_loads_limited_total", "limit",
               "Loads of some seconds, by what they waited for most.", limits_) +
      single("pgsluice_upload_bytes_total", "counter", "Bytes of bodies received.",
             bytes_received) +
      single("pgsluice_rows_stored_total", "counter", "Rows that uploads stored.", rows_stored_) +
      single("pgsluice_rows_updated_total", "counter", "Rows that uploads updated.",
             rows_updated_) +
      single("pgsluice_rows_rejected_total", "counter", "Records that were rejected.",
             rows_rejected_) +
      single("pgsluice_retries_total", "counter", "Chunks that were tried again.", retries_) +
      family_head("pgsluice_load_seconds", "histogram", "How long loads and checks took.");
  for (std::size_t i = 0; i < bounds.size(); ++i)
    text += fmt::format("pgsluice_load_seconds_bucket{{le=\"{}\"}} {}\n", bounds[i], within_[i]);
  text += fmt::format("pgsluice_load_seconds_bucket{{le=\"+Inf\"}} {}\n", loads_in_all_);
  text += fmt::format("pgsluice_load_seconds_sum {}\npgsluice_load_seconds_count {}\n", seconds_,
                      loads_in_all_);
  return text;
}

}  // namespace sluice::serve
