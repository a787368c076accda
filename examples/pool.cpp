// A pool of connections: statements, many rows at once, questions side by side.
//   pool URL

#include "pgsluice/pool.hpp"

#include "example.hpp"

using namespace sluice;
using namespace std::chrono_literals;

asio::awaitable<std::int64_t> count(pg::Pool& pool, int remainder) {
  pg::Row parameters{std::to_string(remainder)};
  const pg::Result found =
      co_await pool.fetch("select count(*) from pool_example where id % 3 = $1::int", parameters);
  co_return found.integer(0, 0);
}

asio::awaitable<void> program(pg::Pool& pool) {
  co_await pool.execute("drop table if exists pool_example");
  co_await pool.execute("create table pool_example (id int primary key, name text)");
  std::vector<pg::Row> rows;
  for (int i = 1; i <= 1000; ++i) {
    pg::Row row{std::to_string(i), std::nullopt};
    rows.push_back(std::move(row));
  }
  const auto inserted =
      co_await pool.executemany("insert into pool_example values ($1, $2)", std::move(rows));
  std::printf("inserted %llu\n", static_cast<unsigned long long>(inserted));

  std::vector<asio::awaitable<std::int64_t>> questions;
  for (int remainder = 0; remainder < 3; ++remainder) questions.push_back(count(pool, remainder));
  for (const std::int64_t answer : co_await async::gather(std::move(questions)))
    std::printf("%lld ", static_cast<long long>(answer));
  std::printf("\n");
  co_await pool.execute("drop table pool_example");
}

int main(int argc, char** argv) {
  asio::io_context io;
  pg::ConnectOptions connect;
  connect.dbname = argc > 1 ? argv[1] : "";
  pg::Pool pool(io.get_executor(), connect, {.connections_max = 3, .acquire_timeout = 10s});
  return example::run(io, program(pool));
}
