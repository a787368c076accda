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

/// Others could put something into its schema public, before 15 anybody: nobody gets in before they
/// are kept out.
void create(Session& session, const std::string& name, const ScratchWords& words,
            const Stop& stop) {
  const script::Rows rows =
      session.query(sql("select {} from pg_catalog.pg_database d where d.datname = "
                        "pg_catalog.current_database()",
                        locale_columns.list()));
  const script::Row& row = rows.front();
  try {
    // It may stand in no transaction, nor beside another statement.
    session.query(
        sql("create database {} template template0 encoding {} lc_collate {} lc_ctype {} "
            "allow_connections false",
            identifier(name), literal(row[locale_columns["encoding"]]),
            literal(row[locale_columns["collate"]]), literal(row[locale_columns["ctype"]])),
        stop);
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    throw Failure(FailureKind::failed, words.who + "cannot make a database: " + error.primary(),
                  "It wants a user who may (CREATEDB); " + words.advice);
  }
  session.query(sql("revoke all on database {} from public", identifier(name)), stop);
  session.query(sql("alter database {} allow_connections true", identifier(name)), stop);
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

void with_empty_scratch(const ScratchWords& words, const Options& options, const Listener& listener,
                        const Stop& stop, const std::function<void(const std::string&)>& use) {
  const std::string name = new_name();
  try {
    {
      Session session(options.conninfo, stop, options.stall_max);
      create(session, name, words, stop);
    }
    // Of two keywords the later one counts.
    use(options.conninfo + " dbname=" + name);
  } catch (...) {
    drop(options, name, listener);
    throw;
  }
  drop(options, name, listener);
}

void with_scratch(const DumpProgram& dump, const Options& options, const Listener& listener,
                  const Stop& stop, const std::function<void(const std::string&)>& use) {
  static const ScratchWords words{
      .who = "--scratch: ",
      .advice =
          "without --scratch the files are traced in the database itself, in a transaction "
          "that is rolled back."};
  const DumpWish wish{.arguments = {"--schema-only", "--no-owner", "--no-privileges",
                                    "--no-publications", "--no-subscriptions", "--no-tablespaces"},
                      .who = words.who};
  const std::string schema = dumped(dump, wish, options, stop);
  with_empty_scratch(words, options, listener, stop, [&](const std::string& conninfo) {
    {
      Session session(conninfo, stop, options.stall_max);
      restore(session, schema, listener, stop);
    }
    use(conninfo);
  });
}

}  // namespace sluice::migrate
