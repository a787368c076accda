#include "migrate/make_schema.hpp"

#include "base/failure.hpp"
#include "base/sql_state.hpp"
#include "migrate/sql_error.hpp"

namespace sluice::migrate {

bool may_write_history(Session& session) {
  return schema::state_of(
             session.value(sql("select {}", schema::state_expression(schema::Use::migrate)))) ==
             schema::State::complete ||
         session.is_true(
             sql("select pg_catalog.pg_has_role(relowner, 'usage') from pg_catalog.pg_class where "
                 "oid = 'pgsluice.migrations'::regclass"));
}

schema::State ask_schema(Session& session, schema::Use use, schema::Use all) {
  const schema::State state =
      schema::state_of(session.value(sql("select {}", schema::state_expression(use))));
  if (state == schema::State::closed)
    throw Failure(FailureKind::failed,
                  schema::closed(session.value(sql("select current_user")),
                                 session.value(schema::missing_grants_query(all))));
  if (state == schema::State::filtered)
    throw Failure(FailureKind::failed, schema::filtered(session.value(schema::filtered_query())));
  if (state == schema::State::untrusted)
    throw Failure(FailureKind::failed, schema::untrusted(session.value(schema::untrusted_query())));
  return state;
}

void make_schema(Session& session) {
  if (ask_schema(session, schema::Use::migrate) == schema::State::complete) return;
  try {
    schema::Making making;
    script::Rows answer;
    while (const std::optional<Sql> step = making.next(answer)) answer = session.query(*step);
  } catch (const SqlError& error) {
    if (error.state() != sql_state::insufficient_privilege) throw;
    session.query(sql("rollback"));
    throw Failure(
        FailureKind::failed,
        "cannot create the schema pgsluice, which keeps the history: " + error.primary() +
            schema::advice(session.value(sql("select current_user")),
                           session.is_true(sql("select to_regnamespace('pgsluice') is not null"))));
  }
}

void make_schema_for(Session& session, schema::Use use) {
  make_schema(session);
  ask_schema(session, use, use);
}

}  // namespace sluice::migrate
