#include "ledger/stages.hpp"

#include "base/identifier.hpp"

namespace sluice::ledger {
namespace {

constexpr const char* in_own_schema =
    "c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and c.relkind = 'r' and "
    "c.relpersistence = 'u'";

constexpr const char* is_of_current_user =
    "c.relowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)";

/// Who has the owner's rights, as a superuser has everybody's.
constexpr const char* may_drop = "pg_catalog.pg_has_role(c.relowner, 'USAGE')";

std::string name_of(LoadId load) { return "stage_" + std::to_string(load.value); }

std::string has_name_of(LoadId load) {
  return "c.relname ~ " + quote_literal("^" + name_of(load) + "(_[0-9a-f]{8})?$");
}

}  // namespace

std::string own_stage(LoadId load) {
  return std::string(
             "(select pg_catalog.format('pgsluice.%I', c.relname) from pg_catalog.pg_class "
             "c where ") +
         in_own_schema + " and " + is_of_current_user + " and " + has_name_of(load) +
         " order by c.relname limit 1)";
}

std::string stages_to_drop(LoadId load) {
  return std::string(
             "(select pg_catalog.string_agg(pg_catalog.format('pgsluice.%I', c.relname), ', ' "
             "order by c.relname) from pg_catalog.pg_class c where ") +
         in_own_schema + " and " + may_drop + " and " + has_name_of(load) + ")";
}

std::string stages_of_others(LoadId load) {
  return std::string(
             "(select pg_catalog.string_agg(pg_catalog.format('pgsluice.%I (of role %I)', "
             "c.relname, pg_catalog.pg_get_userbyid(c.relowner)), ', ' order by c.relname) from "
             "pg_catalog.pg_class c where ") +
         in_own_schema + " and not " + may_drop + " and " + has_name_of(load) + ")";
}

// A type has the name of its table, so that one keeps the other away.
std::string free_stage_name(LoadId load) {
  const std::string name = quote_literal(name_of(load));
  return "(select 'pgsluice.' || case when exists (select from pg_catalog.pg_class c where "
         "c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and c.relname = " +
         name +
         ") or exists (select from pg_catalog.pg_type t where t.typnamespace = "
         "pg_catalog.to_regnamespace('pgsluice') and t.typname = " +
         name + ") then " + name +
         " || '_' || pg_catalog.left(pg_catalog.md5(pg_catalog.random()::text || "
         "pg_catalog.clock_timestamp()::text), 8) else " +
         name + " end)";
}

// Somebody else's stage stays, and is his to drop.
std::string drop_stale_stages_statement() {
  return std::string(
             "do $$ declare stage pg_catalog.name; begin for stage in select c.relname from "
             "pg_catalog.pg_class c where ") +
         in_own_schema + " and " + is_of_current_user +
         " and c.relname ~ '^stage_[0-9]{1,18}(_[0-9a-f]{8})?$' and not exists (select from "
         "pgsluice.loads l where l.state = 'unfinished' and l.staged and l.load_id = "
         "pg_catalog.substring(c.relname::text, '^stage_([0-9]{1,18})')::bigint) loop execute "
         "pg_catalog.format('drop table if exists pgsluice.%I', stage); end loop; end $$; ";
}

}  // namespace sluice::ledger
