#include "ledger/stages.hpp"

#include <string>

namespace sluice::ledger {
namespace {

constexpr SqlWords in_own_schema =
    "c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and c.relkind = 'r' and "
    "c.relpersistence = 'u'";

constexpr SqlWords is_of_current_user =
    "c.relowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)";

/// Who has the owner's rights, as a superuser has everybody's.
constexpr SqlWords may_drop = "pg_catalog.pg_has_role(c.relowner, 'USAGE')";

std::string name_of(LoadId load) { return "stage_" + std::to_string(load.value); }

Sql has_name_of(LoadId load) {
  return sql("c.relname ~ {}", literal("^" + name_of(load) + "(_[0-9a-f]{8})?$"));
}

}  // namespace

Sql own_stage(LoadId load) {
  return sql(
      "(select pg_catalog.format('pgsluice.%I', c.relname) from pg_catalog.pg_class c where {} and "
      "{} and {} order by c.relname limit 1)",
      in_own_schema, is_of_current_user, has_name_of(load));
}

Sql stages_to_drop(LoadId load) {
  return sql(
      "(select pg_catalog.string_agg(pg_catalog.format('pgsluice.%I', c.relname), ', ' order by "
      "c.relname) from pg_catalog.pg_class c where {} and {} and {})",
      in_own_schema, may_drop, has_name_of(load));
}

Sql stages_of_others(LoadId load) {
  return sql(
      "(select pg_catalog.string_agg(pg_catalog.format('pgsluice.%I (of role %I)', c.relname, "
      "pg_catalog.pg_get_userbyid(c.relowner)), ', ' order by c.relname) from pg_catalog.pg_class "
      "c where {} and not {} and {})",
      in_own_schema, may_drop, has_name_of(load));
}

// A type has the name of its table, so that one keeps the other away.
Sql free_stage_name(LoadId load) {
  const Literal name = literal(name_of(load));
  return sql(
      "(select 'pgsluice.' || case when exists (select from pg_catalog.pg_class c where "
      "c.relnamespace = pg_catalog.to_regnamespace('pgsluice') and c.relname = {}) or exists "
      "(select from pg_catalog.pg_type t where t.typnamespace = "
      "pg_catalog.to_regnamespace('pgsluice') and t.typname = {}) then {} || '_' || "
      "pg_catalog.left(pg_catalog.md5(pg_catalog.random()::text || "
      "pg_catalog.clock_timestamp()::text), 8) else {} end)",
      name, name, name, name);
}

// Somebody else's stage stays, and is his to drop.
Sql drop_stale_stages_statement() {
  return sql(
      "do $$ declare stage pg_catalog.name; begin for stage in select c.relname from "
      "pg_catalog.pg_class c where {} and {} and c.relname ~ "
      "'^stage_[0-9]{1,18}(_[0-9a-f]{8})?$' and not exists (select from pgsluice.loads l where "
      "l.state = 'unfinished' and l.staged and l.load_id = "
      "pg_catalog.substring(c.relname::text, '^stage_([0-9]{1,18})')::bigint) loop execute "
      "pg_catalog.format('drop table if exists pgsluice.%I', stage); end loop; end $$; ",
      in_own_schema, is_of_current_user);
}

}  // namespace sluice::ledger
