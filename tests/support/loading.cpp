#include "support/loading.hpp"

#include "app/runtime.hpp"
#include "pg/encoding.hpp"

namespace sluice::test {

Loaded run_load(const std::string& url, plan::LoadOptions options,
                std::chrono::milliseconds stall_max) {
  pg::ConnectOptions connect;
  connect.dbname = url;
  connect.stall_max = stall_max;
  const auto known = pg::encoding_named(options.encoding);
  if (!options.encoding.empty())
    connect.client_encoding = known && !pg::is_for_clients_alone(*known) ? *known : pg::utf8;
  if (options.jobs == 0) options.jobs = 2;
  app::Runtime runtime(connect);
  load::Load load(runtime.resources(), std::move(options));
  Loaded result;
  try {
    runtime.run(load.run());
  } catch (const load::BadRecord& error) {
    result.message = error.what();
    result.failure = error.kind();
    result.sql_state = error.reject().sql_state;
    result.bad_record = error;
  } catch (const Failure& error) {
    result.message = error.what();
    result.failure = error.kind();
  } catch (const pg::PgError& error) {
    result.message = error.full();
    result.sql_state = error.state.code();
  }
  result.report = load.report();
  return result;
}

}  // namespace sluice::test
