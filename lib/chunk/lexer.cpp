#include "chunk/lexer.hpp"

#include <algorithm>

namespace sluice::chunk {
namespace {

constexpr std::string_view end_marker = "\\.";
/// The marker and the first byte of its line end.
constexpr std::size_t end_marker_reach = 3;

bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/// The first place of `what` in bytes[from, to), or `to`.
std::size_t find(const char* bytes, std::size_t from, std::size_t to, std::string_view what) {
  const std::size_t found = std::string_view(bytes, to).find(what, from);
  return std::min(found, to);
}

}  // namespace

std::optional<LinePlace> line_at(std::string_view bytes, std::size_t from, csv::LineEnd line_end,
                                 bool at_end) {
  const auto rest = [&]() -> std::optional<LinePlace> {
    if (!at_end) return std::nullopt;
    return LinePlace{bytes.size(), bytes.size()};
  };
  switch (line_end) {
    case csv::LineEnd::lf:
    case csv::LineEnd::crlf: {
      const std::size_t place = bytes.find('\n', from);
      if (place == std::string_view::npos) return rest();
      const bool is_pair =
          line_end == csv::LineEnd::crlf && place > from && bytes[place - 1] == '\r';
      return LinePlace{place - (is_pair ? 1 : 0), place + 1};
    }
    case csv::LineEnd::cr: {
      const std::size_t place = bytes.find('\r', from);
      if (place == std::string_view::npos) return rest();
      return LinePlace{place, place + 1};
    }
    case csv::LineEnd::any: break;
  }
  const std::size_t place = bytes.find_first_of("\r\n", from);
  if (place == std::string_view::npos) return rest();
  if (bytes[place] == '\n') return LinePlace{place, place + 1};
  if (place + 1 == bytes.size() && !at_end) return std::nullopt;
  const bool is_pair = place + 1 < bytes.size() && bytes[place + 1] == '\n';
  return LinePlace{place, place + (is_pair ? 2 : 1)};
}

Lexer::Lexer(const csv::Dialect& dialect, csv::LineEnd line_end, csv::Scanner::Form form)
    : line_end_(line_end),
      last_of_end_(line_end == csv::LineEnd::cr ? '\r' : '\n'),
      comment_(dialect.comment),
      has_end_marker_(dialect.has_end_marker()),
      scanner_(dialect, form, line_end) {}

void Lexer::start(std::size_t at) {
  state_ = {};
  scanned_ = begin_ = comment_at_ = marker_at_ = at;
  open_comment_.reset();
  end_of_data_.reset();
}

bool Lexer::ends_record(const Chunk& chunk, std::size_t place, bool at_end) const {
  const char c = chunk.buffer.bytes()[place];
  if (line_end_ != csv::LineEnd::any) return c == last_of_end_;
  if (c != '\r') return c == '\n';
  return place + 1 < scanned_ ? chunk.buffer.bytes()[place + 1] != '\n' : at_end;
}

std::size_t Lexer::first_end(const Chunk& chunk, std::size_t from_entry, bool at_end) const {
  for (std::size_t i = from_entry; i < chunk.index.size(); ++i)
    if (ends_record(chunk, chunk.index[i], at_end)) return chunk.index[i] + std::size_t{1};
  return 0;
}

void Lexer::scan(Chunk& chunk, std::size_t to, bool at_end) {
  if (!looks_at_lines()) {
    scan_to(chunk, to);
    return;
  }
  // In front of a place that is looked at there is the whole of what it may be.
  const std::size_t reach =
      std::max(comment_.size(), has_end_marker_ ? end_marker_reach : std::size_t{0});
  const std::size_t limit = at_end ? to : to - std::min(to, reach);
  comment_at_ = std::min(comment_at_, scanned_);
  marker_at_ = std::min(marker_at_, scanned_);
  while (!end_of_data_) {
    if (open_comment_) {
      if (!take_line(chunk, to, at_end)) return;
      continue;
    }
    if (scanned_ >= limit) return;
    const std::size_t place = next_candidate(chunk.buffer.bytes(), to);
    scan_to(chunk, std::min(place, limit));
    if (place >= limit) return;
    const std::string_view rest(chunk.buffer.bytes() + place, to - place);
    const bool begins_line = is_line_begin(chunk, place);
    if (begins_line && !comment_.empty() && rest.starts_with(comment_)) {
      open_comment_ = place;
    } else if (begins_line && has_end_marker_ && rest.starts_with(end_marker) &&
               (rest.size() == end_marker.size() || is_line_end(rest[end_marker.size()]))) {
      end_of_data_ = place;
    } else {
      scan_to(chunk, place + 1);
    }
  }
}

void Lexer::scan_to(Chunk& chunk, std::size_t to) {
  if (to <= scanned_) return;
  scanner_.scan(chunk.buffer.bytes(), scanned_, to, state_, chunk.index);
  scanned_ = to;
}

/// Where a line that is looked for may begin: at scanned_ or behind it, or `to`.
std::size_t Lexer::next_candidate(const char* bytes, std::size_t to) {
  const auto next = [&](std::size_t& at, std::string_view what) {
    for (at = std::max(at, scanned_); at < to; ++at) {
      at = find(bytes, at, to, what);
      if (at >= to || at == begin_ || is_line_end(bytes[at - 1])) return;
    }
  };
  if (!comment_.empty()) next(comment_at_, comment_);
  if (has_end_marker_) next(marker_at_, end_marker);
  const std::size_t comment = comment_.empty() ? to : comment_at_;
  return std::min(comment, has_end_marker_ ? marker_at_ : to);
}

/// REQUIRES: all before is scanned.
bool Lexer::is_line_begin(const Chunk& chunk, std::size_t place) const {
  if (state_.in_quotes) return false;
  if (place == begin_) return true;
  if (!chunk.odd_lines.empty() && chunk.odd_lines.back().behind == place) return true;
  return chunk.index.size() > 0 && chunk.index[chunk.index.size() - 1] == place - 1 &&
         ends_record(chunk, place - 1, true);
}

/// Steps over a comment; false where its end is not there yet.
bool Lexer::take_line(Chunk& chunk, std::size_t to, bool at_end) {
  const auto line = line_at({chunk.buffer.bytes(), to}, scanned_, line_end_, at_end);
  if (!line) {
    // A CR may be half of a line end.
    scanned_ = std::max(scanned_, to - 1);
    return false;
  }
  chunk.odd_lines.push_back({.begin = static_cast<std::uint32_t>(*open_comment_),
                             .end = static_cast<std::uint32_t>(line->end),
                             .behind = static_cast<std::uint32_t>(line->behind)});
  scanned_ = line->behind;
  state_.after_return = false;  // of the line in front of the comment
  open_comment_.reset();
  return true;
}

}  // namespace sluice::chunk
