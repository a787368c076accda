#include "tuple/keys.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/endian.hpp"
#include "tuple/copy_text.hpp"
#include "tuple/tuple_range.hpp"

namespace sluice::tuple {
namespace {

/// The field of a tuple; nothing for NULL.
using Value = std::optional<std::string_view>;

constexpr std::uint64_t hash_of_null = 0x9e3779b97f4a7c15;

std::string_view trim(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

template <class Float, class Bits>
std::uint64_t hash_float(std::string_view value, std::uint64_t seed) {
  const auto bits = load_big_endian<Bits>(value.data());
  Float number;
  static_assert(sizeof number == sizeof bits);
  std::memcpy(&number, &bits, sizeof number);
  if (std::isnan(number)) return seed + 1;
  if (number == 0) number = 0;  // minus zero
  return XXH3_64bits_withSeed(&number, sizeof number, seed);
}

/// As numeric_send writes it: ndigits, weight, sign, dscale, digits of base 10,000. Nothing where
/// the column rounds the value.
std::optional<std::uint64_t> hash_numeric(std::string_view value, std::int32_t scale,
                                          std::uint64_t seed) {
  constexpr std::size_t head = 8;
  const auto dscale = load_big_endian<std::int16_t>(value.data() + 6);
  if (scale >= 0 && dscale > scale) return std::nullopt;
  std::string_view digits = value.substr(head);
  while (digits.size() >= 2 && digits[digits.size() - 1] == '\0' &&
         digits[digits.size() - 2] == '\0')
    digits.remove_suffix(2);
  if (digits.empty()) return seed + 2;  // zero has any weight
  const std::uint64_t weight_and_sign = XXH3_64bits_withSeed(value.data() + 2, 4, seed);
  return XXH3_64bits_withSeed(digits.data(), digits.size(), weight_and_sign);
}

std::optional<std::uint64_t> hash_value(const KeyField& field, std::string_view value,
                                        std::uint64_t seed) {
  const auto hash = [seed](std::string_view bytes) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  };
  switch (field.form) {
    case KeyForm::unknown: return std::nullopt;
    case KeyForm::bytes: return hash(value);
    case KeyForm::trimmed: return hash(trim(value));
    case KeyForm::float4: return hash_float<float, std::uint32_t>(value, seed);
    case KeyForm::float8: return hash_float<double, std::uint64_t>(value, seed);
    case KeyForm::numeric: return hash_numeric(value, field.scale, seed);
  }
  return std::nullopt;
}

/// Adds one tuple's key. `value_of` gives a key field's binary form, and whether it has one.
template <class ValueOf>
void add_key(const KeyPlan& plan, KeySet& keys, const ValueOf& value_of) {
  std::uint64_t hash = plan.fields.size();
  for (const KeyField& field : plan.fields) {
    Value value;
    if (!value_of(field, value)) {
      keys.is_complete = false;
      return;
    }
    if (!value && !plan.nulls_are_equal) return;  // conflicts with nothing
    const std::optional<std::uint64_t> next =
        value ? hash_value(field, *value, hash) : std::optional(hash ^ hash_of_null);
    if (!next) {
      keys.is_complete = false;
      return;
    }
    hash = *next;
  }
  keys.hashes.push_back(hash);
}

std::strong_ordering compare(KeyOrderForm order, std::string_view a, std::string_view b) {
  if (order == KeyOrderForm::is_signed && !a.empty() && !b.empty() && a.front() != b.front())
    return static_cast<signed char>(a.front()) <=> static_cast<signed char>(b.front());
  return a <=> b;
}

/// Whether a tuple's key is behind another one's, as the index sorts them. False where that is not
/// known.
bool is_behind(const KeyPlan& plan, const std::vector<Value>& values,
               const std::vector<Value>& before) {
  for (const KeyField& field : plan.fields) {
    const Value& a = before[field.field];
    const Value& b = values[field.field];
    if (field.order == KeyOrderForm::unknown || !a || !b) return false;
    const std::strong_ordering order = compare(field.order, *a, *b);
    if (order != std::strong_ordering::equal) return order == std::strong_ordering::less;
  }
  return false;
}

void hash_fast(const KeyPlan& plan, const Lane& lane, KeySet& keys) {
  const char* at = lane.buffer.bytes() + binary_format::header.size();
  std::vector<Value> values;
  std::vector<Value> before;
  for (std::uint64_t tuple = 0; tuple < lane.tuples; ++tuple) {
    std::swap(values, before);
    values.clear();
    auto fields = load_big_endian<std::int16_t>(at);
    at += sizeof fields;
    for (; fields > 0; --fields) {
      const auto size = load_big_endian<std::int32_t>(at);
      at += sizeof size;
      values.emplace_back();
      if (size < 0) continue;
      values.back() = std::string_view(at, static_cast<std::size_t>(size));
      at += size;
    }
    keys.is_rising = keys.is_rising && (tuple == 0 || is_behind(plan, values, before));
    add_key(plan, keys, [&values](const KeyField& field, Value& value) {
      value = values[field.field];
      return true;
    });
  }
}

void hash_slow(const KeyPlan& plan, const Lane& lane, KeySet& keys) {
  std::string_view rest = lane.bytes();
  std::vector<std::string_view> fields;
  std::string text;
  Buffer binary;
  while (!rest.empty()) {
    copy_text::split_line(rest, fields);
    add_key(plan, keys, [&](const KeyField& key, Value& value) {
      const std::string_view field = fields[key.field];
      if (field == copy_text::null) return true;
      if (key.encode == nullptr) return false;
      text.clear();
      copy_text::unescape(field, text);
      const std::size_t size = text.size();
      text.append(codec_padding, '\0');
      binary.reserve(size * key.growth + codec_slack);
      char* const end = key.encode(text.data(), size, binary.bytes());
      if (end == nullptr) return false;
      value = std::string_view(binary.bytes(), static_cast<std::size_t>(end - binary.bytes()));
      return true;
    });
  }
}

}  // namespace

KeyForm key_form_of(const Type& type, bool collates_bytewise) {
  if (type.kind == Type::enumeration) return KeyForm::bytes;
  const bool is_rounded = type.modifier >= 0;
  switch (type.id) {
    case oid::boolean:
    case oid::int2:
    case oid::int4:
    case oid::int8:
    case oid::oid:
    case oid::date:
    case oid::uuid:
    case oid::bytea:
    case oid::macaddr:
    case oid::macaddr8:
    case oid::inet:
    case oid::cidr: return KeyForm::bytes;
    case oid::time:
    case oid::timestamp:
    case oid::timestamptz: return is_rounded ? KeyForm::unknown : KeyForm::bytes;
    case oid::text:
    case oid::varchar:
    case oid::bpchar: return collates_bytewise ? KeyForm::trimmed : KeyForm::unknown;
    case oid::float4: return KeyForm::float4;
    case oid::float8: return KeyForm::float8;
    case oid::numeric: return KeyForm::numeric;
    default: return KeyForm::unknown;
  }
}

KeyOrderForm key_order_form_of(const Type& type) {
  switch (type.id) {
    case oid::int2:
    case oid::int4:
    case oid::int8:
    case oid::date:
    case oid::time:
    case oid::timestamp:
    case oid::timestamptz: return KeyOrderForm::is_signed;
    case oid::boolean:
    case oid::oid:
    case oid::uuid:
    case oid::bytea: return KeyOrderForm::is_unsigned;
    default: return KeyOrderForm::unknown;
  }
}

void hash_keys(const KeyPlan& plan, Batch& batch) {
  KeySet& keys = batch.keys;
  keys.hashes.clear();
  keys.may_repeat = false;
  keys.is_complete = true;
  keys.is_rising = batch.slow.tuples == 0;
  if (batch.fast.tuples > 0) hash_fast(plan, batch.fast, keys);
  if (keys.is_complete) hash_slow(plan, batch.slow, keys);
  std::ranges::sort(keys.hashes);
  const auto repeated = std::ranges::unique(keys.hashes);
  keys.may_repeat = !keys.is_complete || !repeated.empty();
  keys.hashes.erase(repeated.begin(), repeated.end());
  keys.is_complete = keys.is_complete && !plan.anything_goes;
}

}  // namespace sluice::tuple
