#include "ledger/load_row.hpp"

namespace sluice::ledger {
namespace {

/// In `entry_columns` stand those of `chunk_sums`, in their order.
consteval bool has_sums() {
  return entry_columns["bytes"] - entry_columns["chunks"] == chunk_sums["bytes"] &&
         entry_columns["records_read"] - entry_columns["chunks"] == chunk_sums["records_read"] &&
         entry_columns["rows_stored"] - entry_columns["chunks"] == chunk_sums["rows_stored"] &&
         entry_columns["rows_updated"] - entry_columns["chunks"] == chunk_sums["rows_updated"] &&
         entry_columns["rows_unchanged"] - entry_columns["chunks"] ==
             chunk_sums["rows_unchanged"] &&
         entry_columns["rows_rejected"] - entry_columns["chunks"] == chunk_sums["rows_rejected"] &&
         entry_columns["rows_skipped"] - entry_columns["chunks"] == chunk_sums["rows_skipped"] &&
         entry_columns["rows_filtered"] - entry_columns["chunks"] == chunk_sums["rows_filtered"];
}
static_assert(has_sums());

}  // namespace

Sql select_loads(const Sql& which, const Sql& more) {
  return sql("select {}{} from pgsluice.loads l cross join lateral ({}) c {}", entry_columns.list(),
             more, sums_of_chunks(sql("l.load_id")), which);
}

LoadEntry read_load(const pg::Result& rows, std::size_t row) {
  static constexpr auto& at = entry_columns;
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  LoadEntry entry;
  entry.id = {rows.integer(row, at["load_id"])};
  const auto count = [&](int column, const char* name) {
    return read_count(rows, row, column, entry.id, name);
  };
  entry.state = text(at["state"]);
  entry.target = text(at["target"]);
  entry.target_oid = rows.oid(row, at["target_oid"]);
  entry.source = text(at["source"]);
  entry.source_path = text(at["source_path"]);
  if (!rows.is_null(row, at["source_bytes"]))
    entry.source_bytes = count(at["source_bytes"], "source_bytes");
  entry.source_stamp = text(at["source_stamp"]);
  entry.fingerprint = text(at["fingerprint"]);
  entry.options = text(at["options"]);
  entry.chunk_bytes = count(at["chunk_bytes"], "chunk_bytes");
  entry.record_bytes_max = count(at["record_bytes_max"], "record_bytes_max");
  entry.started_at = text(at["started_at"]);
  entry.finished_at = text(at["finished_at"]);
  entry.runs = rows.integer(row, at["runs"]);
  entry.seconds = rows.number(row, at["seconds"]);
  if (!(entry.seconds >= 0 && entry.seconds < static_cast<double>(largest_count)))
    throw damaged(entry.id, "seconds is " + text(at["seconds"]));
  entry.rejects_path = text(at["rejects_path"]);
  entry.staged = rows.boolean(row, at["staged"]);
  if (!rows.is_null(row, at["committing"])) entry.committing = rows.text(row, at["committing"]);
  entry.prepared = count(at["prepared"], "prepared transactions");
  entry.totals = read_totals(rows, row, at["chunks"], entry.id);
  entry.totals.rows_deleted = count(at["rows_deleted"], "rows_deleted");
  entry.rows_undone = count(at["rows_undone"], "rows_undone");
  entry.head = text(at["head"]);
  entry.limited_by = text(at["limited_by"]);
  entry.limited_share = rows.number(row, at["limited_share"]);
  if (!(entry.limited_share >= 0 && entry.limited_share <= 1))
    throw damaged(entry.id, "limited_share is " + text(at["limited_share"]));
  if (!rows.is_null(row, at["segment_bytes"]))
    entry.segment_bytes = count(at["segment_bytes"], "segment_bytes");
  entry.updates = rows.boolean(row, at["updates"]);
  if (!rows.is_null(row, at["behind_load"]))
    entry.behind_load = LoadId{rows.integer(row, at["behind_load"])};
  // So that chains of them end.
  if (entry.behind_load && entry.behind_load->value >= entry.id.value)
    throw damaged(entry.id, "behind_load is " + std::to_string(entry.behind_load->value));
  return entry;
}

LoadEntry read_damaged(const pg::Result& rows, std::size_t row, const Damaged& damage) {
  LoadEntry entry;
  entry.id = {rows.integer(row, entry_columns["load_id"])};
  entry.state = rows.text(row, entry_columns["state"]);
  entry.target = rows.text(row, entry_columns["target"]);
  entry.source = rows.text(row, entry_columns["source"]);
  entry.started_at = rows.text(row, entry_columns["started_at"]);
  entry.damage = damage.what();
  return entry;
}

Sql limit_statement(LoadId load, std::string_view limit, double share) {
  return sql("update pgsluice.loads set limited_by = {}, limited_share = {} where load_id = {}",
             literal(std::string(limit)), share, load.value);
}

}  // namespace sluice::ledger
