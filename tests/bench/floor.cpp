// How fast the server takes what pgsluice would send, when encoding it costs nothing: all batches
// of a file are made first, then sent from memory over so many connections, each batch in a
// transaction of its own. Prints rows, seconds and CPU seconds of the sending.
//   bench_floor URL DATA-SET FILE CONNECTIONS

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
  std::vector<tuple::Batch> batches;
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
    tuple::Batch& batch = made.batches.emplace_back();
    encoder.encode(chunk.parse_input(), batch);
    if (batch.slow.tuples > 0 || batch.rejects > 0)
      throw std::runtime_error("not all in the fast lane");
    made.rows += batch.fast.tuples;
  }
  return made;
}

void require(bool ok, PGconn* connection) {
  if (!ok) throw std::runtime_error(PQerrorMessage(connection));
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
    if (argc != 5) throw std::invalid_argument("bench_floor URL DATA-SET FILE CONNECTIONS");
    const bench::DataSet& set = bench::data_set(argv[2]);
    const Made made = make_batches(set, argv[3]);
    const std::string sql = "begin; copy " + set.name + " from stdin (format binary); commit";
    const auto began = std::chrono::steady_clock::now();
    const double cpu_before = bench::cpu_seconds();
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::atoi(argv[4]); ++i) {
      threads.emplace_back([&] {
        PGconn* const connection = PQconnectdb(argv[1]);
        require(PQstatus(connection) == CONNECTION_OK, connection);
        for (std::size_t n = next++; n < made.batches.size(); n = next++)
          send(connection, sql, made.batches[n].fast.bytes());
        PQfinish(connection);
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
