#include "tuple/codec.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/endian.hpp"
#include "tuple/composite_codec.hpp"

namespace sluice::tuple {
namespace {

/// Hexadecimal of a value's binary form; "-" where the codec leaves the text to the server.
std::string hex(Encode encode, const std::string& text) {
  std::string out(text.size() * array_growth + codec_slack, '\0');
  const std::string padded = text + std::string(codec_padding, '7');
  const char* const end = encode(padded.data(), text.size(), out.data());
  if (end == nullptr) return "-";
  EXPECT_LE(end, out.data() + out.size()) << text;
  std::string result;
  for (const char* at = out.data(); at != end; ++at) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(*at)));
    result += digits;
  }
  return result;
}

/// The same of a composite type of these.
std::string hex_of_record(const std::vector<Type>& columns, const std::string& text) {
  std::vector<Type::Part> parts;
  for (const Type& column : columns) parts.push_back({column.id, column});
  const Type type{.id = 99999,
                  .kind = Type::composite,
                  .composition = std::make_shared<const std::vector<Type::Part>>(parts)};
  static std::shared_ptr<const CompositeCodec> codec;
  codec = CompositeCodec::of(type, {});
  if (!codec) return "none";
  return hex(
      [](const char* at, std::size_t size, char* out) { return codec->encode(at, size, out); },
      text);
}

// That the bytes are the server's own is shown by tests/integration/golden_test.cpp; here stands
// what goes which way.
/// As record_send() of PostgreSQL 15 writes them.
TEST(Codec, RecordsAreThoseOfTheServer) {
  const std::vector<Type> pair{{oid::int4}, {oid::text}};
  EXPECT_EQ("000000020000001700000004000000010000001900000004612c2062",
            hex_of_record(pair, "(1,\"a, b\")"));
  EXPECT_EQ("0000000200000017ffffffff0000001900000000", hex_of_record(pair, "(,\"\")"));
  EXPECT_EQ("000000020000001700000004000000070000001900000003206220",
            hex_of_record(pair, "(7, b )"));
  for (const char* text :
       {"", "(", ")", "()", "(1)", "(1,2,3)", " (1,a)", "(1,a) ", "(1,\"a", "(1,a", "(1,\"a\"b)",
        "(1,a\"b\")", "(1,\"a\"\"b\")", "(1,a\\,)", "(x,a)", "( 1,a)", "(1,\"a\\\"b\")", "1,a"})
    EXPECT_EQ("-", hex_of_record(pair, text)) << text;
  EXPECT_EQ("none", hex_of_record({{oid::int4}, {99998}}, "(1,2)"));
  EXPECT_EQ("none", hex_of_record({{oid::bit, 'b', 3}}, "(101)"));
  EXPECT_EQ("none", hex_of_record({}, "()"));
}

TEST(Codec, LeavesToTheServerWhatItIsNotCertainOf) {
  struct {
    Encode encode;
    std::vector<std::string> texts;
  } const unsure[] = {
      {codecs::int4,
       {"", " 1", "1 ", "2147483648", "-2147483649", "1.0", "0x10", "1_000", "+", "-", "--1",
        "1e3"}},
      {codecs::int2, {"32768", "-32769"}},
      {codecs::int8, {"9223372036854775808", "99999999999999999999"}},
      {codecs::float8,
       {"", "inf", "NaN", "-Infinity", "1e999", "1e-999", "0x1p3", " 1", "1 ", ".", "+", "+-1",
        "1e", "--1"}},
      {codecs::float4, {"1e39", "1e-60"}},
      {codecs::numeric,
       {"", ".", "NaN", "Infinity", "1e5", " 1", "1 ", "+-1", std::string(1001, '1')}},
      {codecs::boolean, {"", "tr", "2", "truee", "\x14"}},
      {codecs::uuid,
       {"", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a1",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", "a0eebc9-99c0b-4ef8-bb6d-6bb9bd380a11"}},
      {codecs::date,
       {"", "2024-1-1", "2024-02-30", "2023-02-29", "0000-01-01", "01/02/2024", "2024-01-01 BC",
        "infinity", "today", "12024-01-01"}},
      {codecs::time,
       {"", "24:00:00", "23:59:60", "1:02", "12:00 PM", "12:00:00.1234567", "12:00:00.",
        "12:00:00+02"}},
      {codecs::timestamp,
       {"", "2024-01-01 ", "2024-01-01 24:00:00", "2024-01-01 10:00:00+02", "Jan 3 2024",
        "-infinity", "20240101T000000"}},
      {codecs::timetz, {"", "12:00:00", "12:00:00 +02", "12:00:00+16", "24:00:00+00"}},
      {codecs::interval,
       {"", "1", "1 day ", " 1 day", "1 week", "1.5 days", "2 days 1 year", "1 day 2 days", "04:60",
        "4:5", "1 day ago", "P1D", "123456789 days", "-", "1 day -"}},
      {codecs::bytea, {"\\x0", "\\x0g", "\\", "\\8", "\\400", "\xff", std::string(1, '\0')}},
      {codecs::inet,
       {"", "10", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1.1",
        ":::", "::1/129", "::ffff:1.2.3.4", "fe80::1%eth0"}},
      {codecs::cidr, {"10.0.0.1/8", "2001:db8::1/32"}},
      {codecs::macaddr, {"", "08002b010203", "08:00:2b:01:02:0g", "08:00-2b:01:02:03"}},
      {codecs::oid, {"", "-1", "+1", "4294967296", "11111111111"}},
      {codec_of({oid::array_of_int4}, {}),
       {"",
        "{",
        "{1",
        "{1,}",
        "{,1}",
        "{ 1}",
        "{1 }",
        "[0:0]={1}",
        "{\"1\"2}",
        "{\"1}",
        "{1,\\2}",
        "{}}",
        "{{}}",
        "{{1},2}",
        "{1,{2}}",
        "{{1},{2,3}}",
        "{{1}{2}}",
        "{{1}, {2}}",
        "{{1}",
        "{{1}}}",
        "{{{{{{{1}}}}}}}",
        "{{{1}},{2}}",
        "{{"}},
      {codecs::pg_lsn, {"", "1", "/", "1/", "/1", "123456789/1", "1/2/3", "g/1", "1/2 "}},
      {codecs::bit, {"2", "b1", "x1", " 1", "10110011x", "1011001/"}},
      {codecs::point,
       {"", "1,2", "(1,2", "(1)", "(,)", "(1,2,3)", "( 1,2)", "(1, 2)", "((1,2))", "(1,2) "}},
      {codecs::box,
       {"", "(1,2)", "(1,2),", "(1,2)(3,4)", "((1,2),(3,4))", "1,2,3,4", "(1,2), (3,4)"}},
      {codecs::name, {std::string(64, 'n'), "\xc3\xa9"}},
      {codecs::character, {"", "ab", "\\101", "\xe9"}},
      {codec_of({oid::int4range}, {}),
       {"", "[1,5]", "(1,5)", "(1,)", "[5,5)", "[5,1)", "[1,5", "1,5)", "[1)", "[1,2,3)", "[ 1,5)",
        "Empty", "[\"1\"2,5)", "[1,\"5)", "[\"\",5)"}},
      {codec_of({oid::numrange}, {}),
       {"[1.5,1.50)", "[-1,-2]", "[0.1,0.09]", "[10000,1)", "[0,-0.001]", "[1,1]"}},
      {codecs::timestamptz,
       {"2024-01-01", "2024-01-01 10:00:00", "2024-01-01 10:00:00 UTC", "2024-01-01 10:00:00+16",
        "2024-01-01 10:00:00 +02", "2024-01-01Z", "2024-01-01 10:00:00+2"}},
  };
  for (const auto& type : unsure) {
    for (const std::string& text : type.texts) EXPECT_EQ("-", hex(type.encode, text)) << text;
  }
}

TEST(Codec, EncodesCommonForms) {
  EXPECT_EQ("0000002a", hex(codecs::int4, "42"));
  EXPECT_EQ("ffffffff", hex(codecs::int4, "-1"));
  EXPECT_EQ("0000002a", hex(codecs::int4, "+0042"));
  EXPECT_EQ("8000000000000000", hex(codecs::float8, "-0"));
  EXPECT_EQ("3ff8000000000000", hex(codecs::float8, "+1.5"));
  EXPECT_EQ("01", hex(codecs::boolean, "TRUE"));
  EXPECT_EQ("00", hex(codecs::boolean, "off"));
  EXPECT_EQ("00000000", hex(codecs::date, "2000-01-01"));
  EXPECT_EQ("0000000000000000", hex(codecs::timestamptz, "2000-01-01T00:00:00Z"));
  EXPECT_EQ(hex(codecs::timestamptz, "2000-01-01 02:00:00+02"),
            hex(codecs::timestamptz_in_utc, "2000-01-01"));
  EXPECT_EQ("0000000000000000", hex(codecs::numeric, "-0").substr(0, 16));
  EXPECT_EQ("000200000000000200010fa0", hex(codecs::numeric, "1.40"));
  EXPECT_EQ("0001000100000000000c", hex(codecs::numeric, "120000"));
  EXPECT_EQ("0000000000000000ffffe3e0", hex(codecs::timetz, "00:00:00+02"));
  EXPECT_EQ(
      "000000000000000100000003"
      "0000000e",
      "0000000000000001" + hex(codecs::interval, "1 year 2 mons 3 days").substr(16));
  EXPECT_EQ("00ff", hex(codecs::bytea, "\\x00FF"));
  EXPECT_EQ("615c00", hex(codecs::bytea, "a\\\\\\000"));
  EXPECT_EQ("017b7d", hex(codecs::jsonb, "{}"));
  EXPECT_EQ("022000040a000001", hex(codecs::inet, "10.0.0.1"));
  EXPECT_EQ(
      "02080104"
      "0a000000",
      hex(codecs::cidr, "10.0.0.0/8"));
  EXPECT_EQ("08002b010203", hex(codecs::macaddr, "08-00-2B-01-02-03"));
  EXPECT_EQ("ffffffff", hex(codecs::oid, "4294967295"));
  const Encode integers = codec_of({oid::array_of_int4}, {});
  EXPECT_EQ("000000000000000000000017", hex(integers, "{}"));
  EXPECT_EQ(
      "0000000100000001000000170000000200000001"
      "0000000400000007"
      "ffffffff",
      hex(integers, "{7,NULL}"));
  EXPECT_EQ(
      "00000002000000000000001700000001000000010000000200000001"
      "0000000400000007"
      "0000000400000008",
      hex(integers, "{{7,8}}"));
  EXPECT_EQ("00000016b374d848", hex(codecs::pg_lsn, "16/B374d848"));
  EXPECT_EQ("00000000", hex(codecs::bit, ""));
  EXPECT_EQ("00000009b380", hex(codecs::bit, "101100111"));
  EXPECT_EQ("3ff0000000000000c000000000000000", hex(codecs::point, "(1,-2)"));
  EXPECT_EQ(hex(codecs::box, "(3,4),(1,2)"), hex(codecs::box, "(1,4),(3,2)"));
  EXPECT_EQ("61", hex(codecs::character, "a"));
  const Encode range = codec_of({oid::int4range}, {});
  EXPECT_EQ("01", hex(range, "empty"));
  EXPECT_EQ("18", hex(range, "[,]"));
  EXPECT_EQ("12000000040000000a", hex(range, "[10,)"));
  EXPECT_EQ(
      "02"
      "0000000400000001"
      "0000000400000005",
      hex(range, "[1,\"5\")"));
  const Encode numbers = codec_of({oid::numrange}, {});
  for (const char* text :
       {"[-2,-1]", "(-0.5,0)", "[0,0.001]", "[20,100]", "[9999,10000]", "[1.5,1.51)"})
    EXPECT_NE("-", hex(numbers, text)) << text;
}

/// The forms for this machine's vector instructions write what those for any machine do.
TEST(Codec, FormsAgree) {
  std::mt19937 random(3);
  const auto pick = [&random](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  const std::string alphabet = "0123456789012345678901234567890123456789..-+e ,";
  std::size_t encoded = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text(pick(20), ' ');
    // Most are numbers, some are anything.
    for (char& c : text) c = alphabet[pick(round % 4 == 0 ? alphabet.size() : 10)];
    if (round % 4 != 0 && !text.empty() && pick(4) > 0) text[pick(text.size())] = '.';
    if (pick(3) == 0) text.insert(0, pick(2) == 0 ? "-" : "+");
    EXPECT_EQ(hex(codecs::float8, text), hex(codec_of({oid::float8}, {}), text)) << text;
    EXPECT_EQ(hex(codecs::numeric, text), hex(codec_of({oid::numeric}, {}), text)) << text;
    encoded += hex(codecs::numeric, text) == "-" ? 0 : 1;
  }
  EXPECT_GT(encoded, 100'000U);
}

/// What depends on the session or on a type's modifier is left to the server where it would differ.
TEST(Codec, DependsOnTheSession) {
  EXPECT_EQ(nullptr, codec_of({oid::interval}, {.interval_style_is_sql_standard = true}));
  EXPECT_EQ(nullptr, codec_of({oid::array_of_interval}, {.interval_style_is_sql_standard = true}));
  EXPECT_NE(nullptr, codec_of({oid::interval, 'b', 0x7fff'0002}, {}));  // interval(2)
  EXPECT_EQ(nullptr, codec_of({oid::interval, 'b', 0x1800'ffff}, {}));  // minute to second
  EXPECT_EQ(nullptr, codec_of({oid::array_of_int4}, {.array_nulls = false}));
  EXPECT_EQ(Encode{codecs::text}, codec_of({99999, Type::enumeration}, {}));
  EXPECT_EQ(nullptr, codec_of({oid::money}, {}));
}

struct Golden {
  std::string text;
  std::string bytes;  ///< in hexadecimal; "-": the server's
};

/// What pgvector 0.8.0 sends for each of these (vector_send).
TEST(Codec, WritesVectorsAsTheirExtensionDoes) {
  const std::vector<Golden> all{{"[1,2,3]", "000300003f8000004000000040400000"},
                                {"[1.5,-2.25,1e-3]", "000300003fc00000c01000003a83126f"},
                                {"[0.1]", "000100003dcccccd"},
                                {"[-0,0]", "000200008000000000000000"},
                                {"[+1]", "000100003f800000"},
                                {"[.5,5.]", "000200003f00000040a00000"},
                                {"[3.4028235e38]", "000100007f7fffff"},
                                {"[16777217,0.3333333433]", "000200004b8000003eaaaaab"},
                                {"[1e39]", "-"},
                                {"[NaN]", "-"},
                                {"[ 1, 2 ]", "-"},
                                {"[0x10]", "-"},
                                {"[]", "-"},
                                {"[1,]", "-"},
                                {"[1", "-"},
                                {"1", "-"}};
  for (const Golden& one : all) EXPECT_EQ(one.bytes, hex(codecs::vector, one.text)) << one.text;
  std::string most = "[1";
  for (int i = 1; i < 16'000; ++i) most += ",1";
  EXPECT_NE("-", hex(codecs::vector, most + "]"));
  EXPECT_EQ("-", hex(codecs::vector, most + ",1]"));
}

/// What PostGIS 3.3 sends for these (st_asewkb(..., 'XDR'), or what they are).
TEST(Codec, WritesGeometriesAsTheirExtensionDoes) {
  const std::vector<Golden> all{
      {"POINT(1 2)", "00000000013ff00000000000004000000000000000"},
      {"SRID=4326;POINT (-.5 8.)", "0020000001000010e6bfe00000000000004020000000000000"},
      {"0101000020E6100000000000000000F03F0000000000000040",
       "0101000020e6100000000000000000f03f0000000000000040"},
      {"POINT(1e2 1)", "-"},
      {"POINT(+1 2)", "-"},
      {"POINT(1 2 3)", "-"},
      {"POINT(1 2))", "-"},
      {"point(1 2)", "-"},
      {"SRID=0;POINT(1 2)", "-"},
      {"SRID=999999;POINT(1 2)", "-"},
      {"010100000", "-"},
      {"01010000000000000000G03F0000000000000040", "-"},
      {"0", "-"},
      {"", "-"}};
  for (const Golden& one : all) EXPECT_EQ(one.bytes, hex(codecs::geometry, one.text)) << one.text;
}

}  // namespace
}  // namespace sluice::tuple
