// What one core does to CSV before the server sees it: scanning, parsing, encoding, and each codec.
//   build/bench/tests/bench/micro_bench --benchmark_filter=narrow
// bytes_per_second is of CSV.

#include <benchmark/benchmark.h>
#include <xxhash.h>

#include <cstring>
#include <map>

#include "base/limits.hpp"
#include "bench/data_sets.hpp"
#include "bench/encoding.hpp"
#include "chunk/segment.hpp"
#include "csv/parser.hpp"
#include "csv/scanner.hpp"
#include "tuple/encoder.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t chunk_bytes = 8 << 20;

/// About a chunk of whole records of a data set, without its header, with a scanner's padding
/// behind.
struct Sample {
  std::string bytes;
  std::size_t size = 0;
  csv::StructuralIndex index;
};

const Sample& sample_of(const DataSet& set) {
  static std::map<std::string, Sample> samples;
  const auto [place, is_new] = samples.try_emplace(set.name);
  Sample& sample = place->second;
  if (is_new) {
    Random random;
    for (std::uint64_t row = 0; sample.bytes.size() < chunk_bytes; ++row)
      set.write(sample.bytes, row, random);
    sample.size = sample.bytes.size();
    sample.bytes.resize(sample.size + csv::Scanner::padding);
    csv::ScanState state;
    csv::Scanner(csv::Dialect{}).scan(sample.bytes.data(), 0, sample.size, state, sample.index);
  }
  return sample;
}

void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) *
                          static_cast<std::int64_t>(state.iterations()));
}

void scan(benchmark::State& state, const DataSet& set, csv::Scanner::Form form) {
  const Sample& sample = sample_of(set);
  const csv::Scanner scanner(csv::Dialect{}, form);
  csv::StructuralIndex index;
  for (auto _ : state) {
    csv::ScanState scan_state;
    index.clear();
    scanner.scan(sample.bytes.data(), 0, sample.size, scan_state, index);
    benchmark::DoNotOptimize(index.data());
  }
  count_bytes(state, sample.size);
  state.SetLabel(scanner.form());
}

/// Of a segment, for each way in which it may begin.
void segment_scan(benchmark::State& state, const DataSet& set) {
  const Sample& sample = sample_of(set);
  for (auto _ : state) {
    chunk::SegmentScan scan(csv::Dialect{}, csv::LineEnd::lf, csv::Scanner::Form::automatic);
    for (std::size_t at = 0; at < sample.size; at += limits::scan_slice_bytes)
      scan.scan({sample.bytes.data() + at, std::min(limits::scan_slice_bytes, sample.size - at)});
    benchmark::DoNotOptimize(scan.facts().lines);
  }
  count_bytes(state, sample.size);
}

/// What the chunker adds to the scan.
void digest(benchmark::State& state, const DataSet& set) {
  const Sample& sample = sample_of(set);
  for (auto _ : state) benchmark::DoNotOptimize(XXH3_64bits(sample.bytes.data(), sample.size));
  count_bytes(state, sample.size);
}

void parse(benchmark::State& state, const DataSet& set) {
  const Sample& sample = sample_of(set);
  csv::Parser parser(csv::Dialect{}, csv::LineEnd::lf);
  for (auto _ : state) {
    parser.start({sample.bytes.data(), sample.size, sample.index, false});
    csv::Record record;
    std::size_t fields = 0;
    while (parser.next(record)) fields += record.fields.size();
    benchmark::DoNotOptimize(fields);
  }
  count_bytes(state, sample.size);
}

/// All that the client's CPU does for a chunk, but for sending it. Returns what became of it.
tuple::Batch measure_scan_and_encode(benchmark::State& state, const Sample& sample,
                                     const tuple::EncoderPlan& plan) {
  tuple::Encoder encoder(plan);
  tuple::Batch batch;
  const csv::Scanner scanner(plan.dialect, csv::Scanner::Form::automatic, plan.line_end);
  csv::StructuralIndex index;
  for (auto _ : state) {
    csv::ScanState scan_state;
    index.clear();
    scanner.scan(sample.bytes.data(), 0, sample.size, scan_state, index);
    encoder.encode({sample.bytes.data(), sample.size, index, false}, batch);
    benchmark::DoNotOptimize(batch.fast.size);
  }
  count_bytes(state, sample.size);
  state.counters["ns_per_row"] = benchmark::Counter(
      static_cast<double>(batch.records) * static_cast<double>(state.iterations()) / 1e9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  return batch;
}

void scan_and_encode(benchmark::State& state, const DataSet& set) {
  const tuple::Batch batch = measure_scan_and_encode(state, sample_of(set), plan_of(set));
  if (batch.slow.tuples > 0 || batch.rejects > 0) state.SkipWithError("not all in the fast lane");
}

struct NamedDialect {
  std::string name;
  csv::Dialect dialect;
  csv::LineEnd line_end = csv::LineEnd::lf;
};

std::vector<NamedDialect> other_dialects() {
  const csv::Dialect unquoted =
      csv::dialect_of({.delimiter = '\t', .quote = csv::Dialect::none}, csv::Format::csv);
  csv::DialectWishes backslash{.escape = '\\', .escapes_everywhere = true};
  return {{"wide", {.delimiter = *csv::Delimiter::of("||")}},
          {"unquoted", unquoted},
          {"text", csv::dialect_of({}, csv::Format::text)},
          {"backslash", csv::dialect_of(backslash, csv::Format::csv)},
          {"any_line_end", {}, csv::LineEnd::any}};
}

/// The sample's records as that dialect has them.
Sample rewritten(const Sample& sample, const NamedDialect& as) {
  const csv::Dialect& dialect = as.dialect;
  Sample other;
  csv::Parser parser(csv::Dialect{}, csv::LineEnd::lf);
  parser.start({sample.bytes.data(), sample.size, sample.index, false});
  for (csv::Record record; parser.next(record);) {
    const csv::Field* const first = record.fields.data();
    for (const csv::Field& field : record.fields) {
      if (&field != first) other.bytes += dialect.delimiter.text();
      const bool is_quoted = dialect.has_quotes() && field.quoted;
      if (field.null) {
        other.bytes += dialect.null_text;
        continue;
      }
      if (is_quoted) other.bytes += dialect.quote;
      for (const char c : field.view()) {
        if (dialect.escape != csv::Dialect::none && (c == dialect.escape || c == dialect.quote))
          other.bytes += dialect.escape;
        if (dialect.has_quotes() || (c != '\n' && c != '\t')) other.bytes += c;
      }
      if (is_quoted) other.bytes += dialect.quote;
    }
    other.bytes += '\n';
  }
  other.size = other.bytes.size();
  other.bytes.resize(other.size + csv::Scanner::padding);
  return other;
}

/// The same rows in another dialect: ns_per_row compares with scan_and_encode.
void scan_and_encode_as(benchmark::State& state, const DataSet& set, const NamedDialect& as) {
  tuple::EncoderPlan plan = plan_of(set);
  plan.dialect = as.dialect;
  plan.line_end = as.line_end;
  const tuple::Batch batch = measure_scan_and_encode(state, rewritten(sample_of(set), as), plan);
  if (batch.rejects > 0) state.SkipWithError("not all are rows");
}

void encode(benchmark::State& state, const DataSet& set) {
  const Sample& sample = sample_of(set);
  const tuple::EncoderPlan plan = plan_of(set);
  tuple::Encoder encoder(plan);
  tuple::Batch batch;
  for (auto _ : state) {
    encoder.encode({sample.bytes.data(), sample.size, sample.index, false}, batch);
    benchmark::DoNotOptimize(batch.fast.size);
  }
  count_bytes(state, sample.size);
}

struct CodecSample {
  const char* name;
  std::uint32_t type;
  std::vector<std::string> texts;
};

std::vector<CodecSample> codec_samples() {
  namespace oid = tuple::oid;
  return {
      {"int2", oid::int2, {"1", "-32000", "255"}},
      {"int4", oid::int4, {"1", "20240101", "-70000"}},
      {"int8", oid::int8, {"1", "1704067200000", "-99"}},
      {"float4", oid::float4, {"1.5", "-0.25", "1e10"}},
      {"float8", oid::float8, {"99.123456", "-0.000123", "12"}},
      {"numeric", oid::numeric, {"12345.67", "0.05", "-100.00"}},
      {"bool", oid::boolean, {"t", "false", "1"}},
      {"text", oid::text, {"furiously ironic deposits", "N", ""}},
      {"uuid", oid::uuid, {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
      {"date", oid::date, {"1995-03-17", "2024-02-29"}},
      {"time", oid::time, {"12:00:00", "23:59:59.123456"}},
      {"timestamp", oid::timestamp, {"2024-02-29 12:00:00", "2024-02-29 12:00:00.123"}},
      {"timestamptz", oid::timestamptz, {"2024-02-29 12:00:00+00", "2024-02-29T12:00:00Z"}},
      {"timetz", oid::timetz, {"12:00:00+00", "23:59:59.5-03"}},
      {"interval", oid::interval, {"1 day 04:05:06", "1 year 2 mons", "00:00:01.5"}},
      {"bytea", oid::bytea, {"\\x00ff10203040506070", "plain text"}},
      {"json", oid::json, {"{\"a\": 1}"}},
      {"jsonb", oid::jsonb, {"{\"a\": 1}"}},
      {"inet", oid::inet, {"10.0.0.1", "2001:db8::1"}},
      {"cidr", oid::cidr, {"10.0.0.0/8", "2001:db8::/32"}},
      {"macaddr", oid::macaddr, {"08:00:2b:01:02:03"}},
      {"macaddr8", oid::macaddr8, {"08:00:2b:01:02:03:04:05"}},
      {"oid", oid::oid, {"1", "4000000000"}},
      {"int4[]", oid::array_of_int4, {"{1,2,3}", "{}"}},
      {"text[]", oid::array_of_text, {"{red,\"dark green\",NULL}"}},
  };
}

void codec(benchmark::State& state, const CodecSample& sample) {
  const tuple::Encode run = tuple::codec_of({sample.type}, {.time_zone_is_utc = true});
  char out[256];
  std::vector<std::string> padded = sample.texts;
  for (std::string& text : padded) text.reserve(text.size() + tuple::codec_padding);
  for (auto _ : state) {
    for (const std::string& text : padded) {
      char* const end = run(text.data(), text.size(), out);
      if (end == nullptr) state.SkipWithError("not for the fast lane");
      benchmark::DoNotOptimize(end);
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sample.texts.size()) *
                          static_cast<std::int64_t>(state.iterations()));
  state.counters["ns_per_value"] = benchmark::Counter(
      static_cast<double>(sample.texts.size()) * static_cast<double>(state.iterations()) / 1e9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void register_all() {
  for (const DataSet& set : data_sets()) {
    const auto add = [&set](const std::string& name, auto&&... arguments) {
      benchmark::RegisterBenchmark((name + "/" + set.name).c_str(), arguments...)
          ->Unit(benchmark::kMillisecond);
    };
    add("scan", scan, set, csv::Scanner::Form::automatic);
    add("scan_portable", scan, set, csv::Scanner::Form::portable);
    add("segment_scan", segment_scan, set);
    add("digest", digest, set);
    add("parse", parse, set);
    add("encode", encode, set);
    add("scan_and_encode", scan_and_encode, set);
    for (const NamedDialect& as : other_dialects())
      add("scan_and_encode_" + as.name, scan_and_encode_as, set, as);
  }
  for (const CodecSample& sample : codec_samples())
    benchmark::RegisterBenchmark(("codec/" + std::string(sample.name)).c_str(), codec, sample);
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
