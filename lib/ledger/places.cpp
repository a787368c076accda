#include "ledger/places.hpp"

#include "base/identifier.hpp"

namespace sluice::ledger {
namespace {

constexpr const char* ledger_oid = "'pgsluice.loads'::regclass::oid";

std::string place_of(const NewLoad& like) {
  return std::string("(") + ledger_oid + ", " + quote_literal(like.origin) + ", " +
         std::to_string(like.target_oid) + "::oid)";
}

/// Of loads as l that count and have the table's name.
std::string has_name_of(const NewLoad& like) {
  return "l.state <> 'void' and l.target = " + quote_literal(like.target);
}

}  // namespace

std::string is_here(const std::string& load, const std::string& origin) {
  return load + ".ledger_oid = " + ledger_oid + " and " + load + ".origin in ('', " +
         quote_literal(origin) + ")";
}

// Oids are drawn from one counter; that it comes round is less likely than a table made anew.
std::string was_restored_with(const std::string& load, const NewLoad& like) {
  const std::string oid = std::to_string(like.target_oid);
  return std::string("(") + load + ".ledger_oid = " + ledger_oid + " and " + load +
         ".target_oid = " + oid + " or " + oid +
         "::oid < coalesce(to_regclass('pgsluice.loads_pkey')::oid, 0))";
}

// Two ranges of loads_place_idx, and not all loads of the table.
std::string has_other_places(const NewLoad& like) {
  const auto any = [&like](const char* compared) {
    return "exists (select from pgsluice.loads l where " + has_name_of(like) +
           " and (l.ledger_oid, l.origin, l.target_oid) " + compared + " " + place_of(like) + ")";
  };
  return "(" + any("<") + " or " + any(">") + ")";
}

// The scan ends at the first part that has a page.
std::string has_no_pages(std::uint32_t table) {
  return "not exists (with recursive parts (oid) as (select " + std::to_string(table) +
         "::oid union all select i.inhrelid from parts join pg_catalog.pg_inherits i on "
         "i.inhparent = "
         "parts.oid) select from parts left join pg_catalog.pg_class c on c.oid = parts.oid where "
         "case "
         "c.relkind when 'p' then false when 'r' then pg_catalog.pg_relation_size(c.oid) > 0 else "
         "true end)";
}

std::string has_loads_with_rows(const NewLoad& like) {
  return "exists (select from pgsluice.loads l where l.state <> 'void' and l.rows_stored > 0 and "
         "l.target_oid = " +
         std::to_string(like.target_oid) + " and " + is_here("l", like.origin) + ")";
}

std::string void_if_empty_statement(const NewLoad& like, const std::string& is_empty) {
  return "update pgsluice.loads l set state = 'void' where l.state <> 'void' and l.target_oid = "
         "any "
         "(array(with recursive below (oid) as (select " +
         std::to_string(like.target_oid) +
         "::oid union select i.inhrelid from below join pg_catalog.pg_inherits i on i.inhparent = "
         "below.oid) "
         "select oid from below)) and " +
         is_here("l", like.origin) +
         " and case when l.state = 'finished' then l.rows_stored + l.rows_updated + "
         "l.rows_unchanged > 0 else not l.staged and exists (select from pgsluice.chunks n where "
         "n.load_id = l.load_id and n.rows_stored + n.rows_updated + n.rows_unchanged > 0) end and "
         "pgsluice.may_write_of(l.load_id) and " +
         is_empty + "; ";
}

std::string leave_name_statements(const NewLoad& like) {
  const std::string oid = std::to_string(like.target_oid);
  const std::string here = is_here("l", like.origin);
  return "update pgsluice.loads l set target = n.nspname || '.' || c.relname from "
         "pg_catalog.pg_class c join "
         "pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = l.target_oid and " +
         has_name_of(like) + " and " + here + " and l.target_oid <> " + oid +
         "; update pgsluice.loads l set state = 'void' where " + has_name_of(like) + " and not (" +
         here + " and exists (select from pg_catalog.pg_class c where c.oid = l.target_oid)); ";
}

std::string adopt_statements(const NewLoad& like) {
  const std::string oid = std::to_string(like.target_oid);
  return std::string("update pgsluice.loads l set ledger_oid = ") + ledger_oid +
         ", origin = " + quote_literal(like.origin) + ", target_oid = " + oid + " where " +
         has_name_of(like) + " and (l.ledger_oid, l.origin, l.target_oid) <> " + place_of(like) +
         " and case when " + is_here("l", like.origin) + " then l.target_oid = " + oid + " else " +
         was_restored_with("l", like) + " end; ";
}

}  // namespace sluice::ledger
