#include "script/written_places.hpp"

#include <algorithm>
#include <utility>

namespace sluice::script {
Place behind(Place begin, std::string_view text) {
  Place place = begin;
  for (const char c : text) {
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else {
      ++place.column;
    }
  }
  return place;
}

void WrittenPlaces::add_same(std::string_view text) {
  parts_.push_back({sent_, written_, false});
  sent_ = behind(sent_, text);
  written_ = behind(written_, text);
}

void WrittenPlaces::add_value(std::string_view placeholder, std::string_view value) {
  parts_.push_back({sent_, written_, true});
  sent_ = behind(sent_, value);
  written_ = behind(written_, placeholder);
}

Place WrittenPlaces::of(Place sent) const {
  // Behind an empty value something else stands at the same place.
  const auto next = std::ranges::upper_bound(parts_, sent, is_before, &Part::sent);
  if (next == parts_.begin()) return sent;
  const Part& part = *(next - 1);
  if (part.is_value) return part.written;
  if (sent.line == part.sent.line)
    return {part.written.line, part.written.column + (sent.column - part.sent.column)};
  return {part.written.line + (sent.line - part.sent.line), sent.column};
}

void WrittenPlaces::apply_to(Lexed& lexed) const {
  for (Statement& one : lexed.statements) one.place = of(one.place);
  for (Directive& one : lexed.directives) one.place = of(one.place);
  for (PsqlCommand& one : lexed.psql_commands) one.place = of(one.place);
  for (PlacedMark& one : lexed.tool_marks) one.place = of(one.place);
  for (PlacedNearMark& one : lexed.near_marks) one.place = of(one.place);
  if (lexed.unfinished.line > 0) lexed.unfinished = of(lexed.unfinished);
  if (lexed.open_body.line > 0) lexed.open_body = of(lexed.open_body);
}

}  // namespace sluice::script
