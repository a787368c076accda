#include "migrate/scratch.hpp"

#include <memory>
#include <random>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "migrate/session.hpp"
#include "script/excerpt.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::migrate {
namespace {

/// A maker has a session in its database long before.
constexpr int left_after_seconds = 120;

constexpr auto locale_columns = columns_of({
    {"encoding", "pg_catalog.pg_encoding_to_char(d.encoding)"},
    {"collate", "d.datcollate"},
    {"ctype", "d.datctype"},
});

/// With the server's time, so that one which its maker has left is known by its age, whenever that
/// maker ended.
std::string new_name(Session& session) {
  std::random_device random;
  return "pgsluice_scratch_" +
         session.value(sql("select extract(epoch from clock_timestamp())::bigint")) + "_" +
         std::to_string(random());
}

/// Drops what others have left: their makers keep a session there as long as they live, so that it
/// cannot be dropped, but in the moments before they have it. What is another user's stays.
void drop_left(Session& session, const Listener& listener, const Stop& stop) {
  const script::Rows left = session.query(
      sql("select d.datname from pg_catalog.pg_database d where case when d.datname ~ "
          "'^pgsluice_scratch_[0-9]{10}_[0-9]+$' then extract(epoch from clock_timestamp()) - "
          "split_part(d.datname, '_', 3)::bigint > {} else false end and "
          "pg_catalog.pg_has_role(d.datdba, "
          "'usage') and not exists (select from pg_catalog.pg_stat_activity a where a.datid = "
          "d.oid) order by d.datname",
          left_after_seconds));
  for (const script::Row& row : left) {
    try {
      session.query(sql("drop database if exists {}", identifier(row[0])), stop);
      listener.note("dropped the database " + row[0] + ", which a run that was killed has left");
    } catch (const SqlError& error) {
      // Somebody is there: another run drops it, or looks at it.
      if (error.is_lost() || stop.asked()) throw;
    }
  }
}

/// As long as it lives nobody else drops the database.
std::unique_ptr<Session> occupy(const std::string& conninfo, const Options& options,
                                const Stop& stop) {
  auto session = std::make_unique<Session>(conninfo, stop, options.stall_max);
  session->query(
      sql("select pg_catalog.set_config(s.name, '0', false) from pg_catalog.pg_settings s where "
          "s.name = 'idle_session_timeout'"));
  return session;
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
  std::string name;
  try {
    {
      Session session(options.conninfo, stop, options.stall_max);
      drop_left(session, listener, stop);
      name = new_name(session);
      create(session, name, words, stop);
    }
    // Of two keywords the later one counts.
    const std::string there = options.conninfo + " dbname=" + name;
    const std::unique_ptr<Session> occupied = occupy(there, options, stop);
    use(there);
  } catch (...) {
    if (name.empty()) throw;
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
