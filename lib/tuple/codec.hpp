#pragma once

#include <cstddef>
#include <cstdint>

#include "tuple/table.hpp"

namespace sluice::tuple {

/// Writes the binary form of a value (as the type's receive function reads it) and returns the
/// place behind it, or nullptr when it is not certain that the server would read the same value
/// from that text. A codec never judges a value wrong: what it does not take goes to the server as
/// text. REQUIRES: room for size + codec_slack bytes at `out`.
using Encode = char* (*)(const char* text, std::size_t size, char* out);

/// Bytes that a binary form may be longer than its text.
inline constexpr std::size_t codec_slack = 16;

/// What of the session's settings changes the meaning of a text.
struct SessionSettings {
  bool time_zone_is_utc = false;
};

/// The codec of a type, or nullptr where there is none and all values take the slow lane.
Encode codec_of(std::uint32_t type, const SessionSettings& settings);

namespace codecs {
// https://www.postgresql.org/docs/current/datatype.html, and the *recv functions of
// src/backend/utils/adt.
char* int2(const char* text, std::size_t size, char* out);
char* int4(const char* text, std::size_t size, char* out);
char* int8(const char* text, std::size_t size, char* out);
char* float4(const char* text, std::size_t size, char* out);
char* float8(const char* text, std::size_t size, char* out);
char* numeric(const char* text, std::size_t size, char* out);
char* boolean(const char* text, std::size_t size, char* out);
char* text(const char* text, std::size_t size, char* out);
char* uuid(const char* text, std::size_t size, char* out);
char* date(const char* text, std::size_t size, char* out);
char* time(const char* text, std::size_t size, char* out);
char* timestamp(const char* text, std::size_t size, char* out);
/// Texts with an offset or Z only.
char* timestamptz(const char* text, std::size_t size, char* out);
/// Texts without an offset are UTC.
char* timestamptz_in_utc(const char* text, std::size_t size, char* out);
}  // namespace codecs

}  // namespace sluice::tuple
