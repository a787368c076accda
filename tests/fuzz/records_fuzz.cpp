// Bytes that nobody meant to be CSV, through scanner, chunker, parser, codecs and encoder, under
// AddressSanitizer. Beyond not crashing it holds what the rest of the program builds on:
//   - all forms of the scanner find the same structure;
//   - the records are the same for every chunk size;
//   - a codec stays within the room that it asks for;
//   - each record becomes one tuple of one lane, or one reject, and both lanes can be read back.
// The first bytes of an input choose dialect, chunk size and column types; the rest is the source.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "csv/scanner.hpp"
#include "tuple/encoder.hpp"
#include "tuple/tuple_range.hpp"
#include "unit/chunked.hpp"

namespace {

using namespace sluice;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

constexpr std::uint32_t type_ids[] = {tuple::oid::boolean,
                                      tuple::oid::bytea,
                                      tuple::oid::int8,
                                      tuple::oid::int2,
                                      tuple::oid::int4,
                                      tuple::oid::text,
                                      tuple::oid::oid,
                                      tuple::oid::json,
                                      tuple::oid::jsonb,
                                      tuple::oid::float4,
                                      tuple::oid::float8,
                                      tuple::oid::numeric,
                                      tuple::oid::uuid,
                                      tuple::oid::date,
                                      tuple::oid::time,
                                      tuple::oid::timetz,
                                      tuple::oid::timestamp,
                                      tuple::oid::timestamptz,
                                      tuple::oid::interval,
                                      tuple::oid::inet,
                                      tuple::oid::cidr,
                                      tuple::oid::macaddr,
                                      tuple::oid::macaddr8,
                                      tuple::oid::array_of_int4,
                                      tuple::oid::array_of_text,
                                      tuple::oid::array_of_numeric,
                                      tuple::oid::array_of_inet,
                                      tuple::oid::array_of_boolean,
                                      tuple::oid::array_of_timestamptz,
                                      tuple::oid::array_of_interval,
                                      tuple::oid::array_of_uuid,
                                      tuple::oid::array_of_float8,
                                      tuple::oid::array_of_int8,
                                      tuple::oid::array_of_cidr,
                                      tuple::oid::pg_lsn,
                                      tuple::oid::varbit,
                                      tuple::oid::point,
                                      tuple::oid::box,
                                      tuple::oid::name,
                                      tuple::oid::character,
                                      tuple::oid::int4range,
                                      tuple::oid::int8range,
                                      tuple::oid::numrange,
                                      tuple::oid::daterange,
                                      tuple::oid::tsrange,
                                      tuple::oid::tstzrange,
                                      tuple::oid::money};

constexpr tuple::SessionSettings settings{.time_zone_is_utc = true, .money_is_in_cents = true};

/// Those, those of extensions, and composite types of some of them.
const std::vector<tuple::Type>& all_types() {
  static const std::vector<tuple::Type> types = [] {
    using tuple::Extension;
    using tuple::Type;
    std::vector<Type> all;
    for (const std::uint32_t id : type_ids) all.push_back({.id = id});
    for (const auto extension : {Extension::text, Extension::ltree, Extension::hstore,
                                 Extension::geometry, Extension::vector})
      all.push_back({.id = 99990, .extension = extension});
    const auto compose = [&all](const std::vector<Type>& of) {
      std::vector<Type::Part> parts;
      for (const Type& type : of) parts.push_back({type.id, type});
      all.push_back({.id = 99991,
                     .kind = Type::composite,
                     .composition = std::make_shared<const std::vector<Type::Part>>(parts)});
    };
    for (std::size_t i = 0; i + 2 < all.size() && i < 60; i += 2) compose({all[i], all[i + 1]});
    compose({all.back(), all.front(), all[all.size() - 2]});
    compose({{.id = tuple::oid::numeric}});
    return all;
  }();
  return types;
}

/// Takes the choices from the front of the input.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  unsigned pick(unsigned count) {
    if (size_ == 0) return 0;
    --size_;
    return *data_++ % count;
  }
  std::string rest() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

csv::Dialect choose_dialect(Choices& choices) {
  static constexpr std::string_view delimiters[] = {",", ";", "\t", "|", "||", "~|~", ", ", "----"};
  csv::Dialect dialect;
  dialect.delimiter = *csv::Delimiter::of(delimiters[choices.pick(8)]);
  switch (choices.pick(8)) {
    case 0: dialect.quote = dialect.escape = '\''; break;
    case 1: dialect.escape = '\\'; break;
    case 2:
      dialect.escape = '\\';
      dialect.escapes = csv::Escapes::everywhere;
      break;
    case 3: dialect.quote = dialect.escape = csv::Dialect::none; break;
    case 4:
      dialect.quote = csv::Dialect::none;
      dialect.escape = '\\';
      dialect.escapes = choices.pick(2) == 0 ? csv::Escapes::everywhere : csv::Escapes::text;
      break;
    default: break;
  }
  const unsigned comment = choices.pick(8);
  if (comment < 2) dialect.comment = comment == 0 ? "#" : "//";
  if (choices.pick(4) == 0) dialect.null_text = dialect.escapes_everywhere() ? "\\N" : "NULL";
  return dialect;
}

/// What else a source is read by.
void choose_reading(Choices& choices, test::ChunkedOptions& options) {
  options.newline = static_cast<csv::Newline>(choices.pick(5));
  const unsigned others = choices.pick(64);
  options.footer_lines = others % 4 == 0 ? 2 : 0;
  options.record_lines_max = others / 4 % 4 == 0 ? 3 : 0;
  options.cuts_open_records = others / 16 % 2 == 0;
}

void check_scanners(const csv::Dialect& dialect, const std::string& text) {
  const auto padded = std::make_unique<char[]>(text.size() + csv::Scanner::padding);
  std::memcpy(padded.get(), text.data(), text.size());
  csv::ScanState expected_state;
  csv::StructuralIndex expected;
  csv::detail::scan_bytewise(dialect, padded.get(), 0, text.size(), expected_state, expected);
  for (const auto form : {csv::Scanner::Form::portable, csv::Scanner::Form::automatic}) {
    csv::ScanState state;
    csv::StructuralIndex index;
    const csv::Scanner scanner(dialect, form);
    const std::size_t middle = text.size() / 3;
    scanner.scan(padded.get(), 0, middle, state, index);
    scanner.scan(padded.get(), middle, text.size(), state, index);
    require(index == expected, "all forms of the scanner find the same structure");
    require(state.in_quotes == expected_state.in_quotes &&
                state.line_feeds == expected_state.line_feeds &&
                state.carriage_returns == expected_state.carriage_returns &&
                state.quotes == expected_state.quotes,
            "all forms of the scanner count the same");
  }
}

void check_codec(const tuple::Type& type, const std::string& text) {
  const tuple::Encode encode = tuple::codec_of(type, settings);
  const auto composite = tuple::CompositeCodec::of(type, settings);
  require(encode != nullptr || composite != nullptr, "each of these types has a codec");
  const std::size_t room = text.size() * tuple::growth_of(type) + tuple::codec_slack;
  const auto in = std::make_unique<char[]>(text.size() + tuple::codec_padding);
  const auto out = std::make_unique<char[]>(room);
  std::memcpy(in.get(), text.data(), text.size());
  const char* const end = encode != nullptr ? encode(in.get(), text.size(), out.get())
                                            : composite->encode(in.get(), text.size(), out.get());
  require(end == nullptr || (end >= out.get() && end <= out.get() + room),
          "a codec stays within its room");
}

std::uint32_t read_big_endian(std::string_view bytes, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes.at(i));
  return value;
}

/// Walks the binary format.
void check_fast_lane(const tuple::Lane& lane, std::size_t columns) {
  std::string_view bytes = lane.bytes();
  bytes.remove_prefix(19);
  std::uint64_t tuples = 0;
  for (;; ++tuples) {
    const std::uint32_t count = read_big_endian(bytes, 2);
    bytes.remove_prefix(2);
    if (count == 0xffff) break;
    require(count == columns, "a tuple has as many fields as there are columns");
    for (std::size_t i = 0; i < columns; ++i) {
      const std::uint32_t size = read_big_endian(bytes, 4);
      bytes.remove_prefix(4);
      if (size == 0xffffffff) continue;
      require(size <= bytes.size(), "a field ends within the lane");
      bytes.remove_prefix(size);
    }
  }
  require(bytes.empty() && tuples == lane.tuples, "the binary lane can be read back");
}

/// Reads the text format back: rows of values, "<null>" for NULL.
std::vector<std::vector<std::string>> read_slow_lane(std::string_view bytes) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string value;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\\') {
      const char next = bytes.at(++i);
      value += next == 'N'   ? std::string("<null>")
               : next == 'n' ? std::string("\n")
               : next == 'r' ? std::string("\r")
               : next == 't' ? std::string("\t")
                             : std::string(1, next);
    } else if (c == '\t' || c == '\n') {
      row.push_back(std::move(value));
      value.clear();
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else {
      value += c;
    }
  }
  require(row.empty() && value.empty(), "the text lane ends with a line");
  return rows;
}

void check_encoder(const tuple::EncoderPlan& plan, const std::string& text,
                   const test::ChunkedOptions& o) {
  test::MemorySource source(text);
  chunk::Preamble preamble = chunk::read_preamble(
      source, {.dialect = o.dialect, .bytes_max = o.record_bytes_max, .newline = o.newline});
  tuple::EncoderPlan with_line_end = plan;
  with_line_end.line_end = preamble.line_end;
  chunk::Chunker chunker(source, std::move(preamble),
                         {.dialect = o.dialect,
                          .chunk_bytes = o.chunk_bytes,
                          .record_bytes_max = o.record_bytes_max,
                          .record_lines_max = o.record_lines_max,
                          .cuts_open_records = o.cuts_open_records,
                          .footer_lines = o.footer_lines});
  tuple::Encoder encoder(with_line_end);
  tuple::Batch batch;
  chunk::Chunk chunk;
  while (chunker.next(chunk)) {
    encoder.encode(chunk.parse_input(), batch);
    require(batch.records == chunk.records, "each record of a chunk is encoded");
    require(batch.tuples() + batch.rejects + batch.blank_lines == batch.records,
            "each record becomes a tuple or a reject, or is blank");
    if (plan.fast_lane) check_fast_lane(batch.fast, plan.columns);
    const auto rows = read_slow_lane(batch.slow.bytes());
    require(rows.size() == batch.slow.tuples, "the text lane can be read back");
    std::uint64_t refused = 0;
    std::size_t i = 0;
    encoder.start_search(chunk.parse_input());
    for (;;) {
      tuple::Sought sought;
      if (i < rows.size()) sought.slow = i;
      const auto hit = encoder.search(sought);
      if (!hit) break;
      if (const auto* const reject = std::get_if<tuple::Reject>(&*hit)) {
        require(!reject->message.empty(), "a reject has a reason");
        ++refused;
        continue;
      }
      const auto& found = std::get<tuple::FoundRecord>(*hit);
      require(found.values.size() == rows[i].size(), "a tuple's record is found again");
      for (std::size_t k = 0; k < rows[i].size(); ++k)
        require(rows[i][k] == found.values[k] || rows[i][k] == "<null>", "with the same values");
      ++i;
    }
    require(refused == batch.rejects && i == rows.size(), "a search finds all of them");
    for (const auto lane : {tuple::LaneName::fast, tuple::LaneName::slow}) {
      const std::uint64_t tuples = batch.lane(lane).tuples;
      tuple::TupleCutter cutter(batch, lane);
      std::size_t bytes = 0;
      for (std::uint64_t i = 0; i < tuples; ++i)
        bytes += cutter.cut(i, i + 1).pieces[lane == tuple::LaneName::fast ? 1 : 0].size();
      const std::size_t frame =
          lane == tuple::LaneName::fast && plan.fast_lane
              ? tuple::binary_format::header.size() + tuple::binary_format::trailer.size()
              : 0;
      require(bytes + frame == batch.lane(lane).size, "a lane can be cut into its tuples");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  test::ChunkedOptions options;
  options.dialect = choose_dialect(choices);
  choose_reading(choices, options);
  options.chunk_bytes = 1 + choices.pick(200);
  options.record_bytes_max = 1 << 16;
  tuple::EncoderPlan plan;
  plan.dialect = options.dialect;
  plan.check_utf8 = choices.pick(2) == 0;
  plan.policy = {static_cast<tuple::Ragged>(choices.pick(5)),
                 static_cast<tuple::BlankLines>(choices.pick(4)), choices.pick(4) == 0};
  const unsigned columns = 1 + choices.pick(4);
  for (unsigned i = 0; i < columns; ++i) {
    const std::vector<tuple::Type>& types = all_types();
    const tuple::Type& type = types[choices.pick(static_cast<unsigned>(types.size()))];
    const auto modifier = static_cast<std::int32_t>(choices.pick(9));
    plan.fields.push_back({.encode = tuple::codec_of(type, settings),
                           .composite = tuple::CompositeCodec::of(type, settings),
                           .column = "c",
                           .doubt = tuple::doubt_of({type.id, 'b', modifier}),
                           .null_in_doubt = choices.pick(2) == 0});
    plan.growth = std::max(plan.growth, tuple::growth_of(type));
    ++plan.columns;
    ++plan.csv_columns;
  }
  const std::string text = choices.rest();
  for (const tuple::Type& type : all_types()) check_codec(type, text);
  check_scanners(options.dialect, text);
  try {
    const auto records = test::records_of(text, options);
    test::ChunkedOptions whole = options;
    whole.chunk_bytes = 1 << 20;
    whole.form = csv::Scanner::Form::portable;
    require(records == test::records_of(text, whole),
            "the records are the same for every chunk size");
    check_encoder(plan, text, options);
  } catch (const Failure&) {
    // UTF-16, compressed data, records of too many lines and the like are told, not loaded.
  }
  return 0;
}
