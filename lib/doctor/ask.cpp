#include "doctor/ask.hpp"

#include <sys/statvfs.h>

#include <charconv>
#include <chrono>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/sql_state.hpp"
#include "ledger/ledger.hpp"
#include "ledger/loads.hpp"
#include "ledger/prepared.hpp"
#include "pg/batch.hpp"

namespace sluice::doctor {
namespace {

/// So many of the newest loads are looked at.
constexpr std::size_t loads_seen = 1000;

constexpr auto server_columns = columns_of({
    {"user", "current_user"},
    {"database", "pg_catalog.current_database()"},
    {"address", "pg_catalog.host(pg_catalog.inet_server_addr())"},
    {"port", "coalesce(pg_catalog.inet_server_port()::text, pg_catalog.current_setting('port'))"},
    {"is_own_address",
     "coalesce(pg_catalog.inet_server_addr() = pg_catalog.inet_client_addr(), true)"},
    {"is_encrypted",
     "coalesce((select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()), "
     "false)"},
    {"now", "extract(epoch from pg_catalog.clock_timestamp())"},
    {"version", "pg_catalog.current_setting('server_version')"},
    {"version_number", "pg_catalog.current_setting('server_version_num')::int"},
    {"is_standby", "pg_catalog.pg_is_in_recovery()"},
    {"may_create", "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')"},
    // Who may not see the sessions of others may see how many there are.
    {"connections",
     "(select coalesce(sum(numbackends), 0)::int8 from pg_catalog.pg_stat_database)"},
    {"role_max",
     "coalesce((select rolconnlimit from pg_catalog.pg_roles where rolname = current_user), -1)"},
    {"database_max",
     "(select datconnlimit from pg_catalog.pg_database where datname = "
     "pg_catalog.current_database())"},
    {"bytes", "pg_catalog.pg_database_size(pg_catalog.current_database())"},
    {"archive_fails",
     "coalesce((select last_failed_time > coalesce(last_archived_time, '-infinity') from "
     "pg_catalog.pg_stat_archiver), false)"},
    {"idle_slots", "(select count(*) from pg_catalog.pg_replication_slots where not active)"},
    // current_setting() would refuse it to most users.
    {"data", "(select setting from pg_catalog.pg_settings where name = 'data_directory')"},
});

/// What a settings's name may be; unknown ones have no row.
constexpr SqlWords settings_query =
    "select name, setting, coalesce(unit, '') from pg_catalog.pg_settings where name in "
    "('max_wal_size', 'shared_buffers', 'log_statement', 'log_min_duration_statement', "
    "'synchronous_standby_names', 'synchronous_commit', 'fsync', 'full_page_writes', 'autovacuum', "
    "'default_transaction_read_only', 'statement_timeout', 'transaction_timeout', "
    "'max_connections', 'superuser_reserved_connections', 'reserved_connections')";

double number_of(const std::string& text) {
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

double own_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

void read_server(const pg::Result& rows, ServerFacts& server) {
  const auto text = [&rows](int column) { return std::string(rows.text_or(0, column, "")); };
  constexpr const auto& c = server_columns;
  server.user = text(c["user"]);
  server.database = text(c["database"]);
  const std::string address = text(c["address"]);
  server.is_local = rows.boolean(0, c["is_own_address"]);
  server.address =
      (address.empty() ? "a socket of this machine, port " : address + ":") + text(c["port"]);
  server.is_encrypted = rows.boolean(0, c["is_encrypted"]);
  server.version = text(c["version"]);
  server.version_number = rows.integer_32(0, c["version_number"]);
  server.is_standby = rows.boolean(0, c["is_standby"]);
  server.may_create_schema = rows.boolean(0, c["may_create"]);
  server.connections = rows.integer(0, c["connections"]);
  server.role_connections_max = rows.integer(0, c["role_max"]);
  server.database_connections_max = rows.integer(0, c["database_max"]);
  server.database_bytes = rows.count(0, c["bytes"]);
  server.archive_fails = rows.boolean(0, c["archive_fails"]);
  server.idle_slots = rows.integer(0, c["idle_slots"]);
}

asio::awaitable<void> ask_server(pg::Connection& on, ServerFacts& server) {
  // The catalogs that a session reads first take longer than a round trip.
  co_await on.query("select 1");
  const auto begin = async::Clock::now();
  co_await on.query("select 1");
  server.round_trip_seconds = std::chrono::duration<double>(async::Clock::now() - begin).count();
  pg::Batch batch;
  const auto facts = batch.add(sql("select {}", server_columns.list()));
  const auto settings = batch.add(settings_query);
  const double before = own_time();
  const pg::Results results = co_await on.query(batch.text());
  const double middle = (before + own_time()) / 2;
  const pg::Result& rows = batch.answer(results, facts);
  read_server(rows, server);
  server.clock_ahead_seconds = rows.number(0, server_columns["now"]) - middle;
  if (server.is_local && !rows.is_null(0, server_columns["data"]))
    server.disk_free = free_bytes(std::string(rows.text(0, server_columns["data"])));
  const pg::Result& found = batch.answer(results, settings);
  for (std::size_t row = 0; row < found.rows(); ++row) {
    const std::string text(found.text(row, 1));
    server.settings[std::string(found.text(row, 0))] = {
        .value = number_of(text), .text = text, .unit = std::string(found.text(row, 2))};
  }
}

constexpr auto table_columns = columns_of({
    {"kind", "c.relkind"},
    {"schema", "n.nspname"},
    {"insert", "pg_catalog.has_table_privilege(c.oid, 'insert')"},
    {"select", "pg_catalog.has_table_privilege(c.oid, 'select')"},
    {"update", "pg_catalog.has_table_privilege(c.oid, 'update')"},
    {"truncate", "pg_catalog.has_table_privilege(c.oid, 'truncate')"},
    {"use", "pg_catalog.has_schema_privilege(n.oid, 'usage')"},
    {"is_owner", "pg_catalog.pg_has_role(c.relowner, 'usage')"},
    {"is_unlogged", "c.relpersistence = 'u'"},
    {"filters", "pg_catalog.row_security_active(c.oid)"},
    {"indexes",
     "(select count(*) from pg_catalog.pg_index i where i.indrelid = c.oid and not i.indisunique "
     "and not i.indisexclusion)"},
    {"foreign_keys",
     "(select count(*) from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = "
     "'f')"},
});

asio::awaitable<std::optional<std::uint32_t>> find_table(pg::Connection& on,
                                                         const std::string& name) {
  // From 17 on to_regclass() gives NULL for what is no name, too.
  const pg::Results found = co_await on.query_in_user_path(
      sql("select pg_catalog.to_regclass({})::pg_catalog.oid, "
          "pg_catalog.cardinality(pg_catalog.parse_ident({})) operator(pg_catalog.>) 3",
          literal(name), literal(name)));
  if (found.back().boolean(0, 1))
    throw Failure(FailureKind::usage, "--table " + name + ": too many names with dots between");
  if (found.back().is_null(0, 0)) co_return std::nullopt;
  co_return found.back().oid(0, 0);
}

asio::awaitable<TableFacts> ask_table(pg::Connection& on, std::string name) {
  TableFacts table{.name = name, .row_triggers = {}};
  std::optional<pg::PgError> refused;
  std::optional<std::uint32_t> oid;
  try {
    oid = co_await find_table(on, name);
  } catch (const pg::PgError& error) {
    if (!error.session_goes_on) throw;
    refused = error;
  }
  if (refused && refused->state == sql_state::insufficient_privilege) co_return table;
  if (refused) throw Failure(FailureKind::usage, "--table " + name + ": " + refused->message);
  if (!oid) co_return table;
  pg::Batch batch;
  const auto facts = batch.add(
      sql("select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
          "c.relnamespace where c.oid = {}",
          table_columns.list(), *oid));
  // 1: for each row; O and A: it fires for us.
  const auto triggers = batch.add(
      sql("select tgname from pg_catalog.pg_trigger where tgrelid = {} and not tgisinternal and "
          "tgtype & 1 = 1 and tgtype & 4 = 4 and tgenabled in ('O', 'A') order by 1",
          *oid));
  const pg::Results results = co_await on.query(batch.text());
  const pg::Result& rows = batch.answer(results, facts);
  if (rows.rows() == 0) co_return table;
  constexpr const auto& c = table_columns;
  table.is_there = true;
  table.kind = rows.character(0, c["kind"]);
  table.schema = std::string(rows.text(0, c["schema"]));
  table.may_insert = rows.boolean(0, c["insert"]);
  table.may_select = rows.boolean(0, c["select"]);
  table.may_update = rows.boolean(0, c["update"]);
  table.may_truncate = rows.boolean(0, c["truncate"]);
  table.may_use_schema = rows.boolean(0, c["use"]);
  table.is_owner = rows.boolean(0, c["is_owner"]);
  table.is_unlogged = rows.boolean(0, c["is_unlogged"]);
  table.filters_rows = rows.boolean(0, c["filters"]);
  table.indexes = rows.integer(0, c["indexes"]);
  table.foreign_keys = rows.integer(0, c["foreign_keys"]);
  const pg::Result& names = batch.answer(results, triggers);
  for (std::size_t row = 0; row < names.rows(); ++row)
    table.row_triggers.emplace_back(names.text(row, 0));
  co_return table;
}

asio::awaitable<void> read_ledger(pg::Connection& on, LedgerFacts& ledger) {
  ledger.is_there = co_await ledger::is_readable(on, ledger::Use::read_loads);
  if (!ledger.is_there) co_return;
  ledger.is_complete = co_await ledger::ask(on, ledger::Use::load) == ledger::State::complete;
  ledger::LoadsFilter filter{.count_max = loads_seen};
  for (const ledger::LoadEntry& load : co_await ledger::list_loads(on, std::move(filter))) {
    if (!load.damage.empty()) {
      ledger.damaged.push_back(load.id.value);
    } else if (load.is_left() && !load.is_given_up() && load.state != "void") {
      ledger.unfinished.push_back(load.id.value);
    }
  }
  for (const LoadId load : co_await ledger::left_prepared(on))
    ledger.prepared.push_back(load.value);
  const pg::Results missing =
      co_await on.query(sql("select distinct load_id from pgsluice.deferred_indexes order by 1"));
  for (std::size_t row = 0; row < missing.back().rows(); ++row)
    ledger.without_indexes.push_back(missing.back().integer(row, 0));
}

asio::awaitable<LedgerFacts> ask_ledger(pg::Connection& on) {
  LedgerFacts ledger;
  try {
    co_await read_ledger(on, ledger);
  } catch (const Failure& failure) {
    ledger.defect = failure.what();
  } catch (const pg::PgError& error) {
    if (!error.session_goes_on) throw;
    ledger.defect = error.message;
  }
  co_return ledger;
}

}  // namespace

std::optional<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs status{};
  if (path.empty() || ::statvfs(path.c_str(), &status) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

asio::awaitable<Facts> ask(pg::Connection& on, std::string table) {
  Facts facts;
  co_await ask_server(on, facts.server);
  if (!table.empty()) facts.table = co_await ask_table(on, std::move(table));
  facts.ledger = co_await ask_ledger(on);
  facts.rejects_free = free_bytes(".");
  co_return facts;
}

}  // namespace sluice::doctor
