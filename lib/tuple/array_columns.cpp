#include "tuple/array_columns.hpp"

#include "base/endian.hpp"

namespace sluice::tuple {
namespace {

constexpr std::size_t head_bytes = 20;

}  // namespace

std::size_t ArrayColumns::take(TupleRange& range, std::size_t rows_max, std::size_t bytes_max) {
  std::string_view& tuples = range.pieces[1];
  begin();
  std::size_t rows = 0;
  const std::size_t before = tuples.size();
  while (range.tuples > 0 && rows < rows_max && before - tuples.size() < bytes_max) {
    take_one(tuples);
    ++rows;
    --range.tuples;
  }
  finish(rows);
  return rows;
}

void ArrayColumns::begin() {
  for (Column& column : columns_) {
    column.bytes.assign(head_bytes, '\0');
    column.has_null = false;
  }
}

void ArrayColumns::take_one(std::string_view& tuples) {
  const char* at = tuples.data() + sizeof(std::int16_t);
  for (Column& column : columns_) {
    const auto size = load_big_endian<std::int32_t>(at);
    const std::size_t bytes = sizeof size + (size > 0 ? static_cast<std::size_t>(size) : 0);
    column.bytes.append(at, bytes);
    if (size < 0) column.has_null = true;
    at += bytes;
  }
  tuples.remove_prefix(static_cast<std::size_t>(at - tuples.data()));
}

void ArrayColumns::finish(std::size_t rows) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    char* out = columns_[i].bytes.data();
    out = store_big_endian(out, std::int32_t{1});
    out = store_big_endian(out, std::int32_t{columns_[i].has_null ? 1 : 0});
    out = store_big_endian(out, types_[i]);
    out = store_big_endian(out, static_cast<std::int32_t>(rows));
    store_big_endian(out, std::int32_t{1});
  }
}

}  // namespace sluice::tuple
