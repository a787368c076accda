#include "report/load.hpp"

#include "base/path_text.hpp"

namespace sluice::report {
namespace {

/// PostgreSQL has numbers that no double holds: as a text then.
nlohmann::ordered_json json_of_options(const std::string& options) {
  auto json = nlohmann::ordered_json::parse(options, nullptr, false);
  return json.is_discarded() ? nlohmann::ordered_json(options) : json;
}

nlohmann::ordered_json json_of(const plan::Drift& drift) {
  nlohmann::ordered_json json{{"since_load", drift.since.value},
                              {"since_source", drift.source},
                              {"since", drift.finished_at},
                              {"new", drift.added},
                              {"missing", drift.missing},
                              {"renamed", nlohmann::ordered_json::array()},
                              {"other_type", nlohmann::ordered_json::array()}};
  for (const plan::Drift::Renamed& renamed : drift.renamed)
    json["renamed"].push_back({{"now", renamed.now}, {"then", renamed.then}});
  for (const plan::Drift::OtherType& other : drift.types)
    json["other_type"].push_back({{"column", other.column},
                                  {"type", other.type},
                                  {"values", other.values},
                                  {"others", other.others},
                                  {"first", other.first}});
  return json;
}

/// Of the sessions, how often each was seen at what.
nlohmann::ordered_json json_of(const load::Bottleneck& found) {
  nlohmann::ordered_json json{
      {"limit", name_of(found.limit)},
      {"share", found.share},
      {"client", {{"reading", found.reading}, {"encoding", found.encoding}}},
      {"sessions", nlohmann::ordered_json::object()}};
  for (const auto& waiting : load::names_of(load::Waiting()))
    json["sessions"][std::string(waiting.name)] =
        found.seen[static_cast<std::size_t>(waiting.value)];
  return json;
}

}  // namespace

nlohmann::ordered_json json_of(const Ending& e) {
  const load::LoadReport& r = e.report;
  nlohmann::ordered_json json{{"source", text_of_path(e.path)},
                              {"table", r.plan.table.empty() ? e.table : r.plan.table},
                              {"status", name_of(r.status)},
                              {"exit_code", e.exit_code},
                              {"load", nullptr},
                              {"resumed", r.resumed},
                              {"staged", r.is_staged},
                              {"records_read", r.records_read},
                              {"rows_stored", r.total.rows_stored},
                              {"rows_updated", r.total.rows_updated},
                              {"rows_unchanged", r.total.rows_unchanged},
                              {"rows_rejected", r.rows_rejected},
                              {"rows_skipped", r.total.rows_skipped},
                              {"rows_filtered", r.total.rows_filtered},
                              {"rows_deleted", r.rows_deleted},
                              {"rows_stored_by_this_run", r.now.rows_stored},
                              {"bytes_stored_by_this_run", r.bytes},
                              {"retries", r.retries},
                              {"seconds", r.seconds}};
  if (r.load) json["load"] = r.load->value;
  if (r.lag_seconds > 0) json["lag_seconds"] = r.lag_seconds;
  if (const auto& used = r.connections; used.most > 0)
    json["connections"] = {{"least", used.least}, {"most", used.most}, {"last", used.now}};
  if (!r.plan.table.empty()) {
    json["plan"] = {{"writer", r.plan.writer},
                    {"jobs", r.plan.jobs},
                    {"jobs_max", r.plan.jobs_max},
                    {"chunk_bytes", r.plan.chunk_bytes},
                    {"memory_bytes_max", r.plan.memory_bytes_max},
                    {"columns", r.plan.columns},
                    {"ignored_columns", r.plan.ignored_columns},
                    {"missing_columns", r.plan.missing_columns},
                    {"deferred_indexes", r.plan.deferred_indexes}};
  }
  if (!r.create_statement.empty()) json["create_table"] = r.create_statement;
  if (!r.rejects_path.empty()) json["rejects_path"] = text_of_path(r.rejects_path);
  if (!r.preview_columns.empty()) {
    json["rows"] = nlohmann::ordered_json::array();
    for (const auto& row : r.preview_rows) {
      nlohmann::ordered_json shown = nlohmann::ordered_json::object();
      for (std::size_t i = 0; i < row.size(); ++i)
        shown[r.preview_columns[i]] =
            row[i] ? nlohmann::ordered_json(*row[i]) : nlohmann::ordered_json();
      json["rows"].push_back(std::move(shown));
    }
  }
  if (r.drift) json["drift"] = json_of(*r.drift);
  if (r.bottleneck) json["bottleneck"] = json_of(*r.bottleneck);
  if (!r.notes.empty()) json["notes"] = r.notes;
  if (e.message.empty()) return json;
  json["error"] = {{"message", e.message}};
  if (r.unreadable) json["error"]["unreadable"] = name_of(*r.unreadable);
  if (e.sql_state) json["error"]["sqlstate"] = *e.sql_state;
  if (e.bad_record)
    json["error"]["record"] = json_of(e.bad_record->source(), e.bad_record->reject());
  return json;
}

nlohmann::ordered_json json_of(const std::string& source, const tuple::Reject& reject) {
  return {{"file", source},
          {"byte_offset", reject.position.byte_offset},
          {"line", reject.position.line},
          {"record", reject.position.record},
          {"column", reject.column},
          {"value", reject.value},
          {"sqlstate", reject.sql_state},
          {"constraint", reject.constraint},
          {"message", reject.message}};
}

nlohmann::ordered_json json_of(const ledger::SegmentsShown& segments) {
  nlohmann::ordered_json held = nlohmann::ordered_json::array();
  for (const ledger::SegmentsShown::Held& one : segments.held)
    held.push_back({{"by", one.by}, {"segments", one.count}});
  return {{"all", segments.all}, {"stored", segments.stored}, {"held", std::move(held)}};
}

nlohmann::ordered_json json_of(const ledger::LoadEntry& l) {
  nlohmann::ordered_json json{{"load", l.id.value},
                              {"state", l.state},
                              {"running", l.is_running},
                              {"given_up", l.is_given_up()},
                              {"staged", l.staged},
                              {"prepared", l.prepared},
                              {"source", l.source},
                              {"source_path", l.source_path},
                              {"source_bytes", nullptr},
                              {"table", l.target},
                              {"started_at", l.started_at},
                              {"finished_at", nullptr},
                              {"runs", l.runs},
                              {"seconds", l.seconds},
                              {"chunk_bytes", l.chunk_bytes},
                              {"segment_bytes", nullptr},
                              {"chunks", l.totals.chunks},
                              {"bytes", l.totals.bytes},
                              {"records_read", l.totals.records_read},
                              {"rows_stored", l.totals.counts.rows_stored},
                              {"rows_updated", l.totals.counts.rows_updated},
                              {"rows_unchanged", l.totals.counts.rows_unchanged},
                              {"rows_rejected", l.totals.rows_rejected},
                              {"rows_skipped", l.totals.counts.rows_skipped},
                              {"rows_filtered", l.totals.counts.rows_filtered},
                              {"rows_deleted", l.totals.rows_deleted},
                              {"rows_undone", l.rows_undone},
                              {"options", json_of_options(l.options)}};
  if (!l.damage.empty()) json["damage"] = l.damage;
  if (l.source_bytes) json["source_bytes"] = *l.source_bytes;
  if (!l.limited_by.empty())
    json["limited_by"] = {{"limit", l.limited_by}, {"share", l.limited_share}};
  if (l.segment_bytes > 0) json["segment_bytes"] = l.segment_bytes;
  if (!l.rejects_path.empty()) json["rejects_path"] = l.rejects_path;
  if (!l.finished_at.empty()) json["finished_at"] = l.finished_at;
  return json;
}

}  // namespace sluice::report
