// How fast the server takes what pgsluice would send, when encoding it costs nothing: all batches
// of a file are made first, then sent from memory over so many connections, each batch in a
// transaction of its own. Prints rows, seconds and CPU seconds of the sending.
//   bench_floor URL DATA-SET FILE CONNECTIONS
//   bench_floor URL --rows-of FULL-TABLE TABLE CONNECTIONS
//       the batches are what the server gives of a table that has the rows already

#include <libpq-fe.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

#include "base/limits.hpp"
#include "bench/cpu_time.hpp"
#include "bench/encoding.hpp"
#include "chunk/chunker.hpp"
#include "chunk/preamble.hpp"

namespace {

using namespace sluice;

struct Made {
  std::vector<std::string> batches;
  std::uint64_t rows = 0;
};

Made make_batches(const bench::DataSet& set, const std::string& path) {
  const tuple::EncoderPlan plan = bench::plan_of(set);
  const std::unique_ptr<source::Source> source = source::open(path);
  chunk::Preamble preamble = chunk::read_preamble(
      *source, {.dialect = {}, .has_header = true, .skip_lines = 0, .bytes_max = 1 << 20});
  chunk::Chunker chunker(*source, std::move(preamble),
                         {.dialect = {},
                          .chunk_bytes = limits::chunk_bytes_default,
                          .record_bytes_max = limits::record_bytes_default});
  tuple::Encoder encoder(plan);
  Made made;
  chunk::Chunk chunk;
  while (chunker.next(chunk)) {
    tuple::Batch batch;
    encoder.encode(chunk.parse_input(), batch);
    if (batch.slow.tuples > 0 || batch.rejects > 0)
      throw std::runtime_error("not all in the fast lane");
    made.rows += batch.fast.tuples;
    made.batches.emplace_back(batch.fast.bytes());
  }
  return made;
}

void require(bool ok, PGconn* connection) {
  if (!ok) throw std::runtime_error(PQerrorMessage(connection));
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

Connection connect(const char* url) {
  Connection connection(PQconnectdb(url), &PQfinish);
  require(PQstatus(connection.get()) == CONNECTION_OK, connection.get());
  return connection;
}

/// Of about as many bytes as chunks have. A message is a row, the first one with the form's header
/// in front of it, and the last one its trailer.
Made rows_of(const char* url, const std::string& table) {
  static constexpr std::size_t header_bytes = 19;
  static constexpr std::string_view trailer("\377\377", 2);
  const Connection connection = connect(url);
  const std::string sql = "copy " + table + " to stdout (format binary)";
  PQclear(PQexec(connection.get(), sql.c_str()));
  Made made;
  std::string header;
  for (char* message = nullptr;;) {
    const int size = PQgetCopyData(connection.get(), &message, 0);
    if (size < 0) break;
    std::string_view row(message, static_cast<std::size_t>(size));
    if (header.empty()) {
      header = row.substr(0, header_bytes);
      row.remove_prefix(header_bytes);
    }
    if (row != trailer) {
      if (made.batches.empty() || made.batches.back().size() > limits::chunk_bytes_default) {
        if (!made.batches.empty()) made.batches.back() += trailer;
        made.batches.push_back(header);
      }
      made.batches.back() += row;
      ++made.rows;
    }
    PQfreemem(message);
  }
  if (made.batches.empty()) throw std::runtime_error(table + " gives no rows");
  made.batches.back() += trailer;
  return made;
}

void send(PGconn* connection, const std::string& sql, std::string_view bytes) {
  require(PQsendQuery(connection, sql.c_str()) == 1, connection);
  while (PGresult* result = PQgetResult(connection)) {
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    require(status != PGRES_FATAL_ERROR, connection);
    if (status != PGRES_COPY_IN) continue;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), limits::copy_slice_bytes))) {
      const std::string_view slice = bytes.substr(0, limits::copy_slice_bytes);
      require(PQputCopyData(connection, slice.data(), static_cast<int>(slice.size())) == 1,
              connection);
    }
    require(PQputCopyEnd(connection, nullptr) == 1, connection);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const bool is_of_table = argc == 6 && argv[2] == std::string_view("--rows-of");
    if (argc != 5 && !is_of_table)
      throw std::invalid_argument("bench_floor URL (DATA-SET FILE | --rows-of FULL TABLE) COUNT");
    const std::string table = is_of_table ? argv[4] : bench::data_set(argv[2]).name;
    const Made made =
        is_of_table ? rows_of(argv[1], argv[3]) : make_batches(bench::data_set(argv[2]), argv[3]);
    const std::string sql = "begin; copy " + table + " from stdin (format binary); commit";
    const auto began = std::chrono::steady_clock::now();
    const double cpu_before = bench::cpu_seconds();
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(argv[argc - 1]); ++i) {
      threads.emplace_back([&] {
        const Connection connection = connect(argv[1]);
        for (std::size_t n = next++; n < made.batches.size(); n = next++)
          send(connection.get(), sql, made.batches[n]);
      });
    }
    threads.clear();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - began;
    std::printf("%llu %.4f %.4f\n", static_cast<unsigned long long>(made.rows), wall.count(),
                bench::cpu_seconds() - cpu_before);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_floor: %s\n", error.what());
    return 1;
  }
  return 0;
}
