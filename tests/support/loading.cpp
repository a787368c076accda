#include "support/loading.hpp"

#include "app/runtime.hpp"
#include "plan/data_encoding.hpp"

namespace sluice::test {

Loaded run_load(const std::string& url, plan::LoadOptions options,
                std::chrono::milliseconds stall_max) {
  pg::ConnectOptions connect;
  connect.dbname = url;
  connect.stall_max = stall_max;
  plan::say_encoding(options.encoding, connect);
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
