#include "tuple/encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/endian.hpp"
#include "base/sql_state.hpp"
#include "csv/scanner.hpp"
#include "tuple/tuple_range.hpp"
#include "tuple/utf8.hpp"

namespace sluice::tuple {
namespace {

// What a codec may read behind a text is there, wherever the parser has left it.
static_assert(csv::Scanner::padding >= codec_padding && csv::Parser::padding >= codec_padding);

/// At least `bytes` more room in a lane; grows by half, so that a steady load stops allocating.
char* room(Lane& lane, std::size_t bytes) {
  if (lane.buffer.capacity() - lane.size < bytes) {
    lane.buffer.reserve(
        std::max(lane.size + bytes, lane.buffer.capacity() + lane.buffer.capacity() / 2));
  }
  return lane.buffer.bytes() + lane.size;
}

/// A field that feeds the column.
void add_field(EncoderPlan& plan, const Table& table, const Column& column,
               const SessionSettings& settings) {
  const Encode encode = codec_of(column.base_type, settings);
  std::shared_ptr<const CompositeCodec> composite = CompositeCodec::of(column.base_type, settings);
  plan.fast_lane = plan.fast_lane && (encode != nullptr || composite != nullptr);
  // A trigger may put something in a NULL's place.
  plan.fields.push_back({.ignored = false,
                         .encode = encode,
                         .composite = std::move(composite),
                         .column = column.name,
                         .doubt = doubt_of(column.base_type),
                         .null_in_doubt = column.not_null && !table.has_row_trigger});
  plan.growth = std::max(plan.growth, growth_of(column.base_type));
  ++plan.columns;
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
                         csv::LineEnd line_end, const SessionSettings& settings,
                         RecordPolicy policy, ValueRules rules) {
  EncoderPlan plan{.dialect = dialect,
                   .line_end = line_end,
                   .policy = policy,
                   .fields = {},
                   .rules = std::move(rules),
                   .csv_columns = mapping.targets.size(),
                   .check_utf8 = settings.text_is_utf8};
  for (const std::optional<std::size_t>& target : mapping.targets) {
    if (target) {
      add_field(plan, table, table.columns[*target], settings);
    } else {
      plan.fields.push_back({.ignored = true, .column = {}, .doubt = {}});
    }
  }
  for (const AddedValue& added : plan.rules.added)
    add_field(plan, table, table.columns[*table.find(added.column)], settings);
  return plan;
}

void Encoder::encode(const csv::ParseInput& input, Batch& batch, const Position& begin,
                     Lanes lanes) {
  batch.rejects = batch.ragged = 0;
  batch.records = 0;
  batch.blank_lines = 0;
  batch.suspects = 0;
  batch.made_by = &plan_;
  for (Lane* lane : {&batch.fast, &batch.slow}) {
    lane->size = 0;
    lane->tuples = 0;
  }
  const bool with_fast = plan_.fast_lane && lanes == Lanes::both;
  if (with_fast) {
    // Twice the text is enough for most; what is not written costs no memory.
    std::memcpy(room(batch.fast, 2 * input.size + binary_format::header.size()),
                binary_format::header.data(), binary_format::header.size());
    batch.fast.size = binary_format::header.size();
  }

  start(input, begin);
  says_why_ = false;
  csv::Record record;
  for (; parser_.next(record); ++batch.records) {
    const std::uint64_t number = begin.record + batch.records;
    if (const Judgement judgement = judge(record, number); judgement != Judgement::sound)
        [[unlikely]] {
      if (judgement == Judgement::skipped) {
        ++batch.blank_lines;
      } else {
        ++batch.rejects;
        if (refusal_.ragged) ++batch.ragged;
      }
      continue;
    }
    const std::size_t bytes = tuple_bytes_max(record);
    if (with_fast) {
      const Encoded encoded = encode_fast(record, number, room(batch.fast, bytes));
      if (encoded.end != nullptr) {
        batch.fast.size = static_cast<std::size_t>(encoded.end - batch.fast.buffer.bytes());
        ++batch.fast.tuples;
        continue;
      }
      if (encoded.field == plan_.fields.size()) ++batch.suspects;
    }
    char* const end = encode_slow(record, number, room(batch.slow, bytes));
    batch.slow.size = static_cast<std::size_t>(end - batch.slow.buffer.bytes());
    ++batch.slow.tuples;
  }
  if (with_fast) {
    std::memcpy(room(batch.fast, binary_format::trailer.size()), binary_format::trailer.data(),
                binary_format::trailer.size());
    batch.fast.size += binary_format::trailer.size();
  }
  if (!plan_.key.empty()) hash_keys(plan_.key, batch);
}

void Encoder::start_search(const csv::ParseInput& input, Lanes lanes, const Position& begin) {
  start(input, begin);
  says_why_ = true;
  search_.lanes = lanes;
  search_.record = search_.fast_tuple = search_.slow_tuple = 0;
}

std::optional<Encoder::Hit> Encoder::search(const Sought& sought) {
  const bool with_fast = plan_.fast_lane && search_.lanes == Lanes::both;
  for (csv::Record record; parser_.next(record);) {
    const std::uint64_t number = search_.record++;
    const Judgement judgement = judge(record, begin_.record + number);
    if (judgement == Judgement::skipped) continue;
    if (judgement == Judgement::refused) {
      refusal_.position.record = number;
      return std::move(refusal_);
    }
    if (!sought.fast && !sought.slow) continue;
    search_.scratch.reserve(tuple_bytes_max(record));
    const Encoded encoded = encode_fast(record, begin_.record + number, search_.scratch.bytes());
    const bool is_fast = with_fast && encoded.end != nullptr;
    const std::uint64_t tuple = is_fast ? search_.fast_tuple++ : search_.slow_tuple++;
    if (tuple != (is_fast ? sought.fast : sought.slow)) continue;
    FoundRecord found = describe(record, number, encoded);
    found.lane = is_fast ? LaneName::fast : LaneName::slow;
    return found;
  }
  return std::nullopt;
}

void Encoder::start(const csv::ParseInput& input, const Position& begin) {
  parser_.start(input);
  input_ = input;
  begin_ = begin;
  lines_ = counted_ = 0;
  all_well_encoded_ = !plan_.check_utf8 || !find_invalid_utf8({input.bytes, input.size});
}

/// Whether a record can become a tuple; where it cannot, refusal_ says why.
Encoder::Judgement Encoder::judge(csv::Record& record, std::uint64_t number) {
  if (plan_.policy.trailing_delimiter && record.fields.size() == plan_.csv_columns + 1 &&
      record.fields.back().size == 0 && !record.fields.back().quoted)
    record.fields = record.fields.first(plan_.csv_columns);
  const bool usual = record.fields.size() == plan_.csv_columns && record.begin != record.end &&
                     all_well_encoded_;  // a record with a defect has no fields
  const Judgement judgement = usual ? Judgement::sound : judge_unusual(record);
  if (plan_.known_refusals && judgement == Judgement::sound && is_refused_already(record, number))
      [[unlikely]]
    return Judgement::refused;
  if (rewriter_.any() && judgement == Judgement::sound) return rewrite(record, number);
  return judgement;
}

/// Where the record begins, in a source of physical lines. Asked in the order of the records.
std::uint64_t Encoder::line_of(const csv::Record& record) {
  lines_ +=
      csv::count_line_ends({input_.bytes + counted_, record.begin - counted_}, plan_.line_end);
  counted_ = record.begin;
  return begin_.line + lines_;
}

/// Its values as the rules have them.
Encoder::Judgement Encoder::rewrite(csv::Record& record, std::uint64_t number) {
  const std::uint64_t line = tells_lines_ ? line_of(record) : 0;
  if (rewriter_.rewrite(record, number, line)) return Judgement::sound;
  refusal_.ragged = false;
  if (!says_why_) return Judgement::refused;
  const std::size_t field = rewriter_.refused_field();
  refuse(record, rewriter_.refused_sql_state(), rewriter_.why_refused());
  refusal_.column = plan_.fields[field].column;
  refusal_.value = rewriter_.original()[field].view();
  return Judgement::refused;
}

bool Encoder::is_refused_already(const csv::Record& record, std::uint64_t number) {
  const auto known = plan_.known_refusals->find(number);
  if (known == plan_.known_refusals->end()) return false;
  refusal_.ragged = false;
  refuse(record, known->second.sql_state, known->second.message);
  refusal_.constraint = known->second.constraint;
  return true;
}

Encoder::Judgement Encoder::judge_unusual(csv::Record& record) {
  refusal_.ragged = false;
  if (record.defect != csv::Defect::none) {
    refuse(record, sql_state::bad_copy_file_format, std::string(csv::message_of(record.defect)));
    return Judgement::refused;
  }
  if (!is_well_encoded(record)) {
    refuse_encoding(record);
    return Judgement::refused;
  }
  const bool is_blank = record.begin == record.end;
  if (is_blank && plan_.policy.blank_lines == BlankLines::skip) return Judgement::skipped;
  if (is_blank && plan_.policy.blank_lines == BlankLines::reject) {
    refuse(record, sql_state::bad_copy_file_format, "blank line");
    return Judgement::refused;
  }
  const bool is_null = is_blank && plan_.policy.blank_lines == BlankLines::null;
  const bool is_short = record.fields.size() < plan_.csv_columns;
  drop_surplus(record);
  if (is_null || (is_short && plan_.policy.pads())) {
    padded_.assign(record.fields.begin(),
                   record.fields.begin() + (is_null ? 0 : record.fields.size()));
    padded_.resize(plan_.csv_columns, {nullptr, 0, false, true});
    record.fields = padded_;
  }
  if (record.fields.size() == plan_.csv_columns) return Judgement::sound;
  refuse_field_count(record);
  return Judgement::refused;
}

/// Of a record that is too long what may be left out (--ragged).
void Encoder::drop_surplus(csv::Record& record) const {
  if (!plan_.policy.drops_surplus_blanks()) return;
  std::size_t size = record.fields.size();
  const std::size_t expected = plan_.csv_columns;
  while (size > expected && (plan_.policy.trims() || record.fields[size - 1].size == 0)) --size;
  record.fields = record.fields.first(size);
}

/// Remembers why a record is refused. Words and SQLSTATEs are those of PostgreSQL's COPY
/// (copyfromparse.c).
void Encoder::refuse(const csv::Record& record, std::string_view sql_state, std::string message) {
  if (!says_why_) return;
  refusal_ = {};
  refusal_.begin = record.begin;
  refusal_.size = record.end - record.begin;
  refusal_.sql_state = sql_state;
  refusal_.message = std::move(message);
}

void Encoder::refuse_field_count(const csv::Record& record) {
  refusal_.ragged = true;
  if (!says_why_) return;
  const std::size_t expected = plan_.csv_columns;
  std::string message = "extra data after last expected column";
  if (record.fields.size() < expected) {
    const EncodedField& missing = plan_.fields[record.fields.size()];
    message = "missing data";
    if (!missing.ignored) message += fmt::format(" for column \"{}\"", missing.column);
  }
  message += fmt::format(": {} fields where {} are expected", record.fields.size(), expected);
  refuse(record, sql_state::bad_copy_file_format, std::move(message));
  refusal_.ragged = true;
}

bool Encoder::is_well_encoded(const csv::Record& record) const {
  return all_well_encoded_ ||
         !find_invalid_utf8({input_.bytes + record.begin, record.end - record.begin});
}

void Encoder::refuse_encoding(const csv::Record& record) {
  if (!says_why_) return;
  const std::string_view text(input_.bytes, input_.size);
  const std::size_t at =
      *find_invalid_utf8(text.substr(record.begin, record.end - record.begin)) + record.begin;
  refuse(record, sql_state::character_not_in_repertoire, message_of_invalid_utf8(text.substr(at)));
  for (std::size_t i = 0; i < std::min(record.fields.size(), plan_.csv_columns); ++i) {
    if (!find_invalid_utf8(record.fields[i].view())) continue;
    refusal_.column = plan_.fields[i].column;
    refusal_.value = record.fields[i].view();
    break;
  }
}

/// An upper bound of a tuple's size in both lanes.
std::size_t Encoder::tuple_bytes_max(const csv::Record& record) const {
  // Fast: field count, then for each field a length word and a codec's slack. Slow: every byte
  // escaped, a separator.
  const std::size_t text =
      record.end - record.begin + (rewriter_.any() ? rewriter_.bytes_written() : 0);
  return 2 + (plan_.fields.size() + 1) * (4 + codec_slack) + plan_.growth * text;
}

Encoder::Encoded Encoder::encode_fast(const csv::Record& record, std::uint64_t number,
                                      char* out) const {
  const char* const begin = out;
  out = store_big_endian(out,
                         static_cast<std::int16_t>(plan_.columns + (plan_.number_records ? 1 : 0)));
  const csv::Field* const fields = record.fields.data();
  for (std::size_t i = 0; i < plan_.fields.size(); ++i) {
    const EncodedField& plan = plan_.fields[i];
    const csv::Field& field = fields[i];
    if (plan.ignored) continue;
    if (field.null) {
      if (plan.null_in_doubt) return {nullptr, i};
      out = store_big_endian(out, std::int32_t{-1});
      continue;
    }
    if (!plan.has_codec()) return {nullptr, i};
    if (field.size > plan.doubt.size_sure && plan.doubt.about(field.view())) return {nullptr, i};
    char* const value = out + 4;
    char* const end = plan.encode != nullptr
                          ? plan.encode(field.text, field.size, value)
                          : plan.composite->encode(field.text, field.size, value);
    if (end == nullptr) return {nullptr, i};
    store_big_endian(out, static_cast<std::int32_t>(end - value));
    out = end;
  }
  if (plan_.checks && !are_met(*plan_.checks, begin)) return {nullptr, plan_.fields.size()};
  if (plan_.suspect_records && plan_.suspect_records->contains(number)) [[unlikely]]
    return {nullptr, plan_.fields.size()};
  if (plan_.number_records) {
    out = store_big_endian(out, static_cast<std::int32_t>(sizeof number));
    out = store_big_endian(out, static_cast<std::int64_t>(number));
  }
  return {out, plan_.fields.size()};
}

char* Encoder::encode_slow(const csv::Record& record, std::uint64_t number, char* out) const {
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
  if (plan_.number_records) {
    *out++ = '\t';
    out = std::to_chars(out, out + codec_slack, number).ptr;
  }
  *out++ = '\n';
  return out;
}

FoundRecord Encoder::describe(const csv::Record& record, std::uint64_t number,
                              const Encoded& encoded) const {
  FoundRecord found{.record = number,
                    .begin = record.begin,
                    .size = record.end - record.begin,
                    .unsure_field = std::nullopt,
                    .values = {}};
  if (encoded.end == nullptr && encoded.field < plan_.fields.size())
    found.unsure_field = encoded.field;
  const std::span<const csv::Field> fields = rewriter_.any() ? rewriter_.original() : record.fields;
  for (const csv::Field& field : fields) found.values.emplace_back(field.view());
  return found;
}

}  // namespace sluice::tuple
