// Ways to INSERT rows that are in memory, for script/bench:
//   bench_strategies URL WAY ROWS CONNECTIONS
//   WAY   one-by-one: a round trip for each row; pipelined: single rows, many on their way;
//         executemany: the pool's, which makes arrays of values in text form; arrays: as a load
//         with
//         --writer insert has them, encoded beforehand
// into the table narrow. Prints rows, seconds and CPU seconds.

#include <cstdio>
#include <cstdlib>

#include "async/gather.hpp"
#include "bench/cpu_time.hpp"
#include "bench/encoding.hpp"
#include "csv/scanner.hpp"
#include "pg/pool.hpp"
#include "writer/insert_writer.hpp"

namespace {

using namespace sluice;

std::string statement(std::size_t columns) {
  std::string sql = "insert into narrow values (";
  for (std::size_t i = 1; i <= columns; ++i) sql += (i > 1 ? ",$" : "$") + std::to_string(i);
  return sql + ")";
}

/// The records as values in text form.
std::vector<pg::Row> rows_of(const std::string& csv) {
  std::vector<pg::Row> rows;
  for (std::size_t at = csv.find('\n') + 1; at < csv.size();) {
    const std::size_t end = csv.find('\n', at);
    pg::Row& row = rows.emplace_back();
    for (std::size_t begin = at; begin <= end;) {
      const std::size_t comma = std::min(csv.find(',', begin), end);
      row.emplace_back(csv.substr(begin, comma - begin));
      begin = comma + 1;
    }
    at = end + 1;
  }
  return rows;
}

asio::awaitable<bool> insert_one_by_one(pg::Pool& pool, std::span<const pg::Row> rows) {
  pg::Lease lease = co_await pool.acquire();
  for (const pg::Row& row : rows) co_await lease->execute(statement(row.size()), row);
  co_return true;
}

asio::awaitable<bool> insert_pipelined(pg::Pool& pool, std::span<const pg::Row> rows) {
  std::vector<pg::Row> copy(rows.begin(), rows.end());
  // The comment makes it none that goes as arrays.
  const std::string sql = "/* a row */ " + statement(rows.front().size());
  co_await pool.executemany(sql, std::move(copy));
  co_return true;
}

asio::awaitable<bool> insert_in_arrays(pg::Pool& pool, std::span<const pg::Row> rows) {
  std::vector<pg::Row> copy(rows.begin(), rows.end());
  co_await pool.executemany(statement(rows.front().size()), std::move(copy));
  co_return true;
}

/// The records as a load would have them, encoded beforehand.
struct Encoded {
  explicit Encoded(const std::string& csv) {
    std::size_t begin = 0;
    for (tuple::EncodedField& field : plan.fields) {
      const std::size_t end = csv.find_first_of(",\n", begin);
      field.column = csv.substr(begin, end - begin);
      begin = end + 1;
    }
    text = csv.substr(csv.find('\n') + 1);
    const std::size_t size = text.size();
    text.append(csv::Scanner::padding, '\0');
    csv::ScanState state;
    csv::Scanner(plan.dialect).scan(text.data(), 0, size, state, index);
    tuple::Encoder(plan).encode({text.data(), size, index, false}, batch);
  }

  tuple::EncoderPlan plan = bench::plan_of(bench::data_set("narrow"));
  csv::StructuralIndex index;
  std::string text;
  tuple::Batch batch;
};

asio::awaitable<bool> insert_many(pg::Pool& pool, const Encoded& encoded) {
  pg::Lease lease = co_await pool.acquire();
  writer::Settings settings;
  const writer::Target target = co_await writer::describe(*lease, "narrow", settings);
  const writer::InsertWriter writer(target, encoded.plan, std::nullopt, limits::batch_rows_default);
  co_await writer.write(*lease, encoded.batch, {});
  co_return true;
}

asio::awaitable<void> insert(pg::Pool& pool, std::string way, const std::string& csv,
                             std::size_t connections) {
  co_await pool.open_min();
  const std::vector<pg::Row> rows = way == "arrays" ? std::vector<pg::Row>() : rows_of(csv);
  const Encoded encoded(way == "arrays" ? csv : csv.substr(0, csv.find('\n') + 1));
  const auto began = std::chrono::steady_clock::now();
  const double cpu = bench::cpu_seconds();
  std::vector<asio::awaitable<bool>> tasks;
  const std::size_t share = (rows.size() + connections - 1) / connections;
  for (std::size_t i = 0; i < connections; ++i) {
    const std::size_t first = std::min(i * share, rows.size());
    const std::span<const pg::Row> part =
        std::span(rows).subspan(first, std::min(share, rows.size() - first));
    if (way == "one-by-one") tasks.push_back(insert_one_by_one(pool, part));
    if (way == "pipelined") tasks.push_back(insert_pipelined(pool, part));
    if (way == "executemany") tasks.push_back(insert_in_arrays(pool, part));
    if (way == "arrays") tasks.push_back(insert_many(pool, encoded));
  }
  const bool is_all = tasks.size() == connections;
  co_await async::gather(std::move(tasks));
  if (!is_all) throw std::invalid_argument("no way: " + way);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
  std::printf("%zu %.4f %.4f\n", rows.size() + encoded.batch.tuples() * connections, wall.count(),
              bench::cpu_seconds() - cpu);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 5) throw std::invalid_argument("bench_strategies URL WAY ROWS CONNECTIONS");
    const auto connections = static_cast<std::size_t>(std::atoi(argv[4]));
    const std::string csv =
        bench::csv_of(bench::data_set("narrow"), static_cast<std::uint64_t>(std::atoll(argv[3])));
    asio::io_context io;
    pg::ConnectOptions connect;
    connect.dbname = argv[1];
    pg::Pool pool(io.get_executor(), connect,
                  {.connections_min = connections, .connections_max = connections});
    std::exception_ptr failed;
    const auto on_end = [&failed](const std::exception_ptr& error) { failed = error; };
    asio::co_spawn(io, insert(pool, argv[2], csv, connections), on_end);
    io.run();
    if (failed) std::rethrow_exception(failed);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_strategies: %s\n", error.what());
    return 1;
  }
  return 0;
}
