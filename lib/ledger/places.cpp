#include "ledger/places.hpp"

namespace sluice::ledger {
namespace {

constexpr SqlWords ledger_oid = "'pgsluice.loads'::regclass::oid";

Sql place_of(const NewLoad& like) {
  return sql("({}, {}, {}::oid)", ledger_oid, literal(like.origin), like.target_oid);
}

/// Of loads as l that count and have the table's name.
Sql has_name_of(const NewLoad& like) {
  return sql("l.state <> 'void' and l.target = {}", literal(like.target));
}

/// The table and what is below it, for "with recursive".
Sql below(const NewLoad& like) {
  return sql(
      "below (oid) as (select {}::oid union select i.inhrelid from below join "
      "pg_catalog.pg_inherits i on i.inhparent = below.oid)",
      like.target_oid);
}

}  // namespace

Sql is_here(const Sql& load, const std::string& origin) {
  return sql("{}.ledger_oid = {} and {}.origin in ('', {})", load, ledger_oid, load,
             literal(origin));
}

Sql was_restored_with(const Sql& load, const NewLoad& like) {
  return sql(
      "({}.ledger_oid = {} and {}.target_oid = {} or {}::oid < "
      "coalesce(to_regclass('pgsluice.loads_pkey')::oid, 0))",
      load, ledger_oid, load, like.target_oid, like.target_oid);
}

// Two ranges of loads_place_idx, and not all loads of the table.
Sql has_other_places(const NewLoad& like) {
  const auto any = [&like](SqlWords compared) {
    return sql(
        "exists (select from pgsluice.loads l where {} and (l.ledger_oid, l.origin, l.target_oid) "
        "{} {})",
        has_name_of(like), compared, place_of(like));
  };
  return sql("({} or {})", any("<"), any(">"));
}

// The scan ends at the first part that has a page.
Sql has_no_pages(std::uint32_t table) {
  return sql(
      "not exists (with recursive parts (oid) as (select {}::oid union all select i.inhrelid from "
      "parts join pg_catalog.pg_inherits i on i.inhparent = parts.oid) select from parts left join "
      "pg_catalog.pg_class c on c.oid = parts.oid where case c.relkind when 'p' then false when "
      "'r' then pg_catalog.pg_relation_size(c.oid) > 0 else true end)",
      table);
}

Sql has_loads_with_rows(const NewLoad& like) {
  return sql(
      "exists (select from pgsluice.loads l where l.state <> 'void' and l.rows_stored > 0 and "
      "l.target_oid = {} and {})",
      like.target_oid, is_here(as_l, like.origin));
}

Sql void_if_empty_statement(const NewLoad& like, const Sql& is_empty) {
  // By steps into an index, as in empties_table_statement().
  return sql(
      "update pgsluice.loads l set state = 'void' where l.state <> 'void' and l.load_id = any "
      "(array(with recursive {} select l.load_id from below t cross join lateral (select l.load_id "
      "from pgsluice.loads l where l.target_oid between t.oid and t.oid and l.state <> 'void' and "
      "{} offset 0) l)) "
      "and case when l.state = 'finished' "
      "then l.rows_stored + l.rows_updated + l.rows_unchanged > 0 else not l.staged and exists "
      "(select from pgsluice.chunks n where n.load_id = l.load_id and n.rows_stored + "
      "n.rows_updated + n.rows_unchanged > 0) end and pgsluice.may_write_of(l.load_id) and {}; ",
      below(like), is_here(as_l, like.origin), is_empty);
}

Sql leave_name_statements(const NewLoad& like) {
  const Sql here = is_here(as_l, like.origin);
  return sql(
      "update pgsluice.loads l set target = n.nspname || '.' || c.relname from pg_catalog.pg_class "
      "c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = l.target_oid and "
      "{} and {} and l.target_oid <> {}; update pgsluice.loads l set state = 'void' where {} and "
      "not ({} and exists (select from pg_catalog.pg_class c where c.oid = l.target_oid)); ",
      has_name_of(like), here, like.target_oid, has_name_of(like), here);
}

Sql adopt_statements(const NewLoad& like) {
  return sql(
      "update pgsluice.loads l set ledger_oid = {}, origin = {}, target_oid = {} where {} and "
      "(l.ledger_oid, l.origin, l.target_oid) <> {} and case when {} then l.target_oid = {} else "
      "{} end; ",
      ledger_oid, literal(like.origin), like.target_oid, has_name_of(like), place_of(like),
      is_here(as_l, like.origin), like.target_oid, was_restored_with(as_l, like));
}

}  // namespace sluice::ledger
