#include "load/bad_records.hpp"

#include "pg/encoding.hpp"

namespace sluice::load {
namespace {

/// Which CSV column the server or the codecs blame.
std::optional<std::size_t> blamed_field(const Plan& plan, const tuple::FoundRecord& found,
                                        const RefusedTuple& refused) {
  const auto& fields = plan.encoder.fields;
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
    const std::size_t at = line.find(" " + fields[i].column);
    if (at == std::string::npos) continue;
    const char behind = at + 1 + fields[i].column.size() < line.size()
                            ? line[at + 1 + fields[i].column.size()]
                            : '\0';
    if (behind != '\0' && behind != ':' && behind != ' ') continue;
    if (!best || fields[i].column.size() > fields[*best].column.size()) best = i;
  }
  if (best || !SqlState(refused.sql_state).in_class("22")) return best;
  return found.unsure_field;
}

}  // namespace

void BadRecords::Cursor::start(const RefusedTuples& tuples) {
  reader.emplace(tuples);
  forward();
}

std::optional<std::uint64_t> BadRecords::Cursor::number() const {
  return is_there ? std::optional(tuple.number) : std::nullopt;
}

BadRecords::BadRecords(const Plan& plan, const source::Chunk& chunk, const Refused* refused)
    : plan_(plan), encoder_(plan.encoder), positions_(chunk, plan.encoder.line_end) {
  encoder_.start_search(chunk.parse_input(),
                        refused == nullptr ? tuple::Lanes::both : refused->lanes,
                        chunk.start.record);
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
  reject.value = pg::in_utf8(std::move(reject.value), plan_.target.data_encoding);
  reject.position = positions_.at(reject.begin, reject.position.record);
  return true;
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
  if (const auto field = blamed_field(plan_, found, refused)) {
    reject.column = plan_.encoder.fields[*field].column;
    if (*field < found.values.size()) reject.value = found.values[*field];
  }
  return reject;
}

}  // namespace sluice::load
