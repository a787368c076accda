#pragma once

#include "migrate/session.hpp"
#include "schema/own_schema.hpp"

namespace sluice::migrate {

/// What the session's user finds of our schema. Throws Failure with advice where it is closed or
/// not to be trusted; the advice is for all that is about to be done, which begins with `use`.
schema::State ask_schema(Session& session, schema::Use use, schema::Use all);
inline schema::State ask_schema(Session& session, schema::Use use) {
  return ask_schema(session, use, use);
}

/// Whether this user may write into the history that is there, if need be after bringing it up to
/// date.
bool may_write_history(Session& session);

/// Makes the schema, for somebody who migrates. Throws Failure with advice where the user may not.
void make_schema(Session& session);
/// ... and requires what this user is to do with it. Throws Failure with the grants that are
/// missing.
void make_schema_for(Session& session, schema::Use use);

}  // namespace sluice::migrate
