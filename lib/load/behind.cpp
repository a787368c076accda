#include "load/behind.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/limits.hpp"
#include "base/path_text.hpp"
#include "chunk/lexer.hpp"
#include "ledger/damaged.hpp"
#include "load/refusal.hpp"
#include "rejects/reject_lines.hpp"
#include "rejects/reject_table.hpp"
#include "resume/chain.hpp"
#include "resume/compare.hpp"
#include "resume/counted_mark.hpp"

namespace sluice::load {
namespace {

/// The structure of bytes that begin where a record does.
struct Structure {
  bool ends_record = false;     ///< where they end
  std::size_t last_record = 0;  ///< where it begins
};

Structure structure_of(const plan::Plan& plan, std::string_view bytes) {
  chunk::Chunk chunk;
  chunk.buffer.reserve(bytes.size() + csv::Scanner::padding);
  std::ranges::copy(bytes, chunk.buffer.bytes());
  chunk::Lexer lexer(plan.options.dialect, plan.preamble.line_end, plan.options.scanner);
  lexer.start();
  lexer.scan(chunk, bytes.size(), true);
  const std::size_t entries = chunk.index.size();
  const bool ends = entries > 0 && chunk.index[entries - 1] + std::size_t{1} == bytes.size();
  const bool ends_line = !chunk.odd_lines.empty() && chunk.odd_lines.back().behind == bytes.size();
  Structure structure;
  structure.ends_record = !lexer.state().in_quotes && (ends || ends_line);
  for (std::size_t i = entries; i > 0 && structure.last_record == 0; --i) {
    const std::size_t behind = chunk.index[i - 1] + std::size_t{1};
    if (behind < bytes.size() && lexer.ends_record(chunk, behind - 1, true))
      structure.last_record = behind;
  }
  structure.last_record = chunk::behind_odd_lines(chunk, structure.last_record);
  return structure;
}

/// How long the line end is that these bytes begin with; 0: they begin with none.
std::size_t line_end_at_front(std::string_view bytes, csv::LineEnd line_end) {
  switch (line_end) {
    case csv::LineEnd::lf: return bytes.starts_with('\n') ? 1 : 0;
    case csv::LineEnd::cr: return bytes.starts_with('\r') ? 1 : 0;
    case csv::LineEnd::crlf: return bytes.starts_with("\r\n") ? 2 : 0;
    case csv::LineEnd::any: break;
  }
  if (bytes.starts_with("\r\n")) return 2;
  return bytes.starts_with('\n') || bytes.starts_with('\r') ? 1 : 0;
}

bool ends_line(std::string_view bytes, csv::LineEnd line_end) {
  const bool with_return = line_end == csv::LineEnd::cr || line_end == csv::LineEnd::any;
  return (line_end != csv::LineEnd::cr && bytes.ends_with('\n')) ||
         (with_return && bytes.ends_with('\r'));
}

/// How a load's content ended.
struct End {
  bool is_whole = false;    ///< its last record had its line end, or has it by now
  Position place;           ///< behind that; or where the record begins that was cut off
  std::uint64_t lines = 0;  ///< that this one had
};

/// Blocking. Nothing where the source has not the bytes of the chunk any more.
std::optional<End> end_of(const plan::Plan& plan, const ledger::ChunkEntry& last) {
  if (!plan.source->seek(last.start.byte_offset)) return std::nullopt;
  std::string bytes(last.byte_count, '\0');
  if (plan.source->read(bytes.data(), bytes.size()) != bytes.size()) return std::nullopt;
  std::string next(2, '\0');
  next.resize(plan.source->read(next.data(), next.size()));
  const csv::LineEnd line_end = plan.preamble.line_end;
  // What was half of a line end, or of none, then.
  const bool is_half = line_end == csv::LineEnd::any && bytes.ends_with('\r');
  const bool had_end = ends_line(bytes, line_end);
  if (!had_end || (is_half && next.starts_with('\n')))
    bytes += next.substr(0, is_half ? 1 : line_end_at_front(next, line_end));
  const Structure structure = structure_of(plan, bytes);
  End end;
  end.is_whole = ends_line(bytes, line_end) && structure.ends_record;
  if (!end.is_whole) bytes.resize(last.byte_count);
  const std::size_t at = end.is_whole ? bytes.size() : structure.last_record;
  const std::string_view front = std::string_view(bytes).substr(0, at);
  const std::string_view behind = std::string_view(bytes).substr(at);
  if (!end.is_whole)
    end.lines = csv::count_line_ends(behind, line_end) + (ends_line(behind, line_end) ? 0 : 1);
  end.place = {last.start.byte_offset + at, last.start.line + csv::count_line_ends(front, line_end),
               last.start.record + last.records_read - std::min(last.records_read, end.lines)};
  return end;
}

/// Whether no line of the record that was cut off has become a row: each was a record that was
/// rejected.
asio::awaitable<bool> was_rejected(asio::thread_pool& reader, pg::Connection& connection,
                                   const ledger::KnownLoad& load, const ledger::ChunkEntry& last,
                                   const End& end) {
  if (last.records_read < end.lines || last.rows_rejected < end.lines) co_return false;
  if (last.rows_rejected == last.records_read && end.lines == 1) co_return true;
  if (load.rejects_path.empty()) co_return false;
  const ChunkId chunk = last.of(load.id);
  if (load.rejects_path == rejects::RejectTable::place)
    co_return co_await rejects::RejectTable::are_rejected(connection, chunk, end.place.line,
                                                          end.lines);
  const auto look = [&] {
    return rejects::are_rejected(path_of_text(load.rejects_path), chunk, end.place.line, end.lines);
  };
  co_return co_await async::offload(reader, look);
}

Failure left_out_its_end(const plan::Plan& plan, const ledger::KnownLoad& load) {
  return {FailureKind::changed,
          fmt::format("{} has grown since load {}, which left out its end (see --skip-footer, "
                      "--format)",
                      plan.source->name(), load.id.value),
          fmt::format("--grown load loads all of it; see also --truncate, as the records of then "
                      "are in {} already.",
                      plan.target.table.full_name())};
}

Failure cut_record_is_stored(const plan::Plan& plan, const ledger::KnownLoad& load,
                             const ledger::ChunkEntry& last, const End& end) {
  const std::string table = plan.target.table.full_name();
  const bool is_sure = last.counts.rows_in_table() == last.records_read;
  const bool keeps_keys = plan.options.on_conflict != writer::OnConflict::error;
  return {FailureKind::changed,
          fmt::format("{} has grown since load {}, but the last record of then (line {}) had no "
                      "line end: it was cut off, and {} in {} as it was",
                      plan.source->name(), load.id.value, end.place.line, is_sure ? "is" : "may be",
                      table),
          fmt::format("Delete the row of that record, and load a file of {} lines from {} on. {}"
                      "--again --truncate empties {} first, and loads all of it.",
                      plan.preamble.header ? "its header and its" : "its", end.place.line,
                      keeps_keys ? "Or --grown load loads all of it: with --on-conflict only that "
                                   "row, where its key was cut, is one too many. "
                                 : "",
                      table)};
}

}  // namespace

asio::awaitable<Behind> behind_load(Resources on, pg::Connection& connection, plan::Plan& plan,
                                    ledger::KnownLoad load) {
  Behind behind;
  // What was a footer, or stood behind the end of the data, is not to be read as records.
  if (plan.options.skip_footer > 0 || plan.options.dialect.has_end_marker()) {
    behind.why_not = left_out_its_end(plan, load);
    co_return behind;
  }
  ledger::StoredChunks chunks = co_await ledger::stored_chunks(connection, load.id);
  chunks = resume::without_mark(std::move(chunks), load.counts_mark);
  if (chunks.empty()) throw ledger::damaged(load.id, "it has no chunks");
  const ledger::ChunkEntry& last = chunks.rbegin()->second;
  std::optional<End> end;
  const auto find = [&] { end = end_of(plan, last); };
  co_await async::offload(on.reader, find);
  if (end && !end->is_whole)
    behind.has_rejected = co_await was_rejected(on.reader, connection, load, last, *end);
  if (!end) {
    throw Failure(FailureKind::changed,
                  fmt::format("{} changed while it was read", plan.source->name()),
                  "Nothing was changed in the table: the same command looks at it again.");
  }
  behind.place = end->place;
  if (!end->is_whole && !behind.has_rejected)
    behind.why_not = cut_record_is_stored(plan, load, last, *end);
  co_return behind;
}

asio::awaitable<void> read_past_front(Resources on, pg::Connection& connection, plan::Plan& plan,
                                      const ledger::NewLoad& now, const ledger::KnownLoad& load) {
  const std::uint64_t begin = plan.begins_at->byte_offset;
  resume::Chains chains(connection, now);
  std::vector<resume::Range> ranges = co_await chains.ranges_of(load);
  std::erase_if(ranges, [begin](const resume::Range& range) { return range.begin >= begin; });
  // Of a record that was cut off, the load in front has a part too.
  std::uint64_t end = begin;
  for (const resume::Range& range : ranges) end = std::max(end, range.end());
  std::vector<std::vector<resume::Range>> of_load;
  of_load.push_back(std::move(ranges));
  resume::Comparison front(std::move(of_load));
  std::string& ahead = plan.preamble.read_ahead;
  ahead.clear();
  std::string buffer(limits::MiB, '\0');
  bool is_there = plan.source->rewind();
  const auto read = [&] {
    const std::uint64_t at = front.bytes();
    const std::size_t wanted = std::min<std::uint64_t>(end - at, buffer.size());
    const std::size_t got = plan.source->read(buffer.data(), wanted);
    front.feed(buffer.data(), got);
    const std::size_t skipped = std::min<std::uint64_t>(begin - std::min(begin, at), got);
    ahead.append(buffer, skipped, got - skipped);
    is_there = got == wanted;
  };
  while (is_there && front.bytes() < end) co_await async::offload(on.reader, read);
  if (!is_there || !front.agrees(0)) {
    throw Failure(FailureKind::changed,
                  fmt::format("{} is not what load {} goes on behind: it differs in front of that",
                              plan.source->name(), load.id.value),
                  "--again loads all of it, beside what is in the table.");
  }
  plan.preamble.start = *plan.begins_at;
  plan.preamble.origin = chunk::origin_of(*plan.source, ahead);
}

asio::awaitable<Failure> refusal_of_grown(Resources on, pg::Connection& connection,
                                          plan::Plan& plan, const ledger::NewLoad& now,
                                          resume::Verdict verdict) {
  Failure refused = refusal(plan, now, verdict);
  // The end of a stream's beginning may not be there any more.
  if (plan.source->comes_once()) co_return refused;
  const Behind behind = co_await behind_load(on, connection, plan, *verdict.load);
  if (behind.why_not) co_return *behind.why_not;
  if (behind.has_rejected) {
    co_return Failure(refused.kind(), refused.problem(),
                      fmt::format("--grown append goes on at line {}, where a record was cut off "
                                  "then, and rejected; --grown load loads all of it.",
                                  behind.place.line));
  }
  co_return refused;
}

}  // namespace sluice::load
