#include "writer/indexes.hpp"

#include <map>
#include <string_view>

#include "base/columns.hpp"
#include "pg/batch.hpp"
#include "writer/index_doubt.hpp"

namespace sluice::writer {
namespace {

/// Whoever builds an index again does it with the rights of the table's owner, so these must do.
/// The holes are how this server calls the right to become a role.
constexpr auto index_columns = columns_of({
    {"id", "i.indexrelid::int8"},
    {"index_name", "format('%I.%I', n.nspname, c.relname)"},
    {"name", "c.relname"},
    {"target_schema", "n.nspname"},
    {"target_name", "t.relname"},
    {"statement", "pg_catalog.pg_get_indexdef(c.oid)"},
    {"tablespace", "coalesce(s.spcname, '')"},
    {"statistics", R"(
  coalesce((select string_agg(a.attnum || ':' || a.attstattarget, ' ' order by a.attnum) from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attstattarget >= 0), ''))"},
    {"extensions", R"(
  array(select e.extname from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
      where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.objsubid = 0
        and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'x')::text)"},
    {"description", "obj_description(c.oid, 'pg_class')"},
    {"is_clustered", "i.indisclustered"},
    {"method", "m.amname"},
    {"block_bytes", "current_setting('block_size')"},
    {"can_be_built_again", R"(
  pg_catalog.pg_has_role(t.relowner, {}) and has_schema_privilege(t.relowner, n.oid, 'create') and
    (s.oid is null or has_tablespace_privilege(t.relowner, s.oid, 'create')) and
    (pg_catalog.pg_has_role(t.relowner, session_user, 'usage') or has_database_privilege(t.relowner, current_database(), 'temporary')))"},
    {"is_calm", R"(
  not exists (select from used_nodes u where u.indexrelid = i.indexrelid and not u.is_calm))"},
    {"owner_elsewhere", R"(
  case when not pg_catalog.pg_has_role(t.relowner, {}) then pg_catalog.pg_get_userbyid(t.relowner) else '' end)"},
});

// What the trees of expressions and predicates consist of. Names of nodes stand behind braces, and
// the functions of operators are written down; texts of the user are written as numbers of bytes.
// Calm functions fail for no value: those that the server itself calls leakproof, what B-trees
// compare with (but for containers, whose elements may have no order), and a few more.
Sql used_nodes(std::uint32_t table) {
  return sql(R"(
used_nodes as (
  select i.indexrelid, f[1] is not null and f[1] in ('VAR', 'CONST', 'FUNCEXPR', 'OPEXPR', 'SCALARARRAYOPEXPR',
      'DISTINCTEXPR', 'BOOLEXPR', 'NULLTEST', 'BOOLEANTEST', 'RELABELTYPE', 'ARRAYEXPR', 'ARRAY')
    or f[2] is not null and exists (select from pg_catalog.pg_proc p where p.oid = f[2]::oid and p.oid < 16384 and (p.proleakproof
      or p.oid in ('lower(text)'::regprocedure, 'upper(text)'::regprocedure, 'date(timestamp)'::regprocedure,
        'int8(int4)'::regprocedure, 'int8(int2)'::regprocedure, 'int4(int2)'::regprocedure,
        'numeric(int4)'::regprocedure, 'numeric(int8)'::regprocedure, 'float8(int4)'::regprocedure)
      or exists (select from pg_catalog.pg_operator o join pg_catalog.pg_amop a on a.amopopr = o.oid
        join pg_catalog.pg_type l on l.oid = o.oprleft join pg_catalog.pg_type r on r.oid = o.oprright
        where o.oprcode = p.oid and a.amopmethod = 403 and o.oid < 16384 and l.typtype = 'b' and r.typtype = 'b')))
    as is_calm
  from pg_catalog.pg_index i, regexp_matches(coalesce(i.indexprs::text, '') || coalesce(i.indpred::text, ''),
    '\{([A-Z_]+)|:(?:opfuncid|funcid) ([0-9]+)', 'g') f
  where i.indrelid = {}))",
             table);
}

Sql indexes_query(std::uint32_t table, const Sql& set) {
  return sql(R"(with {}
select {}
from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace join pg_catalog.pg_am m on m.oid = c.relam
left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
where i.indrelid = {} and i.indisvalid and not i.indisunique and not i.indisprimary and not i.indisexclusion
  and not i.indisreplident and not exists (select from pg_catalog.pg_inherits where inhrelid = c.oid)
order by c.relname)",
             used_nodes(table), index_columns.list(set, set), table);
}

constexpr auto node_columns = columns_of({
    {"index", "i.indexrelid::int8"},
    {"type", "b.id::int8"},
    {"kind", "y.typtype"},
    {"length", "y.typlen"},
    {"modifier", "b.modifier"},
    {"opclass", "coalesce(o.opcname, '')"},
    {"opclass_is_known", R"(
  coalesce(o.opcnamespace = 'pg_catalog'::regnamespace or exists (select from pg_catalog.pg_depend d
    join pg_catalog.pg_extension e on e.oid = d.refobjid where d.classid = 'pg_catalog.pg_opclass'::regclass and d.objid = o.oid
      and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e' and e.extname = 'pg_trgm'), false))"},
    {"is_expression", "i.indkey[k - 1] = 0"},
    {"is_generated", "coalesce(u.attgenerated, '') <> ''"},
    {"column", "v.attname"},
});

Sql columns_query(std::uint32_t table) {
  return sql(R"(
select {}
from pg_catalog.pg_index i cross join lateral generate_series(1, i.indnatts) k
left join pg_catalog.pg_attribute u on u.attrelid = i.indrelid and u.attnum = i.indkey[k - 1] and u.attnum <> 0
join pg_catalog.pg_attribute a on a.attrelid = i.indexrelid and a.attnum = k
cross join lateral (
  with recursive base (id, modifier) as (
    select coalesce(u.atttypid, a.atttypid), coalesce(u.atttypmod, a.atttypmod)
    union all select y.typbasetype, y.typtypmod from base join pg_catalog.pg_type y on y.oid = base.id where y.typtype = 'd')
  select base.* from base join pg_catalog.pg_type y on y.oid = base.id where y.typtype <> 'd') b
join pg_catalog.pg_type y on y.oid = b.id
left join pg_catalog.pg_opclass o on o.oid = case when k <= i.indnkeyatts then i.indclass[k - 1] end
left join pg_catalog.pg_attribute v on v.attrelid = i.indrelid and v.attnum <> 0 and (v.attnum = i.indkey[k - 1]
  or i.indkey[k - 1] = 0 and v.attnum in (select n[1]::int2
    from regexp_matches(i.indexprs::text, ':varattno (-?[0-9]+)', 'g') n))
where i.indrelid = {}
order by i.indexrelid, k)",
             node_columns.list(), table);
}

using ColumnsOfIndexes = std::map<std::int64_t, std::vector<IndexColumn>>;

/// A column of an index has a row for each column of the table that is in it.
ColumnsOfIndexes read_columns(const pg::Result& rows) {
  static constexpr auto& at = node_columns;
  ColumnsOfIndexes indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    IndexColumn column{.type = static_cast<std::uint32_t>(rows.integer(row, at["type"])),
                       .kind = rows.text(row, at["kind"]).front(),
                       .length = static_cast<std::int32_t>(rows.integer(row, at["length"])),
                       .modifier = static_cast<std::int32_t>(rows.integer(row, at["modifier"])),
                       .opclass = std::string(rows.text(row, at["opclass"])),
                       .opclass_is_known = rows.boolean(row, at["opclass_is_known"]),
                       .is_expression = rows.boolean(row, at["is_expression"]),
                       .is_generated = rows.boolean(row, at["is_generated"]),
                       .columns = {}};
    if (!rows.is_null(row, at["column"])) column.columns.emplace_back(rows.text(row, at["column"]));
    indexes[rows.integer(row, at["index"])].push_back(std::move(column));
  }
  return indexes;
}

Index read_index(const pg::Result& rows, std::size_t row) {
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  Index index;
  index.index_name = text(index_columns["index_name"]);
  index.name = text(index_columns["name"]);
  index.target_schema = text(index_columns["target_schema"]);
  index.target_name = text(index_columns["target_name"]);
  index.statement = text(index_columns["statement"]);
  index.tablespace = text(index_columns["tablespace"]);
  index.statistics = text(index_columns["statistics"]);
  index.extensions = text(index_columns["extensions"]);
  if (!rows.is_null(row, index_columns["description"]))
    index.description = text(index_columns["description"]);
  index.is_clustered = rows.boolean(row, index_columns["is_clustered"]);
  return index;
}

}  // namespace

asio::awaitable<SecondaryIndexes> secondary_indexes(pg::Connection& on, const tuple::Table& table) {
  static constexpr int version_with_set_option = 160000;
  const bool has_set = on.server_version() >= version_with_set_option;
  // The result depends on the search path: with this one every name outside pg_catalog is
  // qualified.
  pg::Batch batch(sql("begin; set local search_path = pg_catalog; "));
  const auto of_indexes =
      batch.add(indexes_query(table.id, has_set ? sql("'set'") : sql("'member'")));
  const auto of_columns = batch.add(columns_query(table.id));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  const pg::Result& rows = batch.answer(results, of_indexes);
  ColumnsOfIndexes columns = read_columns(batch.answer(results, of_columns));
  SecondaryIndexes indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    Index index = read_index(rows, row);
    const IndexFacts facts{
        .method = std::string(rows.text(row, index_columns["method"])),
        .is_calm = rows.boolean(row, index_columns["is_calm"]),
        .columns = std::move(columns[rows.integer(row, index_columns["id"])]),
        .block_bytes = static_cast<std::size_t>(rows.integer(row, index_columns["block_bytes"]))};
    const IndexDoubt doubt = doubt_of(facts);
    const bool can_be_built_again = rows.boolean(row, index_columns["can_be_built_again"]);
    indexes.owner_elsewhere = rows.text(row, index_columns["owner_elsewhere"]);
    // What triggers and rules make of a record is not known before the server has it.
    const bool is_changed = table.has_row_trigger || table.has_insert_rule;
    const bool may_refuse = doubt.kind == IndexDoubt::Kind::any ||
                            (doubt.kind == IndexDoubt::Kind::width && is_changed);
    if (may_refuse || !can_be_built_again) {
      indexes.kept.push_back(std::move(index.index_name));
      continue;
    }
    index.wide_columns = doubt.columns;
    index.wide_bytes = doubt.bytes_max;
    indexes.deferrable.push_back(std::move(index));
  }
  co_return indexes;
}

}  // namespace sluice::writer
