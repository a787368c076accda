#include "rejects/bad_records.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pg/encoding.hpp"
#include "source/transcoder.hpp"

namespace sluice::rejects {
namespace {

/// Whether a name stands in COPY's line where a column's does. The table may have the same one.
bool names(const std::string& line, const std::string& column) {
  const std::string wanted = " " + column;
  for (std::size_t at = line.find(wanted); at != std::string::npos;
       at = line.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    if (end == line.size() || line[end] == ':' || line[end] == ' ') return true;
  }
  return false;
}

/// The first value for a column of JSON that is none. Of these an INSERT does not tell the column.
std::optional<std::size_t> field_without_json(const Reading& reading,
                                              const tuple::FoundRecord& found) {
  const auto& fields = reading.encoder.fields;
  const tuple::Table& table = reading.table;
  std::optional<std::size_t> empty;  // may be NULL, and does not say so here
  for (std::size_t i = 0; i < fields.size() && i < found.values.size(); ++i) {
    if (fields[i].ignored) continue;
    const auto column = table.find(fields[i].column);
    if (!column) continue;
    const std::uint32_t type = table.columns[*column].base_type.id;
    if (type != tuple::oid::json && type != tuple::oid::jsonb) continue;
    const std::string& value = found.values[i];
    // A jsonb has no character 0, which is one of JSON.
    const bool has_zero = type == tuple::oid::jsonb && value.contains("\\u0000");
    if (has_zero || (!value.empty() && !nlohmann::json::accept(value))) return i;
    if (value.empty() && !empty) empty = i;
  }
  return empty;
}

/// Which CSV column the server or the codecs blame.
std::optional<std::size_t> blamed_field(const Reading& reading, const tuple::FoundRecord& found,
                                        const RefusedTuple& refused) {
  const auto& fields = reading.encoder.fields;
  const auto named = [&](std::string_view column) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].ignored && fields[i].column == column) return i;
    }
    return std::nullopt;
  };
  if (!refused.column.empty()) return named(refused.column);
  if (refused.of_row) return std::nullopt;  // a row is at fault, not a value
  // COPY's context ends "..., column fare" or "..., column fare: "12x""; an input function's own
  // lines stand above it. The longest column name that stands there wins.
  const std::string& line = refused.copy_line;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].ignored) continue;
    if (!names(line, fields[i].column)) continue;
    if (!best || fields[i].column.size() > fields[*best].column.size()) best = i;
  }
  if (best || !SqlState(refused.sql_state).in_class(sql_class::data_exception)) return best;
  return found.unsure_field ? found.unsure_field : field_without_json(reading, found);
}

}  // namespace

void BadRecords::Cursor::start(const RefusedTuples& tuples) {
  reader.emplace(tuples);
  forward();
}

std::optional<std::uint64_t> BadRecords::Cursor::number() const {
  return is_there ? std::optional(tuple.number) : std::nullopt;
}

BadRecords::BadRecords(Reading reading, const chunk::Chunk& chunk, const Refused* refused)
    : reading_(reading),
      chunk_(chunk),
      encoder_(refused != nullptr && refused->encoder != nullptr ? *refused->encoder
                                                                 : reading.encoder),
      positions_(chunk, reading.encoder.line_end) {
  encoder_.start_search(chunk.parse_input(),
                        refused == nullptr ? tuple::Lanes::both : refused->lanes, chunk.start);
  if (refused == nullptr) return;
  fast_.start(refused->fast);
  slow_.start(refused->slow);
}

bool BadRecords::next(tuple::Reject& reject) {
  const tuple::Sought sought{fast_.number(), slow_.number()};
  auto bad = encoder_.search(sought);
  if (!bad) return false;
  if (tuple::FoundRecord* const found = std::get_if<tuple::FoundRecord>(&*bad)) {
    Cursor& cursor = found->lane == tuple::LaneName::fast ? fast_ : slow_;
    reject = reject_of(*found, cursor.tuple);
    cursor.forward();
  } else {
    reject = std::move(std::get<tuple::Reject>(*bad));
  }
  if (chunk_.encoding != nullptr) {
    say_in_encoding(reject);
  } else {
    reject.value = pg::in_utf8(std::move(reject.value), reading_.data_encoding);
  }
  const bool is_of_encoding = reject.sql_state == sql_state::character_not_in_repertoire ||
                              reject.sql_state == sql_state::untranslatable_character;
  if (is_of_encoding && !reject.value.contains('\0')) reject.message += " (see --encoding)";
  reject.position = positions_.at(reject.begin, reject.position.record);
  return true;
}

/// What was no character of the source's encoding is there as marks, which nobody knows.
void BadRecords::say_in_encoding(tuple::Reject& reject) const {
  const std::string_view record = chunk_.bytes().substr(reject.begin, reject.size);
  std::string bytes;
  for (std::size_t at = record.find('\xff'); at != std::string_view::npos && at < record.size();) {
    const auto byte = source::marked_byte(record.substr(at));
    if (!byte) break;
    bytes += fmt::format(" 0x{:02x}", *byte);
    at += source::mark_of(*byte).size();
  }
  if (bytes.empty()) return;
  if (reject.sql_state == sql_state::character_not_in_repertoire)
    reject.message =
        "invalid byte sequence for encoding \"" + chunk_.encoding->name + "\":" + bytes;
  reject.value = source::with_marked_bytes(reject.value);
}

tuple::Reject BadRecords::reject_of(const tuple::FoundRecord& found,
                                    const RefusedTuple& refused) const {
  tuple::Reject reject;
  reject.begin = found.begin;
  reject.size = found.size;
  reject.position.record = found.record;
  reject.sql_state = refused.sql_state;
  reject.constraint = refused.constraint;
  reject.message = refused.message;
  if (const auto field = blamed_field(reading_, found, refused)) {
    reject.column = reading_.encoder.fields[*field].column;
    if (*field < found.values.size()) reject.value = found.values[*field];
  }
  return reject;
}

}  // namespace sluice::rejects
