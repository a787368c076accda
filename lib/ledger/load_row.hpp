#pragma once

#include "base/columns.hpp"
#include "base/sql.hpp"
#include "ledger/damaged.hpp"
#include "ledger/loads.hpp"

namespace sluice::ledger {

/// Of a load that is not over the sums come from its chunks, so that it shows what it has stored.
inline constexpr auto entry_columns = columns_of({
    {"load_id", "l.load_id"},
    {"state", "l.state"},
    {"target", "l.target"},
    {"target_oid", "l.target_oid::bigint"},
    {"source", "l.source"},
    {"source_path", "l.source_path"},
    {"source_bytes", "l.source_bytes"},
    {"source_stamp", "l.source_stamp"},
    {"fingerprint", "l.fingerprint"},
    {"options", "l.options"},
    {"chunk_bytes", "l.chunk_bytes"},
    {"record_bytes_max", "l.record_bytes_max"},
    {"started_at",
     "coalesce(to_char(l.started_at, 'YYYY-MM-DD HH24:MI:SSOF'), l.started_at::text)"},
    {"finished_at",
     "coalesce(to_char(l.finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), l.finished_at::text, '')"},
    {"runs", "l.runs"},
    {"seconds", "l.seconds"},
    {"rejects_path", "l.rejects_path"},
    {"staged", "l.staged"},
    {"committing", "l.committing"},
    {"prepared",
     "case when l.committing is null then 0 else (select count(*) from "
     "pg_catalog.pg_prepared_xacts x where x.database = current_database() and "
     "starts_with(x.gid, 'pgsluice ' || (select oid from pg_catalog.pg_database where datname = "
     "current_database()) || ' load ' || l.load_id || ' ')) "
     "end"},
    {"chunks", "c.chunks"},
    {"bytes", "c.bytes"},
    {"records_read", "c.records_read"},
    {"rows_stored", "case when l.finished_at is null then c.rows_stored else l.rows_stored end"},
    {"rows_updated", "case when l.finished_at is null then c.rows_updated else l.rows_updated end"},
    {"rows_unchanged",
     "case when l.finished_at is null then c.rows_unchanged else l.rows_unchanged end"},
    {"rows_rejected", "c.rows_rejected"},
    {"rows_skipped", "case when l.finished_at is null then c.rows_skipped else l.rows_skipped end"},
    {"rows_filtered",
     "case when l.finished_at is null then c.rows_filtered else l.rows_filtered end"},
    {"head", "l.head"},
    {"updates", "l.updates"},
    {"behind_load", "l.behind_load"},
    {"rows_deleted", "l.rows_deleted"},
    {"rows_undone", "l.rows_undone"},
    {"segment_bytes", "l.segment_bytes"},
    {"limited_by", "coalesce(l.limited_by, '')"},
    {"limited_share", "coalesce(l.limited_share, 0)"},
});

/// A query of loads, as l. `more` are columns behind `entry_columns`, each with ", " in front of
/// it.
Sql select_loads(const Sql& which, const Sql& more = {});

/// Throws Damaged.
LoadEntry read_load(const pg::Result& rows, std::size_t row);

/// ... of a row that is damaged: what every row has, as texts.
LoadEntry read_damaged(const pg::Result& rows, std::size_t row, const Damaged& damage);

/// What its last run waited for most, for such a part of the time.
Sql limit_statement(LoadId load, std::string_view limit, double share);

}  // namespace sluice::ledger
