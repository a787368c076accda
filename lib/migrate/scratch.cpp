#include "migrate/scratch.hpp"

#include <random>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "migrate/session.hpp"
#include "script/excerpt.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::migrate {
namespace {

constexpr auto locale_columns = columns_of({
    {"encoding", "pg_catalog.pg_encoding_to_char(d.encoding)"},
    {"collate", "d.datcollate"},
    {"ctype", "d.datctype"},
});

std::string new_name() {
  std::random_device random;
  return "pgsluice_scratch_" + std::to_string(random());
}

void create(Session& session, const std::string& name, const Stop& stop) {
  const script::Rows rows =
      session.query(sql("select {} from pg_catalog.pg_database d where d.datname = "
                        "pg_catalog.current_database()",
                        locale_columns.list()));
  const script::Row& row = rows.front();
  try {
    // It may stand in no transaction, nor beside another statement.
    session.query(
        sql("create database {} template template0 encoding {} lc_collate {} lc_ctype {}",
            identifier(name), literal(row[locale_columns["encoding"]]),
            literal(row[locale_columns["collate"]]), literal(row[locale_columns["ctype"]])),
        stop);
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    throw Failure(
        FailureKind::failed, "--scratch: cannot make a database: " + error.primary(),
        "It wants a user who may (CREATEDB); without --scratch the files are traced in the "
        "database itself, in a transaction that is rolled back.");
  }
}

/// What of it cannot be made is left out: a role may be missing, or a right.
void restore(Session& session, const std::string& dump, const Listener& listener,
             const Stop& stop) {
  std::size_t left_out = 0;
  std::string first;
  for (const script::Statement& statement : script::lex_sql(dump).statements) {
    const std::string text = dump.substr(statement.begin, statement.end - statement.begin);
    try {
      session.query(text, stop);
    } catch (const SqlError& error) {
      if (error.is_lost() || stop.asked()) throw;
      if (left_out++ == 0) first = error.primary() + script::excerpt(text);
    }
  }
  if (left_out == 0) return;
  listener.note("--scratch: " + std::to_string(left_out) +
                " statements of the schema cannot be made again, the first one: " + first);
}

void drop(const Options& options, const std::string& name, const Listener& listener) {
  try {
    Session session(options.conninfo, {}, options.stall_max);
    session.query(sql("drop database if exists {} with (force)", identifier(name)), {});
  } catch (const SqlError& error) {
    listener.note("the database " + name + " is left: " + error.primary());
  } catch (const Failure& failure) {
    listener.note("the database " + name + " is left: " + failure.what());
  }
}

}  // namespace

void with_scratch(const DumpProgram& dump, const Options& options, const Listener& listener,
                  const Stop& stop, const std::function<void(const std::string&)>& use) {
  const std::string schema = dump_schema(dump, options, stop);
  const std::string name = new_name();
  {
    Session session(options.conninfo, stop, options.stall_max);
    create(session, name, stop);
  }
  try {
    // Of two keywords the later one counts.
    const std::string conninfo = options.conninfo + " dbname=" + name;
    {
      Session session(conninfo, stop, options.stall_max);
      restore(session, schema, listener, stop);
    }
    use(conninfo);
  } catch (...) {
    drop(options, name, listener);
    throw;
  }
  drop(options, name, listener);
}

}  // namespace sluice::migrate
