#include "tuple/composite_codec.hpp"

#include <string_view>

#include "base/endian.hpp"
#include "tuple/doubt.hpp"

namespace sluice::tuple {
namespace {

/// A column as it stands in a record's text.
struct RecordField {
  std::string_view text;
  bool is_null = false;
};

/// Takes the value in front of the next comma or bracket. False for what only the server reads.
bool take_value(std::string_view& rest, RecordField& value) {
  if (rest.starts_with('"')) {
    const std::size_t end = rest.find_first_of("\"\\", 1);
    if (end == std::string_view::npos || rest[end] == '\\') return false;
    value = {rest.substr(1, end - 1), false};
    rest.remove_prefix(end + 1);
    return rest.starts_with(',') || rest.starts_with(')');
  }
  const std::size_t end = rest.find_first_of(",)\"\\");
  if (end == std::string_view::npos || rest[end] == '"' || rest[end] == '\\') return false;
  value = {rest.substr(0, end), end == 0};
  rest.remove_prefix(end);
  return true;
}

}  // namespace

std::shared_ptr<const CompositeCodec> CompositeCodec::of(const Type& type,
                                                         const SessionSettings& settings) {
  if (!type.composition || type.composition->empty()) return nullptr;
  auto codec = std::make_shared<CompositeCodec>();
  for (const Type::Part& part : *type.composition) {
    if (doubt_of(part.base).kind == Doubt::Kind::bits) return nullptr;
    Column column{part.declared, codec_of(part.base, settings), of(part.base, settings)};
    if (column.encode == nullptr && column.composite == nullptr) return nullptr;
    codec->columns_.push_back(std::move(column));
  }
  return codec;
}

char* CompositeCodec::encode(const char* text, std::size_t size, char* out) const {
  std::string_view rest(text, size);
  if (!rest.starts_with('(')) return nullptr;
  out = store_big_endian(out, static_cast<std::int32_t>(columns_.size()));
  char separator = '(';
  for (const Column& column : columns_) {
    if (!rest.starts_with(separator)) return nullptr;
    rest.remove_prefix(1);
    separator = ',';
    RecordField value;
    if (!take_value(rest, value)) return nullptr;
    out = store_big_endian(out, column.declared);
    if (value.is_null) {
      out = store_big_endian(out, std::int32_t{-1});
      continue;
    }
    char* const begin = out + 4;
    char* const end = column.encode != nullptr
                          ? column.encode(value.text.data(), value.text.size(), begin)
                          : column.composite->encode(value.text.data(), value.text.size(), begin);
    if (end == nullptr) return nullptr;
    store_big_endian(out, static_cast<std::int32_t>(end - begin));
    out = end;
  }
  return rest == ")" ? out : nullptr;
}

}  // namespace sluice::tuple
