#include "writer/merge.hpp"

#include <algorithm>

namespace sluice::writer {
namespace {

// Counts conflicts: a temporary sequence costs less than a column of RETURNING, and partitions,
// whose rows have no system columns there, can be counted so too. A conflict counts when its row is
// locked, so another session's row that came in between is one.
constexpr SqlWords next_value = "pg_catalog.nextval('pg_temp.pgsluice_conflicts')";
constexpr SqlWords current_value = "pg_catalog.currval('pg_temp.pgsluice_conflicts')";

/// Two loads into a table whose records go in the order of their files would lock rows in different
/// orders: they take turns, a transaction each.
Sql lock_statement(const tuple::Table& target) {
  return sql(
      "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgsluice merges', "
      "{})); ",
      target.id);
}

/// Columns of this row.
Sql fields_of(SqlWords row, const std::vector<std::string>& columns) {
  return sql_list(
      columns, [row](const std::string& column) { return sql("{}.{}", row, identifier(column)); });
}

bool is_in(const std::vector<std::string>& columns, const std::string& name) {
  return std::ranges::find(columns, name) != columns.end();
}

/// One merge of a staging table, as the parts of its statements.
struct Statement {
  const tuple::Table& target;
  const std::vector<std::string>& columns;
  const Merge& merge;
  const Sql& from;
  bool are_sorted = false;  ///< as they lie there

  Identifier record() const { return identifier(merge.record_column); }
  Sql record_key() const;
  Sql key_with_nulls() const;
  Sql order() const;
  Sql value_of_column(const std::string& column) const;
  Sql distinct_records() const;
  Sql chosen_records() const;
  Sql all_records() const {
    return sql("select {} from {}{}", sql_list(columns, identifier), from, order());
  }
  Sql insert() const;
  Sql conflict_clause() const;
  Sql insert_one() const;
  Sql whole(const Sql& rows, bool is_distinct, SqlWords into = "") const;
  Sql each(const Sql& rows) const;
  Sql block(const Sql& condition, const Sql& otherwise, const Sql& rows) const;
  Sql repeats() const;
  Sql has_nulls() const;
};

/// What tells records with a NULL in the key apart, where such keys are not equal. May be empty.
Sql Statement::key_with_nulls() const {
  if (merge.nulls_are_equal) return {};
  return sql(", case when pg_catalog.num_nulls({}) operator(pg_catalog.>) 0 then {} end",
             sql_list(merge.key, identifier), record());
}

Sql Statement::record_key() const { return distinct_key(merge) + key_with_nulls(); }

/// ORDER BY of the records as they go into the target.
Sql Statement::order() const {
  if (merge.in_file_order) return sql(" order by {}", record());
  if (are_sorted) return {};  // the server would keep 8 % of its time for finding that out
  return sql(" order by {}, {}", order_of_key(merge), record());
}

/// A column of the record that stands for all with its key. One after the other, the first of them
/// would make the row and the others would update some of its columns: so the other columns are the
/// first one's.
Sql Statement::value_of_column(const std::string& column) const {
  const Identifier name = identifier(column);
  const bool updates_in_turn =
      merge.on_conflict == OnConflict::update && merge.dedupe == Dedupe::last;
  if (!updates_in_turn || is_in(merge.update_columns, column) || is_in(merge.key, column))
    return sql("{}", name);
  return sql("pg_catalog.first_value({}) over (partition by {} order by {}, {}) as {}", name,
             record_key(), order_of_key(merge), record(), name);
}

/// The records, each key once.
Sql Statement::distinct_records() const {
  const auto value = [this](const std::string& column) { return value_of_column(column); };
  return sql("select distinct on ({}) {}, {} from {} order by {}{}, {}{}", record_key(),
             sql_list(columns, value), record(), from, order_of_key(merge), key_with_nulls(),
             record(), merge.dedupe == Dedupe::last ? SqlWords(" desc") : SqlWords(""));
}

/// Those as they go into the target.
Sql Statement::chosen_records() const {
  return sql("select {} from ({}) chosen order by {}", sql_list(columns, identifier),
             distinct_records(), merge.in_file_order ? sql("{}", record()) : order_of_key(merge));
}

Sql Statement::insert() const {
  const bool has_identity = std::ranges::any_of(columns, [this](const std::string& name) {
    return target.columns[*target.find(name)].identity;
  });
  return sql("insert into {} as pgsluice_target ({}) {}", target.sql_name(),
             sql_list(columns, identifier),
             has_identity ? SqlWords("overriding system value ") : SqlWords(""));
}

Sql Statement::conflict_clause() const {
  if (merge.on_conflict == OnConflict::error) return {};
  const Sql clause = sql(" on conflict ({}) do ", sql_list(merge.key, identifier));
  if (merge.on_conflict == OnConflict::nothing) return sql("{}nothing", clause);
  const Sql updates = sql_list(merge.update_columns, [](const std::string& column) {
    return sql("{} = excluded.{}", identifier(column), identifier(column));
  });
  const Sql counts = sql("{} operator(pg_catalog.>) 0", next_value);
  if (!merge.only_if_changed) return sql("{}update set {} where {}", clause, updates, counts);
  // It compares what is stored, so that it is there for each type and sees each change. An equal
  // row counts twice: a trigger that leaves a row alone is another matter.
  return sql(
      "{}update set {} where case when pg_catalog.record_image_ne(row({}), row({})) then {} else "
      "{} operator(pg_catalog.+) {} operator(pg_catalog.<) 0 end",
      clause, updates, fields_of("pgsluice_target", merge.update_columns),
      fields_of("excluded", merge.update_columns), counts, next_value, next_value);
}

/// One statement for all. It gives how many rows were made or updated, what was counted, nothing,
/// and how many records stood for all.
Sql Statement::whole(const Sql& rows, bool is_distinct, SqlWords into) const {
  return sql(
      "with {}merged as ({}{}{} returning 1) select pg_catalog.count(*), {} "
      "operator(pg_catalog.-) 1, null::pg_catalog.int8, {}{} from merged",
      is_distinct ? sql("records as materialized ({}), ", rows) : Sql(), insert(),
      is_distinct ? sql("select * from records") : rows, conflict_clause(), current_value,
      is_distinct ? SqlWords("(select pg_catalog.count(*) from records)")
                  : SqlWords("null::pg_catalog.int8"),
      into);
}

/// Inserts the record that the block is at.
Sql Statement::insert_one() const {
  return sql("{}values ({}){}; ", insert(), fields_of("pgsluice_one", columns), conflict_clause());
}

/// One statement for each, inside the block.
Sql Statement::each(const Sql& rows) const {
  return sql(
      "for pgsluice_one in {} loop pgsluice_before := {}; {}pgsluice_counted := pgsluice_counted "
      "operator(pg_catalog.+) 1; pgsluice_before := {} operator(pg_catalog.-) pgsluice_before; "
      "if found then pgsluice_made := pgsluice_made operator(pg_catalog.+) 1; pgsluice_moved := "
      "pgsluice_moved operator(pg_catalog.+) pgsluice_before; elsif pgsluice_before "
      "operator(pg_catalog.=) 2 then pgsluice_equal := pgsluice_equal operator(pg_catalog.+) 1; "
      "pgsluice_moved := pgsluice_moved operator(pg_catalog.+) 2; end if; end loop; ",
      rows, current_value, insert_one(), current_value);
}

/// A block that takes `rows` one after the other where the condition is true, and else runs
/// `otherwise`; an empty condition is always true. Then what it has counted.
Sql Statement::block(const Sql& condition, const Sql& otherwise, const Sql& rows) const {
  const Sql counts = condition.empty()
                         ? each(rows)
                         : sql("if {} then {}else {}; end if; ", condition, each(rows), otherwise);
  const Sql body =
      sql("#variable_conflict use_column\n"
          "declare pgsluice_one record; pgsluice_before pg_catalog.int8; "
          "pgsluice_made pg_catalog.int8 := 0; pgsluice_moved pg_catalog.int8 := 0; "
          "pgsluice_equal pg_catalog.int8 := 0; pgsluice_counted pg_catalog.int8 := 0; begin {}"
          "perform pg_catalog.set_config('pgsluice.merged', (array[pgsluice_made, pgsluice_moved, "
          "pgsluice_equal, pgsluice_counted])::pg_catalog.text, true); end",
          counts);
  return sql(
      "do {}; select merged[1], merged[2], merged[3], merged[4] from (select "
      "pg_catalog.current_setting('pgsluice.merged')::pg_catalog.int8[] as merged) result",
      literal(body.text()));
}

/// A key comes twice.
Sql Statement::repeats() const {
  return sql(
      "exists (select from (select pg_catalog.row_number() over (partition by {} order by {}, {}) "
      "as nth from {}) numbered where nth operator(pg_catalog.>) 1)",
      record_key(), order_of_key(merge), record(), from);
}

/// A record will be refused, whether another one would stand for it or not.
Sql Statement::has_nulls() const {
  return sql("exists (select from {} where pg_catalog.num_nulls({}) operator(pg_catalog.>) 0)",
             from, sql_list(merge.not_null, identifier));
}

constexpr SqlWords into_block =
    " into pgsluice_made, pgsluice_moved, pgsluice_equal, pgsluice_counted";

/// REQUIRES: each record goes into the target, in turn.
Sql merge_in_turn(const Statement& s, bool keys_may_repeat) {
  const Sql all = s.all_records();
  if (s.merge.one_by_one) return s.block({}, {}, all);
  // DO NOTHING looks at each row anyway, those of its own statement included.
  if (!keys_may_repeat || s.merge.on_conflict == OnConflict::nothing) return s.whole(all, false);
  if (s.merge.in_file_order || s.merge.judges_rows || s.merge.only_if_changed)
    return s.block(s.repeats(), s.whole(all, false, into_block), all);
  const Sql chosen = s.chosen_records();
  if (s.merge.not_null.empty()) return s.whole(chosen, true);
  return s.block(s.has_nulls(), s.whole(chosen, true, into_block), all);
}

}  // namespace

std::string free_column_name(const tuple::Table& table) {
  std::string name = Merge{}.record_column;
  while (std::ranges::find(table.columns, name, &tuple::Column::name) != table.columns.end())
    name += "_";
  return name;
}

Sql distinct_key(const Merge& merge) { return joined(merge.compared, ", "); }

Sql order_of_key(const Merge& merge) {
  std::vector<Sql> parts;
  for (std::size_t i = 0; i < merge.compared.size(); ++i) {
    const Sql direction = merge.operators.empty() ? Sql() : merge.operators[i];
    parts.push_back(merge.compared[i] + direction);
  }
  return joined(parts, ", ");
}

Sql merge_preparation() {
  // A cache is for speed: a value then costs less than a tenth of a microsecond.
  return sql("create temporary sequence if not exists pgsluice_conflicts cache 1000; ");
}

Sql counter_reset() { return sql("select pg_catalog.setval('pg_temp.pgsluice_conflicts', 1); "); }

Sql merge_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                    const Merge& merge, const StagedRecords& staged) {
  const Statement s{target, columns, merge, staged.table, staged.are_sorted};
  if (merge.on_conflict == OnConflict::error) {
    return sql("{}select {} from {}{}", s.insert(), sql_list(columns, identifier), staged.table,
               merge.in_file_order ? sql(" order by {}", s.record()) : Sql());
  }
  const Sql before =
      merge.in_file_order ? lock_statement(target) + counter_reset() : counter_reset();
  if (merge.takes_all_in_turn()) return before + merge_in_turn(s, staged.keys_may_repeat);
  const Sql chosen = s.chosen_records();
  return before + (merge.one_by_one ? s.block({}, {}, chosen) : s.whole(chosen, true));
}

RowCounts read_merged(const Merge& merge, const pg::Result& row, std::uint64_t staged) {
  RowCounts counts;
  if (row.rows() == 0) {  // a plain INSERT
    counts.rows_stored = std::min(row.affected(), staged);
    counts.rows_skipped = staged - counts.rows_stored;
    return counts;
  }
  const auto number = [&row](int column) { return row.count(0, column); };
  const std::uint64_t made = number(0);
  const std::uint64_t counted = row.is_null(0, 3) ? staged : number(3);
  if (counted > staged || made > counted) row.refuse("more rows came of a merge than went into it");
  // Without triggers a record that makes no row and updates none is equal, or not wanted.
  const std::uint64_t rest = counted - made;
  if (!row.is_null(0, 2)) {
    counts.rows_unchanged = number(2);
  } else if (merge.only_if_changed) {
    counts.rows_unchanged = rest;
  }
  if (counts.rows_unchanged > rest || 2 * counts.rows_unchanged > number(1) ||
      number(1) - 2 * counts.rows_unchanged > made)
    row.refuse("the counts of a merge do not add up");
  counts.rows_updated = number(1) - 2 * counts.rows_unchanged;
  counts.rows_stored = made - counts.rows_updated;
  counts.rows_skipped = rest - counts.rows_unchanged;
  // Records for which another one stood: in turn, each would have updated the row.
  const bool are_updates = merge.on_conflict == OnConflict::update && merge.takes_all_in_turn();
  (are_updates ? counts.rows_updated : counts.rows_skipped) += staged - counted;
  return counts;
}

Sql find_refused_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                           const Merge& merge, const Sql& from, std::size_t count_max,
                           bool may_wait) {
  const Statement s{target, columns, merge, from};
  const bool is_upsert = merge.on_conflict != OnConflict::error;
  const bool chooses = is_upsert && !merge.takes_all_in_turn();
  const Sql rows = chooses ? sql("select * from ({}) chosen", s.distinct_records())
                           : sql("select * from {}", from);
  const Sql record = sql("pgsluice_one.{}", s.record());
  constexpr SqlWords none = "'{}'";
  // Whoever refers to a record that comes later (23503) waits, as a whole statement would let him.
  const Sql handler = sql(
      " exception when others then get stacked diagnostics pgsluice_state = returned_sqlstate, "
      "pgsluice_constraint = constraint_name, pgsluice_message = message_text, pgsluice_detail = "
      "pg_exception_detail, pgsluice_column = column_name, pgsluice_table = table_name; if "
      "pgsluice_state operator(pg_catalog.~) '^(40|53|57|58|55P03)' then "
      "raise; end if; pgsluice_said := pg_catalog.json_build_array({}, pgsluice_state, "
      "pgsluice_constraint, pg_catalog.left(pgsluice_message, 2000), "
      "pg_catalog.left(pgsluice_detail, 2000), pgsluice_column, pgsluice_table); ",
      record);
  const Sql first_turn = sql(
      "for pgsluice_one in {} order by {} loop begin {}{}if pgsluice_state operator(pg_catalog.=) "
      "'23503' and pg_catalog.cardinality(pgsluice_waiting) operator(pg_catalog.<) {} then "
      "pgsluice_waiting := pg_catalog.array_append(pgsluice_waiting, {}); pgsluice_unmet := "
      "pg_catalog.array_append(pgsluice_unmet, pgsluice_said); else pgsluice_found := "
      "pg_catalog.array_append(pgsluice_found, pgsluice_said); end if; end; exit when not "
      "pg_catalog.cardinality(pgsluice_found) operator(pg_catalog.<) {}; end loop; ",
      rows, s.record(), s.insert_one(), handler, may_wait ? count_max : 0, record, count_max);
  const Sql later_turns =
      sql("while pg_catalog.cardinality(pgsluice_found) operator(pg_catalog.<) {} and "
          "pg_catalog.cardinality(pgsluice_waiting) operator(pg_catalog.>) 0 loop pgsluice_left := "
          "{}; pgsluice_unmet := {}; for pgsluice_one in select * from ({}) pgsluice_rows where "
          "{} operator(pg_catalog.=) any (pgsluice_waiting) order by {} loop begin "
          "{}{}pgsluice_left := "
          "pg_catalog.array_append(pgsluice_left, {}); pgsluice_unmet := "
          "pg_catalog.array_append(pgsluice_unmet, pgsluice_said); end; end loop; exit when "
          "pg_catalog.cardinality(pgsluice_left) operator(pg_catalog.=) "
          "pg_catalog.cardinality(pgsluice_waiting); pgsluice_waiting := pgsluice_left; end loop; ",
          count_max, none, none, rows, s.record(), s.record(), s.insert_one(), handler, record);
  const Sql body =
      sql("#variable_conflict use_column\n"
          "declare pgsluice_one record; pgsluice_state pg_catalog.text; pgsluice_constraint "
          "pg_catalog.text; pgsluice_message pg_catalog.text; pgsluice_detail pg_catalog.text; "
          "pgsluice_column pg_catalog.text; pgsluice_table pg_catalog.text; pgsluice_said "
          "pg_catalog.json; pgsluice_found pg_catalog.json[] := {}; "
          "pgsluice_waiting pg_catalog.int8[] := {}; pgsluice_unmet pg_catalog.json[] := {}; "
          "pgsluice_left pg_catalog.int8[]; begin {}{}if pg_catalog.cardinality(pgsluice_found) "
          "operator(pg_catalog.<) {} then pgsluice_found := pg_catalog.array_cat(pgsluice_found, "
          "pgsluice_unmet); end if; perform pg_catalog.set_config('pgsluice.refused', "
          "pg_catalog.array_to_json(pgsluice_found)::pg_catalog.text, true); end",
          none, none, none, first_turn, later_turns, count_max);
  return sql(
      "set constraints all immediate; do {}; select (refused operator(pg_catalog.->>) "
      "0)::pg_catalog.int8, refused operator(pg_catalog.->>) 1, refused operator(pg_catalog.->>) "
      "2, refused operator(pg_catalog.->>) 3, refused operator(pg_catalog.->>) 4, refused "
      "operator(pg_catalog.->>) 5, refused operator(pg_catalog.->>) 6 from "
      "pg_catalog.json_array_elements(pg_catalog.current_setting('pgsluice.refused')"
      "::pg_catalog.json) found (refused) order by 1",
      literal(body.text()));
}

}  // namespace sluice::writer
