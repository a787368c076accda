#include "writer/confined.hpp"

#include <cstdint>
#include <span>

#include "pg/pipeline.hpp"

namespace sluice::writer {
namespace {

// EXECUTE takes several statements in one text; the extended protocol does not. Of a CREATE INDEX
// it does not look at more than the grammar before it is run.
asio::awaitable<void> require_one(pg::Connection& on, const std::string& statement) {
  pg::Pipeline pipeline(on);
  const std::span<const std::uint32_t> no_parameters;
  co_await pipeline.prepare("", statement, no_parameters);
  const auto refused = co_await pipeline.finish();
  if (refused) throw pg::PgError(refused->error);
}

}  // namespace

// An index takes immutable functions only, and what they run is read-only but for volatile
// functions that they call: hence two of them.
asio::awaitable<void> run_confined(pg::Connection& on, std::string statement) {
  co_await require_one(on, statement);
  const Sql body = sql("begin execute {}; return 1; end", literal(statement));
  const Sql run = sql(
      "create temporary table pgsluice_confined (id pg_catalog.int4) on commit drop; "
      "insert into pg_temp.pgsluice_confined values (1); "
      "create function pg_temp.pgsluice_run() returns pg_catalog.int4 language plpgsql volatile "
      "as {}; create function pg_temp.pgsluice_once(pg_catalog.int4) returns pg_catalog.int4 "
      "language plpgsql immutable as 'begin return pg_temp.pgsluice_run(); end'; "
      "create index on pg_temp.pgsluice_confined (pg_temp.pgsluice_once(id)); "
      "drop table pg_temp.pgsluice_confined; drop function "
      "pg_temp.pgsluice_once(pg_catalog.int4), pg_temp.pgsluice_run()",
      literal(body.text()));
  co_await on.query(run);
}

}  // namespace sluice::writer
