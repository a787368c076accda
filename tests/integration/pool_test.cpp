#include "pg/pool.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "async/gather.hpp"
#include "base/failure.hpp"
#include "pg/pipeline.hpp"
#include "support/coroutine.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using pg::PoolOptions;
using ::testing::HasSubstr;

/// A pool in this process, and what it does with a server that drops its connections.
class PoolTest : public DatabaseTest {
 protected:
  /// Runs `use(pool)`, then destroys the pool; both on one thread.
  template <class Use>
  void with_pool(PoolOptions options, Use use, const std::string& server = "") {
    asio::io_context io;
    pg::ConnectOptions connect;
    connect.dbname = server.empty() ? url() : server;
    pg::Pool pool(io.get_executor(), connect, options);
    run(io, use(pool));
  }

  void terminate_sessions() {
    db().run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid()");
    while (db().number("select count(*) from pg_stat_activity where datname = current_database() "
                       "and pid <> pg_backend_pid()") > 0) {
    }
  }
};

asio::awaitable<void> use_all_ways(pg::Pool& pool) {
  co_await pool.execute("create table t (id int primary key, v text)");
  pg::Row first{"1", "o'ne"};
  EXPECT_EQ(1U, co_await pool.execute("insert into t values ($1, $2)", first));
  std::vector<pg::Row> rows;
  for (int i = 2; i <= 5000; ++i) {
    pg::Row row{std::to_string(i), std::nullopt};
    rows.push_back(std::move(row));
  }
  EXPECT_EQ(4999U, co_await pool.executemany("insert into t values ($1, $2)", rows));
  pg::Row bound{"3"};
  const pg::Result found =
      co_await pool.fetch("select id, v from t where id < $1 order by 1", bound);
  EXPECT_EQ(2U, found.rows());
  EXPECT_EQ("o'ne", found.text(0, 1));
  EXPECT_TRUE(found.is_null(1, 1));
}

TEST_F(PoolTest, RunsStatementsWithParameters) {
  with_pool({}, use_all_ways);
  EXPECT_EQ(5000, db().number("select count(*) from t"));
}

/// What a service file says while it is there, and while it is not.
asio::awaitable<void> lose_the_service(pg::Pool& pool, const std::string& file,
                                       const std::string& moved) {
  std::filesystem::rename(file, moved);
  std::optional<Failure> wrong;
  try {
    co_await pool.execute("select 1");
  } catch (const Failure& failure) {
    wrong = failure;
  }
  EXPECT_EQ(FailureKind::usage, wrong.value().kind()) << "nothing has led anywhere yet";
  std::filesystem::rename(moved, file);
  {
    pg::Lease lease = co_await pool.acquire();
    co_await lease->query("select 1");
    std::filesystem::rename(file, moved);
    std::optional<pg::PgError> away;
    try {
      co_await pool.execute("select 1");
    } catch (const pg::PgError& error) {
      away = error;
    }
    EXPECT_EQ(ErrorNature::lost, away.value().nature());
    EXPECT_EQ(pg::Phase::connect, away->phase);
  }
  std::filesystem::rename(moved, file);
  co_await pool.execute("select 1");
}

TEST_F(PoolTest, SettingsThatHaveWorkedMayWorkAgain) {
  const TemporaryFolder folder;
  const Session session(url());
  const std::string file = folder.write(
      "pg_service.conf", std::string("[here]\nhost=") + PQhost(session.raw()) +
                             "\nport=" + PQport(session.raw()) + "\nuser=" + PQuser(session.raw()) +
                             "\npassword=" + PQpass(session.raw()) +
                             "\ndbname=" + PQdb(session.raw()) + "\n");
  ASSERT_EQ(0, ::setenv("PGSERVICEFILE", file.c_str(), 1));
  const std::string moved = folder / "away";
  const auto use = [&](pg::Pool& pool) { return lose_the_service(pool, file, moved); };
  with_pool({.connections_max = 2}, use, "service=here");
  ::unsetenv("PGSERVICEFILE");
}

asio::awaitable<void> cancel_again_and_again(pg::Pool& pool) {
  pg::Lease one = co_await pool.acquire();
  pg::Lease other = co_await pool.acquire();
  std::vector<pg::Cancel> first = pool.cancel_leased();
  EXPECT_EQ(2U, first.size());
  EXPECT_TRUE(pool.cancel_leased().empty()) << "they are still to be sent";
  first.pop_back();
  EXPECT_EQ(1U, pool.cancel_leased().size());
  for (const pg::Cancel& cancel : first) cancel.send_blocking();
  first.clear();
  EXPECT_EQ(2U, pool.cancel_leased().size()) << "what runs now may be something else";
}

TEST_F(PoolTest, OneCancelIsUnderWayForEachConnection) {
  with_pool({.connections_max = 2}, cancel_again_and_again);
}

asio::awaitable<void> refuse_a_row(pg::Pool& pool) {
  std::vector<pg::Row> rows;
  for (int i = 0; i < 100; ++i) {
    pg::Row row{i == 70 ? "x" : std::to_string(i)};
    rows.push_back(std::move(row));
  }
  std::optional<pg::RowError> error;
  try {
    co_await pool.executemany("insert into t values ($1)", rows);
  } catch (const pg::RowError& refused) {
    error = refused;
  }
  EXPECT_TRUE(error);
  if (!error) co_return;
  EXPECT_EQ(70U, error->row);
  EXPECT_EQ("22P02", error->state.code());
  EXPECT_EQ(0, (co_await pool.fetch("select count(*) from t")).integer(0, 0));
  EXPECT_EQ(1U, pool.statistics().opened);  // the connection still works
}

TEST_F(PoolTest, ExecutemanyIsAllOrNothingAndNamesTheRow) {
  db().run("create table t (id int)");
  with_pool({}, refuse_a_row);
}

/// Rows of a statement that goes as arrays, and of the same with a comment, which does not.
asio::awaitable<void> insert_in_both_ways(pg::Pool& pool, std::string columns, std::size_t count,
                                          std::vector<pg::Row> some) {
  std::vector<pg::Row> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(some[i % some.size()]);
  std::string statement = "insert into both_ways values (";
  for (std::size_t i = 1; i <= some.front().size(); ++i)
    statement += (i > 1 ? ", $" : "$") + std::to_string(i);
  statement += ")";
  co_await pool.execute("drop table if exists both_ways");
  co_await pool.execute("create table both_ways (" + columns + ")");
  EXPECT_EQ(count, co_await pool.executemany(statement, rows));
  const std::string question =
      "select md5(string_agg(t::text, ';' order by ctid)) from both_ways t";
  const auto many = co_await pool.fetch(question);
  co_await pool.execute("truncate both_ways");
  EXPECT_EQ(count, co_await pool.executemany("/* each */ " + statement, rows));
  const auto each = co_await pool.fetch(question);
  EXPECT_EQ(each.text(0, 0), many.text(0, 0)) << columns;
}

asio::awaitable<void> insert_all_kinds(pg::Pool& pool) {
  const auto null = std::nullopt;
  const std::vector<pg::Row> texts{{"a,b"},  {"{}"},  {"null"}, {"NULL"},     {null}, {""},
                                   {"\\\""}, {" x "}, {"\n"},   {"größe 😀"}, {"x;y"}};
  for (const char* columns : {"v text", "v varchar(20)",
                              "v varchar(20) not null default 'x' check "
                              "(v is null or true), n int default 7"}) {
    std::vector<pg::Row> rows = texts;
    if (std::string_view(columns).contains("not null")) std::erase(rows, pg::Row{null});
    co_await insert_in_both_ways(pool, columns, 12'000, rows);
  }
  const std::vector<pg::Row> numbers{{"1", "2.50", "t", "2020-02-29"},
                                     {null, "NaN", null, null},
                                     {"-7", "1e3", "off", "infinity"}};
  co_await insert_in_both_ways(pool, "a int, b numeric(9,3), c bool, d date", 200, numbers);
  // One whose elements a semicolon parts, arrays, which are none of arrays, and a row.
  const std::vector<pg::Row> boxes{{"(1,1),(0,0)"}, {null}};
  co_await insert_in_both_ways(pool, "v box", 100, boxes);
  const std::vector<pg::Row> arrays{{"{1,2}"}, {"{{1},{2}}"}, {null}};
  co_await insert_in_both_ways(pool, "v int[]", 100, arrays);
  co_await pool.execute("create domain few as int[] check (cardinality(value) < 3)");
  co_await insert_in_both_ways(pool, "v few", 100, arrays);
  co_await pool.execute("create type pair as (a int, b text)");
  const std::vector<pg::Row> pairs{{"(1,\"x,y\")"}, {"(,)"}, {null}};
  co_await insert_in_both_ways(pool, "v pair", 100, pairs);
}

TEST_F(PoolTest, ManyRowsInArraysAreTheSameRows) { with_pool({}, insert_all_kinds); }

asio::awaitable<void> insert_without_arrays(pg::Pool& pool) {
  std::vector<pg::Row> rows(100, pg::Row{"1"});
  rows[60] = {"1", "2"};
  std::optional<pg::RowError> error;
  try {
    co_await pool.executemany("insert into t values ($1)", rows);
  } catch (const pg::RowError& refused) {
    error = refused;
  }
  EXPECT_EQ(60U, error.value().row) << "it has more values than there are parameters";
  rows.assign(100, pg::Row{"1"});
  error.reset();
  try {
    co_await pool.executemany("insert into nowhere values ($1)", rows);
  } catch (const pg::RowError& refused) {
    error = refused;
  }
  EXPECT_EQ("42P01", error.value().state.code());
  EXPECT_EQ(0U, error->row);
  EXPECT_EQ(100U, co_await pool.executemany("insert into t values ($1)", rows));
  EXPECT_EQ(1U, pool.statistics().opened) << "the connection still works";
}

TEST_F(PoolTest, ExecutemanySaysWhatIsWrongAsWithoutArrays) {
  db().run("create table t (id int)");
  with_pool({}, insert_without_arrays);
}

asio::awaitable<std::int64_t> backend_of(
    pg::Pool& pool, const char* question = "select pg_backend_pid(), pg_sleep(0.02)") {
  pg::Lease lease = co_await pool.acquire();
  const auto results = co_await lease->query(question);
  co_return results.front().integer(0, 0);
}

asio::awaitable<void> ask_at_once(pg::Pool& pool, std::size_t count) {
  std::vector<asio::awaitable<std::int64_t>> questions;
  // The first three wait for each other.
  const char* const question = "select pg_backend_pid(), public.meet(), pg_sleep(0.02)";
  for (std::size_t i = 0; i < count; ++i) questions.push_back(backend_of(pool, question));
  const std::vector<std::int64_t> backends = co_await async::gather(std::move(questions));
  const std::set<std::int64_t> distinct(backends.begin(), backends.end());
  EXPECT_EQ(3U, distinct.size());
  const pg::PoolStatistics s = pool.statistics();
  EXPECT_EQ(count, s.acquired);
  EXPECT_EQ(3U, s.opened);
  EXPECT_EQ(3U, s.idle);
  EXPECT_EQ(0U, s.leased);
  EXPECT_GT(s.time_waited, 100ms);
}

TEST_F(PoolTest, OpensNoMoreThanItsMaximum) {
  db().run(
      "create sequence met; create function meet() returns void language plpgsql as $$ begin "
      "perform nextval('public.met'); while (select last_value < 3 from public.met) loop perform "
      "pg_sleep(0.005); end loop; end $$");
  with_pool({.connections_max = 3}, [](pg::Pool& pool) { return ask_at_once(pool, 30); });
}

asio::awaitable<void> open_min(pg::Pool& pool) {
  co_await pool.open_min();
  EXPECT_EQ(2U, pool.statistics().idle);
  EXPECT_EQ(2U, pool.statistics().opened);
}

TEST_F(PoolTest, OpensItsMinimum) {
  with_pool({.connections_min = 2, .connections_max = 3}, open_min);
}

asio::awaitable<void> wait_in_vain(pg::Pool& pool) {
  const pg::Lease taken = co_await pool.acquire();
  std::optional<pg::PgError> error;
  try {
    (void)co_await pool.acquire();
  } catch (const pg::PgError& late) {
    error = late;
  }
  EXPECT_THAT(error ? error->message : "", HasSubstr("within 3.0 s"));
  EXPECT_EQ(0U, pool.statistics().waiting);
}

TEST_F(PoolTest, AcquireHasATimeLimit) {
  with_pool({.connections_max = 1, .acquire_timeout = 3s}, wait_in_vain);
}

TEST_F(PoolTest, ReplacesConnectionsThatTheServerDropped) {
  const auto use = [this](pg::Pool& pool) -> asio::awaitable<void> {
    co_await pool.open_min();
    terminate_sessions();
    // No question finds a dead connection.
    for (int i = 0; i < 3; ++i) (void)co_await backend_of(pool);
    EXPECT_EQ(2U, pool.statistics().broken);
    EXPECT_EQ(3U, pool.statistics().opened);
  };
  with_pool({.connections_min = 2, .connections_max = 2}, use);
}

/// The server is still there, but a firewall has forgotten the connection: only asking tells.
TEST_F(PoolTest, AsksAConnectionThatWasIdleForLong) {
  std::atomic<bool> forgets = false;
  Proxy proxy(url(), [&](std::size_t connection, Proxy::Direction direction, const std::string&) {
    const bool here = forgets && connection == 0 && direction == Proxy::Direction::to_server;
    return here ? Proxy::Action::reset : Proxy::Action::pass;
  });
  const auto use = [&forgets](pg::Pool& pool) -> asio::awaitable<void> {
    const std::int64_t first = co_await backend_of(pool);
    EXPECT_EQ(first, co_await backend_of(pool));
    forgets = true;
    EXPECT_NE(first, co_await backend_of(pool));
    EXPECT_EQ(1U, pool.statistics().broken);
  };
  with_pool({.connections_max = 1, .idle_check_after = 0ms}, use, proxy.url(url()));
}

TEST_F(PoolTest, ClosesConnectionsThatAreTooOld) {
  const auto use = [](pg::Pool& pool) -> asio::awaitable<void> {
    const std::int64_t first = co_await backend_of(pool);
    EXPECT_NE(first, co_await backend_of(pool));
    EXPECT_EQ(1U, pool.statistics().expired);
  };
  with_pool({.connections_max = 1, .lifetime_max = 1ms}, use);
}

/// A server that drops every connection in the middle of its greeting, three times.
TEST_F(PoolTest, AsksAgainForAConnectionWithBackOff) {
  std::atomic<int> drops = 0;
  Proxy proxy(url(), [&](std::size_t connection, Proxy::Direction direction, const std::string&) {
    if (direction == Proxy::Direction::to_server || connection >= 3) return Proxy::Action::pass;
    ++drops;
    return Proxy::Action::reset;
  });
  const auto use = [](pg::Pool& pool) -> asio::awaitable<void> {
    (void)co_await backend_of(pool);
    EXPECT_EQ(3U, pool.statistics().not_opened);
    EXPECT_EQ(1U, pool.statistics().opened);
  };
  with_pool({.connections_max = 1, .acquire_timeout = 30s, .reopen = {5ms, 20ms}}, use,
            proxy.url(url()));
  EXPECT_EQ(3, drops);
}

asio::awaitable<void> pipeline_groups(pg::Connection& on, std::vector<std::size_t>& answered,
                                      std::optional<pg::PipelineError>& error) {
  const auto on_result = [&answered](std::size_t command, const pg::Result&) {
    answered.push_back(command);
  };
  pg::Pipeline pipeline(on, on_result);
  co_await pipeline.execute("insert into t values (1)");  // 0
  co_await pipeline.execute("insert into t values (2)");  // 1
  co_await pipeline.sync();
  co_await pipeline.execute("insert into t values (3)");  // 2: rolled back
  co_await pipeline.execute("insert into t values (1)");  // 3: refused
  co_await pipeline.execute("insert into t values (4)");  // 4: not run
  co_await pipeline.sync();
  co_await pipeline.execute("insert into t values (5)");  // 5
  error = co_await pipeline.finish();
}

TEST_F(PoolTest, AnErrorInAPipelineReachesToTheNextSync) {
  db().run("create table t (id int primary key)");
  const auto use = [this](pg::Pool& pool) -> asio::awaitable<void> {
    pg::Lease lease = co_await pool.acquire();
    std::vector<std::size_t> answered;
    std::optional<pg::PipelineError> error;
    co_await pipeline_groups(*lease, answered, error);
    EXPECT_EQ((std::vector<std::size_t>{0, 1, 2, 5}), answered);
    EXPECT_TRUE(error);
    if (error) {
      EXPECT_EQ(3U, error->command);
      EXPECT_EQ("23505", error->error.state.code());
    }
    EXPECT_TRUE(lease->is_clean());
    EXPECT_EQ("1 2 5", db().value("select string_agg(id::text, ' ' order by id) from t"));
  };
  with_pool({}, use);
}

/// The server's answers fill every buffer between here and there: a client that only writes would
/// wait for it, and it for the client.
TEST_F(PoolTest, APipelineServesBothDirections) {
  const auto use = [](pg::Pool& pool) -> asio::awaitable<void> {
    pg::Lease lease = co_await pool.acquire();
    std::uint64_t bytes = 0;
    const auto on_result = [&bytes](std::size_t, const pg::Result& result) {
      bytes += result.text(0, 0).size();
    };
    pg::PipelineWindow window{.commands_max = 1'000'000, .bytes_max = 1U << 30U};
    pg::Pipeline pipeline(*lease, on_result, window);
    const std::string text(10'000, 'x');
    pg::Row row{text};
    const pg::RawParameters parameters(row);
    for (int i = 0; i < 4'000; ++i) co_await pipeline.execute("select $1::text", parameters);
    const std::optional<pg::PipelineError> error = co_await pipeline.finish();
    EXPECT_FALSE(error);
    EXPECT_EQ(40'000'000U, bytes);
  };
  with_pool({}, use);
}

TEST_F(PoolTest, AWindowOfOneCommandIsAlwaysAnswered) {
  const auto use = [](pg::Pool& pool) -> asio::awaitable<void> {
    pg::Lease lease = co_await pool.acquire();
    std::size_t answers = 0;
    const auto on_result = [&answers](std::size_t, const pg::Result&) { ++answers; };
    pg::PipelineWindow window{.commands_max = 1, .bytes_max = 1};
    pg::Pipeline pipeline(*lease, on_result, window);
    for (int i = 0; i < 50; ++i) co_await pipeline.execute("select 1");
    EXPECT_GE(answers, 49U);
    (void)co_await pipeline.finish();
    EXPECT_EQ(50U, answers);
  };
  with_pool({}, use);
}

/// A lease that was in the middle of a pipeline when its user was thrown out is not lent again.
TEST_F(PoolTest, AnUnfinishedPipelineIsNotReused) {
  const auto use = [](pg::Pool& pool) -> asio::awaitable<void> {
    {
      pg::Lease lease = co_await pool.acquire();
      pg::Pipeline pipeline(*lease);
      co_await pipeline.execute("select 1");
    }
    EXPECT_EQ(0U, pool.statistics().idle);
    (void)co_await backend_of(pool);
    EXPECT_EQ(2U, pool.statistics().opened);
  };
  with_pool({}, use);
}

}  // namespace
}  // namespace sluice::test
