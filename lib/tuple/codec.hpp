#pragma once

#include <cstddef>
#include <cstdint>

#include "tuple/table.hpp"

namespace sluice::tuple {

/// Writes the binary form of a value (as the type's receive function reads it) and returns the
/// place behind it, or nullptr when it is not certain that the server would read the same value
/// from that text. A codec never judges a value wrong: what it does not take goes to the server as
/// text.
/// REQUIRES: room for size * growth + codec_slack bytes at `out`, where growth is what growth_of()
/// says; codec_padding bytes behind the text may be read, whatever they hold.
using Encode = char* (*)(const char* text, std::size_t size, char* out);

/// Bytes that a binary form, and what is written behind it, may be longer than its text.
inline constexpr std::size_t codec_slack = 24;
/// An array's element and a range's bound have four bytes of length, and may be a single digit.
inline constexpr std::size_t array_growth = 16;
/// A pair of an hstore, `""=>"",`, has eight bytes of lengths; an element of a vector, `1,`, four.
inline constexpr std::size_t pair_growth = 2;
inline constexpr std::size_t codec_padding = 16;

/// What of the session's settings changes the meaning of a text.
struct SessionSettings {
  bool time_zone_is_utc = false;
  bool interval_style_is_sql_standard = false;  ///< a sign there holds for all that follows it
  bool array_nulls = true;                      ///< NULL in an array is one
  bool text_is_utf8 = false;                    ///< and the server insists on it
  bool money_is_in_cents = false;               ///< with a point in front of two digits
};

/// The codec of a type, or nullptr where there is none and all values take the slow lane.
Encode codec_of(const Type& type, const SessionSettings& settings);

/// How many times longer than its text a type's binary form may be; 1 for what is not composed.
std::size_t growth_of(const Type& type);

namespace codecs {
// https://www.postgresql.org/docs/current/datatype.html, and the *recv functions of
// src/backend/utils/adt.
char* int2(const char* text, std::size_t size, char* out);
char* int4(const char* text, std::size_t size, char* out);
char* int8(const char* text, std::size_t size, char* out);
char* oid(const char* text, std::size_t size, char* out);
char* float4(const char* text, std::size_t size, char* out);
char* float8(const char* text, std::size_t size, char* out);
char* numeric(const char* text, std::size_t size, char* out);
/// Without groups of digits and a sign of the currency.
char* money_in_cents(const char* text, std::size_t size, char* out);
char* boolean(const char* text, std::size_t size, char* out);
/// Also varchar, char, json and the labels of enums.
char* text(const char* text, std::size_t size, char* out);
/// Also ltree.
char* jsonb(const char* text, std::size_t size, char* out);
char* bytea(const char* text, std::size_t size, char* out);
/// Two digits for each byte.
char* hexadecimal(const char* text, std::size_t size, char* out);
char* uuid(const char* text, std::size_t size, char* out);
char* date(const char* text, std::size_t size, char* out);
char* time(const char* text, std::size_t size, char* out);
char* timestamp(const char* text, std::size_t size, char* out);
char* interval(const char* text, std::size_t size, char* out);
/// Texts with an offset or Z only.
char* timestamptz(const char* text, std::size_t size, char* out);
char* timetz(const char* text, std::size_t size, char* out);
/// Texts without an offset are UTC.
char* timestamptz_in_utc(const char* text, std::size_t size, char* out);
char* timetz_in_utc(const char* text, std::size_t size, char* out);
char* inet(const char* text, std::size_t size, char* out);
char* cidr(const char* text, std::size_t size, char* out);
char* macaddr(const char* text, std::size_t size, char* out);
char* macaddr8(const char* text, std::size_t size, char* out);
char* pg_lsn(const char* text, std::size_t size, char* out);
/// Also varbit.
char* bit(const char* text, std::size_t size, char* out);
char* point(const char* text, std::size_t size, char* out);
char* box(const char* text, std::size_t size, char* out);
char* name(const char* text, std::size_t size, char* out);
/// "char", the type of one byte.
char* character(const char* text, std::size_t size, char* out);
char* hstore(const char* text, std::size_t size, char* out);
/// Hexadecimal EWKB, and points as WKT. Also geography.
char* geometry(const char* text, std::size_t size, char* out);
char* vector(const char* text, std::size_t size, char* out);

/// A faster form of a type's codec, for the vector instructions of this machine; nullptr where
/// there is none.
Encode vector_codec(std::uint32_t type);
}  // namespace codecs

}  // namespace sluice::tuple
