#include "tuple/text_rows.hpp"

#include "tuple/copy_text.hpp"

namespace sluice::tuple {

std::size_t TextRows::take(TupleRange& range, std::size_t rows_max, std::size_t bytes_max) {
  bytes_.clear();
  ends_.clear();
  fields_.clear();
  std::string_view& tuples = range.pieces[0];
  std::size_t rows = 0;
  for (; range.tuples > 0 && rows < rows_max && bytes_.size() < bytes_max; ++rows) {
    copy_text::split_line(tuples, line_);
    --range.tuples;
    for (const std::string_view field : line_) {
      ends_.emplace_back();
      if (field == copy_text::null) continue;
      copy_text::unescape(field, bytes_);
      ends_.back() = bytes_.size();
    }
  }
  std::size_t begin = 0;
  for (const std::optional<std::size_t> end : ends_) {
    fields_.emplace_back();
    if (!end) continue;
    fields_.back() = std::string_view(bytes_).substr(begin, *end - begin);
    begin = *end;
  }
  return rows;
}

}  // namespace sluice::tuple
