#include "tuple/encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/endian.hpp"

namespace sluice::tuple {
namespace {

constexpr char binary_header[] =
    "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";  // signature, flags, extension length
constexpr std::size_t binary_header_bytes = 19;
constexpr std::size_t binary_trailer_bytes = 2;

/// At least `bytes` more room in a lane; grows by half, so that a steady load stops allocating.
char* room(Lane& lane, std::size_t bytes) {
  if (lane.buffer.capacity() - lane.size < bytes) {
    lane.buffer.reserve(
        std::max(lane.size + bytes, lane.buffer.capacity() + lane.buffer.capacity() / 2));
  }
  return lane.buffer.bytes() + lane.size;
}

}  // namespace

std::vector<std::string> EncoderPlan::column_names() const {
  std::vector<std::string> names;
  for (const EncodedField& field : fields) {
    if (!field.ignored) names.push_back(field.column);
  }
  return names;
}

EncoderPlan plan_encoder(const Table& table, const Mapping& mapping, const csv::Dialect& dialect,
                         csv::LineEnd line_end, const SessionSettings& settings) {
  EncoderPlan plan{.dialect = dialect, .line_end = line_end, .fields = {}};
  for (const std::optional<std::size_t>& target : mapping.targets) {
    if (!target) {
      plan.fields.push_back({.ignored = true, .encode = nullptr, .column = {}});
      continue;
    }
    const Column& column = table.columns[*target];
    const Encode encode = codec_of(column.base_type, settings);
    plan.fields.push_back({.ignored = false, .encode = encode, .column = column.name});
    plan.fast_lane = plan.fast_lane && encode != nullptr;
    plan.growth = std::max(plan.growth, growth_of(column.base_type));
    ++plan.columns;
  }
  return plan;
}

void Encoder::encode(const csv::ParseInput& input, Batch& batch, RecordRange range) {
  batch.rejects.clear();
  batch.records = 0;
  for (Lane* lane : {&batch.fast, &batch.slow}) {
    lane->size = 0;
    lane->tuples = 0;
  }
  if (plan_.fast_lane) {
    // Twice the text is enough for most; what is not written costs no memory.
    std::memcpy(room(batch.fast, 2 * input.size + binary_header_bytes), binary_header,
                binary_header_bytes);
    batch.fast.size = binary_header_bytes;
  }

  parser_.start(input);
  csv::Record record;
  for (std::uint64_t number = 0; number < range.end && parser_.next(record); ++number) {
    if (number < range.first) continue;
    ++batch.records;
    if (!is_sound(record)) {
      Reject reject = structural_defect(record);
      reject.position.record = number;
      batch.rejects.push_back(std::move(reject));
      continue;
    }
    const std::size_t bytes = tuple_bytes_max(record);
    if (plan_.fast_lane) {
      const Encoded encoded = encode_fast(record, room(batch.fast, bytes));
      if (encoded.end != nullptr) {
        batch.fast.size = static_cast<std::size_t>(encoded.end - batch.fast.buffer.bytes());
        ++batch.fast.tuples;
        continue;
      }
    }
    char* const end = encode_slow(record, room(batch.slow, bytes));
    batch.slow.size = static_cast<std::size_t>(end - batch.slow.buffer.bytes());
    ++batch.slow.tuples;
  }
  if (plan_.fast_lane) {
    store_big_endian(room(batch.fast, binary_trailer_bytes), std::int16_t{-1});
    batch.fast.size += binary_trailer_bytes;
  }
}

std::optional<FoundRecord> Encoder::find(const csv::ParseInput& input, LaneName lane,
                                         std::uint64_t tuple) {
  Buffer scratch;
  parser_.start(input);
  csv::Record record;
  for (std::uint64_t number = 0; parser_.next(record); ++number) {
    if (!is_sound(record)) continue;
    scratch.reserve(tuple_bytes_max(record));
    const Encoded encoded = encode_fast(record, scratch.bytes());
    const bool fast = plan_.fast_lane && encoded.end != nullptr;
    if (fast != (lane == LaneName::fast)) continue;
    if (tuple-- == 0) return describe(record, number, encoded);
  }
  return std::nullopt;
}

std::optional<FoundRecord> Encoder::find(const csv::ParseInput& input, std::uint64_t wanted) {
  Buffer scratch;
  parser_.start(input);
  csv::Record record;
  for (std::uint64_t number = 0; parser_.next(record); ++number) {
    if (number != wanted) continue;
    if (!is_sound(record)) return describe(record, number, {nullptr, plan_.fields.size()});
    scratch.reserve(tuple_bytes_max(record));
    return describe(record, number, encode_fast(record, scratch.bytes()));
  }
  return std::nullopt;
}

/// The words and SQLSTATEs are those of PostgreSQL's COPY (copyfromparse.c).
Reject Encoder::structural_defect(const csv::Record& record) const {
  Reject reject;
  reject.begin = record.begin;
  reject.size = record.end - record.begin;
  reject.sql_state = "22P04";  // bad_copy_file_format
  if (record.defect != csv::Defect::none) {
    reject.message = csv::message_of(record.defect);
    return reject;
  }
  if (record.fields.size() > plan_.fields.size()) {
    reject.message =
        fmt::format("extra data after last expected column: {} fields where {} are expected",
                    record.fields.size(), plan_.fields.size());
  } else {
    const EncodedField& missing = plan_.fields[record.fields.size()];
    reject.message = missing.ignored
                         ? "missing data"
                         : fmt::format("missing data for column \"{}\"", missing.column);
    reject.message +=
        fmt::format(": {} fields where {} are expected", record.fields.size(), plan_.fields.size());
  }
  return reject;
}

/// An upper bound of a tuple's size in both lanes.
std::size_t Encoder::tuple_bytes_max(const csv::Record& record) const {
  // Fast: field count, then for each field a length word and a codec's slack. Slow: every byte
  // escaped, a separator.
  const std::size_t text = record.end - record.begin;
  return 2 + plan_.fields.size() * (4 + codec_slack) + plan_.growth * text;
}

Encoder::Encoded Encoder::encode_fast(const csv::Record& record, char* out) const {
  out = store_big_endian(out, static_cast<std::int16_t>(plan_.columns));
  const csv::Field* const fields = record.fields.data();
  for (std::size_t i = 0; i < plan_.fields.size(); ++i) {
    const EncodedField& plan = plan_.fields[i];
    const csv::Field& field = fields[i];
    if (plan.ignored) continue;
    if (field.null) {
      out = store_big_endian(out, std::int32_t{-1});
      continue;
    }
    if (plan.encode == nullptr) return {nullptr, i};
    char* const value = out + 4;
    char* const end = plan.encode(field.text, field.size, value);
    if (end == nullptr) return {nullptr, i};
    store_big_endian(out, static_cast<std::int32_t>(end - value));
    out = end;
  }
  return {out, plan_.fields.size()};
}

char* Encoder::encode_slow(const csv::Record& record, char* out) const {
  bool first = true;
  for (std::size_t i = 0; i < plan_.fields.size(); ++i) {
    if (plan_.fields[i].ignored) continue;
    if (!first) *out++ = '\t';
    first = false;
    const csv::Field& field = record.fields[i];
    if (field.null) {
      *out++ = '\\';
      *out++ = 'N';
      continue;
    }
    for (const char c : field.view()) {
      switch (c) {
        case '\\': *out++ = '\\', *out++ = '\\'; break;
        case '\n': *out++ = '\\', *out++ = 'n'; break;
        case '\r': *out++ = '\\', *out++ = 'r'; break;
        case '\t': *out++ = '\\', *out++ = 't'; break;
        default: *out++ = c;
      }
    }
  }
  *out++ = '\n';
  return out;
}

FoundRecord Encoder::describe(const csv::Record& record, std::uint64_t number,
                              const Encoded& encoded) const {
  FoundRecord found{number, record.begin, record.end - record.begin, std::nullopt, {}};
  if (encoded.end == nullptr && encoded.field < plan_.fields.size())
    found.unsure_field = encoded.field;
  for (const csv::Field& field : record.fields) found.values.emplace_back(field.view());
  return found;
}

}  // namespace sluice::tuple
