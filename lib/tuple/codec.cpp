#include "tuple/codec.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "tuple/array_codec.hpp"
#include "tuple/range_codec.hpp"

namespace sluice::tuple {
namespace {

/// An interval that is declared with fields, such as `interval minute to second`, reads "04:05" in
/// its own way: the upper half of its type modifier (INTERVAL_RANGE of utils/timestamp.h) says so.
bool has_all_fields(const Type& interval) {
  static constexpr std::int32_t all_fields = 0x7fff;
  return interval.modifier < 0 || interval.modifier >> 16 == all_fields;
}

Encode codec_of_scalar(const Type& type, const SessionSettings& settings) {
  switch (type.id) {
    case oid::boolean: return codecs::boolean;
    case oid::int2: return codecs::int2;
    case oid::int4: return codecs::int4;
    case oid::int8: return codecs::int8;
    case oid::oid: return codecs::oid;
    case oid::float4: return codecs::float4;
    case oid::float8: return codecs::float8;
    case oid::numeric: return codecs::numeric;
    case oid::money: return settings.money_is_in_cents ? codecs::money_in_cents : nullptr;
    case oid::text:
    case oid::varchar:
    case oid::bpchar:
    case oid::json: return codecs::text;
    case oid::jsonb: return codecs::jsonb;
    case oid::bytea: return codecs::bytea;
    case oid::uuid: return codecs::uuid;
    case oid::date: return codecs::date;
    case oid::time: return codecs::time;
    case oid::timetz: return settings.time_zone_is_utc ? codecs::timetz_in_utc : codecs::timetz;
    case oid::timestamp: return codecs::timestamp;
    case oid::timestamptz:
      return settings.time_zone_is_utc ? codecs::timestamptz_in_utc : codecs::timestamptz;
    case oid::interval:
      return has_all_fields(type) && !settings.interval_style_is_sql_standard ? codecs::interval
                                                                              : nullptr;
    case oid::inet: return codecs::inet;
    case oid::cidr: return codecs::cidr;
    case oid::macaddr: return codecs::macaddr;
    case oid::macaddr8: return codecs::macaddr8;
    case oid::pg_lsn: return codecs::pg_lsn;
    case oid::bit:
    case oid::varbit: return codecs::bit;
    case oid::point: return codecs::point;
    case oid::box: return codecs::box;
    case oid::name: return codecs::name;
    case oid::character: return codecs::character;
    default: return nullptr;
  }
}

/// citext's functions are those of text. ltree_in and ltree_recv parse the same text.
Encode codec_of_extension(const Type& type) {
  switch (type.extension) {
    case Extension::text: return codecs::text;
    case Extension::ltree: return codecs::jsonb;
    case Extension::hstore: return codecs::hstore;
    case Extension::geometry: return codecs::geometry;
    case Extension::vector: return codecs::vector;
    case Extension::none: break;
  }
  return nullptr;
}

Encode codec_of_range(const Type& type, const SessionSettings& settings) {
  using namespace codecs;
  using codecs::detail::is_less_integer;
  static constexpr auto is_less_time = is_less_integer<std::int64_t>;
  switch (type.id) {
    case oid::int4range: return range<int4, is_less_integer<std::int32_t>, Steps::some>;
    case oid::int8range: return range<int8, is_less_integer<std::int64_t>, Steps::some>;
    case oid::daterange: return range<date, is_less_integer<std::int32_t>, Steps::some>;
    case oid::numrange: return range<numeric, codecs::detail::is_less_numeric, Steps::none>;
    case oid::tsrange: return range<timestamp, is_less_time, Steps::none>;
    case oid::tstzrange:
      return settings.time_zone_is_utc ? range<timestamptz_in_utc, is_less_time, Steps::none>
                                       : range<timestamptz, is_less_time, Steps::none>;
    default: return nullptr;
  }
}

/// Arrays of the types whose elements need no backslash in an array's text.
Encode codec_of_array(const Type& type, const SessionSettings& settings) {
  using namespace codecs;
  switch (type.id) {
    case oid::array_of_boolean: return array<boolean, oid::boolean>;
    case oid::array_of_int2: return array<int2, oid::int2>;
    case oid::array_of_int4: return array<int4, oid::int4>;
    case oid::array_of_int8: return array<int8, oid::int8>;
    case oid::array_of_oid: return array<codecs::oid, oid::oid>;
    case oid::array_of_float4: return array<float4, oid::float4>;
    case oid::array_of_float8: return array<float8, oid::float8>;
    case oid::array_of_numeric: return array<numeric, oid::numeric>;
    case oid::array_of_text: return array<text, oid::text>;
    case oid::array_of_varchar: return array<text, oid::varchar>;
    case oid::array_of_bpchar: return array<text, oid::bpchar>;
    case oid::array_of_uuid: return array<uuid, oid::uuid>;
    case oid::array_of_date: return array<date, oid::date>;
    case oid::array_of_time: return array<time, oid::time>;
    case oid::array_of_timetz:
      return settings.time_zone_is_utc ? array<timetz_in_utc, oid::timetz>
                                       : array<timetz, oid::timetz>;
    case oid::array_of_timestamp: return array<timestamp, oid::timestamp>;
    case oid::array_of_timestamptz:
      return settings.time_zone_is_utc ? array<timestamptz_in_utc, oid::timestamptz>
                                       : array<timestamptz, oid::timestamptz>;
    case oid::array_of_interval:
      return has_all_fields(type) && !settings.interval_style_is_sql_standard
                 ? array<interval, oid::interval>
                 : nullptr;
    case oid::array_of_inet: return array<inet, oid::inet>;
    case oid::array_of_cidr: return array<cidr, oid::cidr>;
    case oid::array_of_macaddr: return array<macaddr, oid::macaddr>;
    case oid::array_of_macaddr8: return array<macaddr8, oid::macaddr8>;
    default: return nullptr;
  }
}

}  // namespace

Encode codec_of(const Type& type, const SessionSettings& settings) {
  if (type.kind == Type::enumeration) return codecs::text;  // enum_recv reads the label
  if (const Encode vector = codecs::vector_codec(type.id)) return vector;
  if (const Encode scalar = codec_of_scalar(type, settings)) return scalar;
  if (const Encode other = codec_of_extension(type)) return other;
  if (const Encode range = codec_of_range(type, settings)) return range;
  return settings.array_nulls ? codec_of_array(type, settings) : nullptr;
}

std::size_t growth_of(const Type& type) {
  if (type.extension == Extension::hstore || type.extension == Extension::vector)
    return pair_growth;
  const bool is_composed = type.kind == Type::composite || codec_of_array(type, {}) != nullptr ||
                           codec_of_range(type, {}) != nullptr;
  return is_composed ? array_growth : 1;
}

namespace codecs {

char* text(const char* text, std::size_t size, char* out) {
  // Most texts are short: whole blocks need no branch on the length within.
  static constexpr std::size_t block = codec_padding;
  static constexpr std::size_t short_text = 4 * block;
  if (size > short_text) {
    std::memcpy(out, text, size);
  } else {
    for (std::size_t at = 0; at < size; at += block) std::memcpy(out + at, text + at, block);
  }
  return out + size;
}

/// What has its length in any encoding: PostgreSQL cuts what is longer than 63 bytes (NAMEDATALEN),
/// in the server's encoding and at a character's end, and refuses it in binary.
char* name(const char* text, std::size_t size, char* out) {
  static constexpr std::size_t name_bytes_max = 63;
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (size > name_bytes_max || !std::all_of(text, text + size, is_ascii)) return nullptr;
  return codecs::text(text, size, out);
}

/// Versions differ in what they make of longer texts.
char* character(const char* text, std::size_t size, char* out) {
  if (size != 1 || static_cast<unsigned char>(*text) >= 0x80) return nullptr;
  *out = *text;
  return out + 1;
}

/// A version, then the text.
char* jsonb(const char* text, std::size_t size, char* out) {
  static constexpr char version = 1;
  *out = version;
  return codecs::text(text, size, out + 1);
}

char* boolean(const char* text, std::size_t size, char* out) {
  // The usual form; the words are read below.
  if (size == 1 && (*text == 't' || *text == 'f')) {
    *out = *text == 't' ? 1 : 0;
    return out + 1;
  }
  if (size == 0 || size > 5) return nullptr;
  std::array<char, 5> lower{};
  for (std::size_t i = 0; i < size; ++i) {
    // The bit also turns control characters into letters' neighbours; those are not words.
    if (static_cast<unsigned char>(text[i]) < '0') return nullptr;
    lower[i] = static_cast<char>(text[i] | 0x20);
  }
  const std::string_view word(lower.data(), size);
  // '0' and '1' have the bit of lower case already.
  const bool is_true =
      word == "t" || word == "1" || word == "true" || word == "y" || word == "yes" || word == "on";
  const bool is_false =
      word == "f" || word == "0" || word == "false" || word == "n" || word == "no" || word == "off";
  if (!is_true && !is_false) return nullptr;
  *out = is_true ? 1 : 0;
  return out + 1;
}

}  // namespace codecs
}  // namespace sluice::tuple
