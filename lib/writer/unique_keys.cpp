#include "writer/unique_keys.hpp"

#include <algorithm>
#include <set>

#include "base/columns.hpp"
#include "base/identifier.hpp"
#include "pg/batch.hpp"

namespace sluice::writer {
namespace {

// All indexes that allow no two equal rows, column by column; a name is missing where an expression
// or a condition stands. An operator is named where the column's own order may be another one.
constexpr auto index_columns = columns_of({
    {"id", "i.indexrelid::bigint"},
    {"is_primary", "i.indisprimary"},
    {"nulls_are_equal", "coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)"},
    {"is_eligible",
     "i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is "
     "null and not i.indisexclusion"},
    {"column", "case when i.indpred is null and i.indexprs is null then a.attname end"},
    {"is_deterministic", "coalesce(c.collisdeterministic, true)"},
    {"collation",
     "case when c.oid <> a.attcollation then format(' collate %I.%I', cn.nspname, c.collname) else "
     "'' end"},
    {"is_usual", "oc.opcdefault and oc.opcnamespace = 'pg_catalog'::regnamespace"},
    {"input", "oc.opcintype::bigint"},
    {"input_name",
     "case when t.typtype = 'p' then '' else format('%I.%I', tn.nspname, t.typname) end"},
    {"operator",
     "(select format(' using operator(%I.%s)', n.nspname, o.oprname) from pg_catalog.pg_amop m "
     "join pg_catalog.pg_operator o on o.oid = m.amopopr join pg_catalog.pg_namespace n on n.oid = "
     "o.oprnamespace where m.amopfamily = oc.opcfamily and m.amopstrategy = 1 and m.amoppurpose = "
     "'s' and m.amoplefttype = oc.opcintype and m.amoprighttype = oc.opcintype)"},
    {"equality",
     "(select format(' operator(%I.%s) ', n.nspname, o.oprname) from pg_catalog.pg_amop m join "
     "pg_catalog.pg_operator o on o.oid = m.amopopr join pg_catalog.pg_namespace n on n.oid = "
     "o.oprnamespace where m.amopfamily = oc.opcfamily and m.amopstrategy = 3 and m.amoppurpose = "
     "'s' and m.amoplefttype = oc.opcintype and m.amoprighttype = oc.opcintype)"},
});

Sql indexes_query(std::uint32_t table) {
  return sql(
      "select {} from pg_catalog.pg_index i cross join lateral unnest(i.indkey::int2[]) with "
      "ordinality as k (attnum, number) join pg_catalog.pg_opclass oc on oc.oid = "
      "i.indclass[k.number - 1] join pg_catalog.pg_type t on t.oid = oc.opcintype join "
      "pg_catalog.pg_namespace tn on tn.oid = t.typnamespace left join pg_catalog.pg_attribute a "
      "on a.attrelid = i.indrelid and a.attnum = k.attnum left join pg_catalog.pg_collation c on "
      "c.oid = i.indcollation[k.number - 1] left join pg_catalog.pg_namespace cn on cn.oid = "
      "c.collnamespace where i.indrelid = {} and (i.indisunique or i.indisexclusion) and k.number "
      "<= i.indnkeyatts order by i.indisprimary desc, i.indexrelid, k.number",
      index_columns.list(), table);
}

// tgtype's bits: 1 row, 4 insert, 16 update (pg_trigger.h). What a partition has of its own counts
// too; an index that belongs to one of the whole table does not.
constexpr auto judge_columns = columns_of({
    {"has_row_triggers",
     "exists (select from pg_catalog.pg_trigger join relations on id = tgrelid where not "
     "tgisinternal and tgenabled <> 'D' and tgtype & 1 <> 0 and tgtype & 20 <> 0)"},
    {"judges_rows",
     "exists (select from pg_catalog.pg_constraint join relations on id = conrelid where contype "
     "in ('c', 'f', 'x')) or exists (select from pg_catalog.pg_attribute join relations on id = "
     "attrelid where attnum > 0 and not attisdropped and attgenerated <> '') or exists (select "
     "from pg_catalog.pg_index join relations on id = indrelid where indexprs is not null or "
     "indpred is not null)"},
    {"parts_have_others",
     "exists (select from pg_catalog.pg_index join relations on id = indrelid where id <> {} and "
     "(indisunique or indisexclusion) and not exists (select from pg_catalog.pg_inherits where "
     "inhrelid = indexrelid))"},
    {"has_update_rule",
     "exists (select from pg_catalog.pg_rewrite where ev_class = {} and ev_type = '2')"},
});

Sql table_query(std::uint32_t table) {
  return sql(
      "with relations as (select {}::oid as id union select relid from "
      "pg_catalog.pg_partition_tree({}::oid::regclass)) select {}",
      table, table, judge_columns.list(table, table));
}

/// An index of the table, whether ON CONFLICT can be about it or not.
struct Index {
  std::int64_t id = 0;
  bool is_eligible = false;
  bool is_known = true;  ///< names all that it depends on
  UniqueKey key;
};

void add_column(Index& index, const tuple::Table& table, const pg::Result& rows, std::size_t row) {
  if (rows.is_null(row, index_columns["column"])) {
    index.is_known = false;
    return;
  }
  const std::string name(rows.text(row, index_columns["column"]));
  const auto found = std::ranges::find(table.columns, name, &tuple::Column::name);
  if (found == table.columns.end()) {
    index.is_known = false;
    return;
  }
  const tuple::Type& type = found->base_type;
  const auto input = static_cast<std::uint32_t>(rows.integer(row, index_columns["input"]));
  const std::string input_name(rows.text(row, index_columns["input_name"]));
  // The types of text share an operator class; arrays, enumerations and ranges have one for all.
  const bool is_own = input == type.id || input_name.empty() ||
                      (input == tuple::oid::text && type.id == tuple::oid::varchar);
  const bool is_usual = is_own && rows.boolean(row, index_columns["is_usual"]);
  const auto written = [&](int column) {
    // The server has made it, of names that it has quoted.
    return Sql::trusted(std::string(rows.text_or(row, column, "")));
  };
  const Sql cast = is_own ? Sql() : sql("::{}", written(index_columns["input_name"]));
  const Sql collation = written(index_columns["collation"]);
  const Sql compared =
      cast.empty() ? sql("{}", identifier(name)) : sql("({}{})", identifier(name), cast);
  index.key.columns.push_back(name);
  index.key.compared.push_back(compared + collation);
  const Sql of_row = sql("pgsluice_target.{}", identifier(name));
  const Sql of_record = sql("pgsluice_staged.{}", identifier(name));
  const Sql equality = sql("({}{}){}{}({}{})", of_row, cast, collation,
                           written(index_columns["equality"]), of_record, cast);
  index.key.equalities.push_back(
      index.key.nulls_are_equal
          ? sql("({} or {} is null and {} is null)", equality, of_row, of_record)
          : equality);
  // Behind an extension's type its own order is the default one too.
  const bool needs_operator = !is_usual && !rows.is_null(row, index_columns["operator"]);
  index.key.operators.push_back(needs_operator ? written(index_columns["operator"]) : Sql());
  index.key.compares_bytes.push_back(is_usual &&
                                     rows.boolean(row, index_columns["is_deterministic"]));
}

std::vector<Index> read_indexes(const tuple::Table& table, const pg::Result& rows) {
  std::vector<Index> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (row == 0 ||
        rows.integer(row, index_columns["id"]) != rows.integer(row - 1, index_columns["id"])) {
      indexes.emplace_back();
      indexes.back().id = rows.integer(row, index_columns["id"]);
      indexes.back().is_eligible = rows.boolean(row, index_columns["is_eligible"]);
      indexes.back().key.is_primary = rows.boolean(row, index_columns["is_primary"]);
      indexes.back().key.nulls_are_equal = rows.boolean(row, index_columns["nulls_are_equal"]);
    }
    add_column(indexes.back(), table, rows, row);
  }
  return indexes;
}

/// ON CONFLICT (a, b) is about all unique indexes on just these columns.
bool is_about_the_same(const Index& a, const Index& b) {
  const auto set_of = [](const std::vector<std::string>& names) {
    return std::set<std::string>(names.begin(), names.end());
  };
  return b.is_eligible && b.is_known && set_of(a.key.columns) == set_of(b.key.columns);
}

bool agree_on_equality(const Index& a, const Index& b) {
  const auto pairs_of = [](const Index& index) {
    std::set<std::string> pairs;
    for (std::size_t i = 0; i < index.key.columns.size(); ++i)
      pairs.insert((index.key.compared[i] + index.key.operators[i]).text());
    return pairs;
  };
  return a.key.nulls_are_equal == b.key.nulls_are_equal && pairs_of(a) == pairs_of(b);
}

void look_at_others(Index& index, const std::vector<Index>& indexes) {
  UniqueKey& key = index.key;
  for (const Index& other : indexes) {
    if (other.id == index.id) continue;
    if (is_about_the_same(index, other)) {
      key.is_ambiguous = key.is_ambiguous || !agree_on_equality(index, other);
      continue;
    }
    key.others_are_unknown = key.others_are_unknown || !other.is_known;
    key.columns_of_others.insert(key.columns_of_others.end(), other.key.columns.begin(),
                                 other.key.columns.end());
  }
}

}  // namespace

asio::awaitable<std::vector<UniqueKey>> unique_keys(pg::Connection& on, const tuple::Table& table) {
  pg::Batch batch;
  const auto of_indexes = batch.add(indexes_query(table.id));
  const auto of_table = batch.add(table_query(table.id));
  const auto results = co_await on.query(batch.text());
  std::vector<Index> indexes = read_indexes(table, batch.answer(results, of_indexes));
  const pg::Result& facts = batch.answer(results, of_table);
  std::vector<UniqueKey> keys;
  for (Index& index : indexes) {
    if (!index.is_eligible || !index.is_known) continue;
    look_at_others(index, indexes);
    UniqueKey& key = index.key;
    key.table_has_row_triggers = facts.boolean(0, judge_columns["has_row_triggers"]);
    key.table_judges_rows = facts.boolean(0, judge_columns["judges_rows"]) || table.row_security;
    key.others_are_unknown =
        key.others_are_unknown || facts.boolean(0, judge_columns["parts_have_others"]);
    key.table_has_update_rule = facts.boolean(0, judge_columns["has_update_rule"]);
    keys.push_back(key);
  }
  co_return keys;
}

}  // namespace sluice::writer
