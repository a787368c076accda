#include "csv/parser.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sluice::csv {

std::string_view message_of(Defect defect) {
  switch (defect) {
    case Defect::none: return "";
    case Defect::stray_carriage_return: return "unquoted carriage return found in data";
    case Defect::stray_line_feed: return "unquoted newline found in data";
    case Defect::unterminated_quote: return "unterminated CSV quoted field";
  }
  return "";
}

void Parser::start(const ParseInput& input, std::size_t begin) {
  input_ = input;
  at_ = begin;
  const auto first = std::lower_bound(input.index.begin(), input.index.end(), begin);
  entry_ = static_cast<std::size_t>(first - input.index.begin());
}

bool Parser::next(Record& record) {
  if (at_ >= input_.size || entry_ >= input_.index.size()) return false;
  fields_.clear();
  scratch_block_ = 0;
  scratch_used_ = 0;
  record.begin = at_;
  record.defect = Defect::none;

  const char* const bytes = input_.bytes;
  const std::uint32_t* const index = input_.index.data();
  const std::size_t entries = input_.index.size();
  const char last_of_end = line_end_ == LineEnd::cr ? '\r' : '\n';
  std::size_t field_begin = at_;
  std::size_t openings = 0;  // of quotes, in the current field

  for (; entry_ < entries; ++entry_) {
    const std::size_t place = index[entry_];
    const char c = bytes[place];
    if (c == dialect_.delimiter) {
      openings == 0 ? add_unquoted(field_begin, place) : add_quoted(field_begin, place, openings);
      field_begin = place + 1;
      openings = 0;
      continue;
    }
    if (c == dialect_.quote) {
      ++openings;
      continue;
    }
    const bool pair = line_end_ == LineEnd::crlf && c == '\r' && entry_ + 1 < entries &&
                      index[entry_ + 1] == place + 1 && bytes[place + 1] == '\n';
    const bool ends = line_end_ == LineEnd::crlf ? pair : c == last_of_end;
    if (!ends && record.defect == Defect::none) {
      record.defect = c == '\r' ? Defect::stray_carriage_return : Defect::stray_line_feed;
    }
    if (ends || c == last_of_end) {  // a stray LF in a CRLF file ends its record too, so that
                                     // reading can go on behind it
      if (record.defect == Defect::none) {
        openings == 0 ? add_unquoted(field_begin, place) : add_quoted(field_begin, place, openings);
      }
      record.end = place;
      at_ = place + (pair ? 2 : 1);
      entry_ += pair ? 2 : 1;
      break;
    }
  }
  if (input_.unterminated_quote && at_ >= input_.size) record.defect = Defect::unterminated_quote;
  record.fields =
      record.defect == Defect::none ? std::span<const Field>(fields_) : std::span<const Field>();
  return true;
}

void Parser::add_unquoted(std::size_t begin, std::size_t end) {
  Field field{input_.bytes + begin, static_cast<std::uint32_t>(end - begin), false, false};
  field.null =
      field.size == dialect_.null_text.size() &&
      (field.size == 0 || std::memcmp(field.text, dialect_.null_text.data(), field.size) == 0);
  fields_.push_back(field);
}

void Parser::add_quoted(std::size_t begin, std::size_t end, std::size_t openings) {
  const char* from = input_.bytes + begin;
  const char* const to = input_.bytes + end;
  // Usual case: one quoted section that is the whole field, with nothing escaped in it.
  if (openings == 1 && *from == dialect_.quote && to - from >= 2 && to[-1] == dialect_.quote &&
      (dialect_.escapes_by_doubling() ||
       std::memchr(from + 1, dialect_.escape, static_cast<std::size_t>(to - from - 2)) ==
           nullptr)) {
    fields_.push_back({from + 1, static_cast<std::uint32_t>(to - from - 2), true, false});
    return;
  }
  char* const text = reserve_scratch(end - begin);
  char* out = text;
  bool quoted = false;
  while (from < to) {
    const char c = *from++;
    if (!quoted) {
      if (c == dialect_.quote) {
        quoted = true;
      } else {
        *out++ = c;
      }
      continue;
    }
    if (c == dialect_.escape && from < to &&
        (*from == dialect_.escape || *from == dialect_.quote)) {
      *out++ = *from++;
    } else if (c == dialect_.quote) {
      quoted = false;
    } else {
      *out++ = c;
    }
  }
  fields_.push_back({text, static_cast<std::uint32_t>(out - text), true, false});
}

char* Parser::reserve_scratch(std::size_t bytes) {
  static constexpr std::size_t block_bytes = 64 * 1024;
  while (scratch_block_ < scratch_.size() &&
         scratch_sizes_[scratch_block_] - scratch_used_ < bytes) {
    ++scratch_block_;
    scratch_used_ = 0;
  }
  if (scratch_block_ == scratch_.size()) {
    const std::size_t size = std::max(bytes, block_bytes);
    scratch_.push_back(std::make_unique_for_overwrite<char[]>(size));
    scratch_sizes_.push_back(size);
  }
  char* const place = scratch_[scratch_block_].get() + scratch_used_;
  scratch_used_ += bytes;
  return place;
}

}  // namespace sluice::csv
