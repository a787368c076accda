#include "migrate/traced_state.hpp"

#include "base/columns.hpp"
#include "base/sql_state.hpp"

namespace sluice::migrate {
namespace {

constexpr auto lock_columns = columns_of({
    {"relation", "l.relation::text"},
    {"mode", "l.mode"},
    {"is_there", "(c.oid is not null)::text"},
    {"name", "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)"},
    {"kind", "c.relkind::text"},
});

std::string kind_name(const std::string& kind) {
  switch (kind.empty() ? ' ' : kind.front()) {
    case 'r':
    case 'f': return "table";
    case 'p': return "partitioned table";
    case 'i':
    case 'I': return "index";
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'S': return "sequence";
    case 'c': return "type";
    default: return "relation";
  }
}

std::string constraint_kind(const std::string& kind) {
  switch (kind.empty() ? ' ' : kind.front()) {
    case 'c': return "check";
    case 'f': return "foreign key";
    case 'n': return "not null";
    case 'p': return "primary key";
    case 'u': return "unique";
    case 'x': return "exclusion";
    default: return "trigger";
  }
}

/// Of pg_class and pg_constraint. In a path of the user's everything is qualified.
Sql things_query(const Sql& relations) {
  return sql(
      "select 'f', c.oid::pg_catalog.text, pg_catalog.quote_ident(n.nspname::pg_catalog.text) "
      "operator(pg_catalog.||) '.'::pg_catalog.text operator(pg_catalog.||) "
      "pg_catalog.quote_ident(c.relname::pg_catalog.text), c.relkind::pg_catalog.text, "
      "c.relfilenode::pg_catalog.text, ''::pg_catalog.text "
      "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) "
      "c.relnamespace where (c.oid operator(pg_catalog.=) any ({}::pg_catalog.oid[]) or c.oid "
      "operator(pg_catalog.=) any (array(select i.indexrelid from pg_catalog.pg_index i where "
      "i.indrelid operator(pg_catalog.=) any ({}::pg_catalog.oid[])))) and "
      "n.nspname operator(pg_catalog.<>) 'pg_toast'::pg_catalog.name "
      "union all "
      "select 'c', k.oid::pg_catalog.text, pg_catalog.quote_ident(k.conname::pg_catalog.text), "
      "k.contype::pg_catalog.text, k.convalidated::pg_catalog.text, "
      "k.conrelid::pg_catalog.regclass::pg_catalog.text from pg_catalog.pg_constraint k where "
      "k.conrelid operator(pg_catalog.=) any ({}::pg_catalog.oid[]) and k.contype "
      "operator(pg_catalog.<>) 't'::\"char\" order by 1, 2",
      relations, relations, relations);
}

}  // namespace

TracedState::Things TracedState::things_of(Session& session, const Sql& relations) {
  Things things;
  for (const script::Row& row : session.query_in_user_path(things_query(relations))) {
    const bool is_file = row[0] == "f";
    Thing thing{.value = row[4], .is_file = is_file};
    if (is_file) {
      thing.what = kind_name(row[3]) + " " + row[2];
    } else {
      thing.what = "constraint " + row[2] + " of " + row[5] + " (" + constraint_kind(row[3]) +
                   (row[4] == "true" ? ")" : ", not valid)");
    }
    things[row[0] + row[1]] = std::move(thing);
  }
  return things;
}

void TracedState::look_at_locks(TracedStatement& statement) {
  const script::Rows rows = beside_.query(
      sql("select {} from pg_catalog.pg_locks l left join pg_catalog.pg_class c on c.oid = "
          "l.relation left join pg_catalog.pg_namespace n on n.oid = c.relnamespace where l.pid = "
          "{} and l.locktype = 'relation' and l.granted and l.database = (select d.oid from "
          "pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) and (c.oid is "
          "null or n.nspname <> all (array['pg_catalog', 'information_schema', 'pg_toast'])) order "
          "by 4, 2",
          lock_columns.list(), process_));
  for (const script::Row& row : rows) {
    const std::string& relation = row[lock_columns["relation"]];
    relations_.insert(relation);
    const auto mode = value_named<LockMode>(row[lock_columns["mode"]]);
    if (!mode) row.refuse(lock_columns["mode"]);
    if (row[lock_columns["is_there"]] != "true" || !locks_.emplace(relation, *mode).second)
      continue;
    TracedLock lock{.relation = row[lock_columns["name"]],
                    .kind = kind_name(row[lock_columns["kind"]]),
                    .mode = *mode};
    statement.locks.push_back(std::move(lock));
  }
}

/// What was there before it was locked.
void TracedState::look_at_unknown() {
  std::string unknown = "{";
  for (const std::string& relation : relations_)
    if (known_.insert(relation).second) unknown += (unknown.size() > 1 ? "," : "") + relation;
  if (unknown.size() > 1) things_.merge(things_of(beside_, sql("{}", literal(unknown + "}"))));
}

bool TracedState::look_from_beside(TracedStatement& statement) {
  if (is_blind_) return false;
  try {
    look_at_locks(statement);
    look_at_unknown();
  } catch (const SqlError& error) {
    if (error.state() != sql_state::lock_not_available) throw;
    is_blind_ = true;
  }
  return !is_blind_;
}

void TracedState::look(TracedStatement& statement) {
  statement.is_hidden = !look_from_beside(statement);
  if (statement.is_hidden) return;
  std::string list = "{";
  for (const std::string& relation : relations_) list += (list.size() > 1 ? "," : "") + relation;
  Things now = things_of(work_, sql("{}", literal(list + "}")));
  for (const auto& [number, thing] : now) {
    const auto before = things_.find(number);
    if (before == things_.end()) {
      statement.made.push_back(thing.what);
    } else if (before->second.value != thing.value) {
      (thing.is_file ? statement.rewritten : statement.made)
          .push_back(thing.is_file ? thing.what : thing.what + ", changed");
    }
  }
  for (const auto& [number, thing] : things_)
    if (!now.contains(number)) statement.gone.push_back(thing.what);
  things_ = std::move(now);
  // An index of a column that gets another type is made anew under its name.
  std::erase_if(statement.gone, [&statement](const std::string& what) {
    if (std::erase(statement.made, what) == 0) return false;
    statement.rewritten.push_back(what);
    return true;
  });
}

void TracedState::forget() {
  relations_.clear();
  locks_.clear();
  known_.clear();
  things_.clear();
  is_blind_ = false;
}

}  // namespace sluice::migrate
