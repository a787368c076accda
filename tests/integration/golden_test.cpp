#include <map>

#include "integration/edge_values.hpp"
#include "support/database.hpp"
#include "tuple/codec.hpp"

namespace sluice::test {
namespace {

/// The bytes of each codec are those that COPY ... TO STDOUT (FORMAT binary) gives for the same
/// value.
TEST_F(DatabaseTest, CodecsWriteTheServersBytes) {
  namespace oid = tuple::oid;
  const std::map<std::string, std::uint32_t> types{{"smallint", oid::int2},
                                                   {"integer", oid::int4},
                                                   {"bigint", oid::int8},
                                                   {"real", oid::float4},
                                                   {"double precision", oid::float8},
                                                   {"numeric", oid::numeric},
                                                   {"money", oid::money},
                                                   {"boolean", oid::boolean},
                                                   {"text", oid::text},
                                                   {"varchar", oid::varchar},
                                                   {"date", oid::date},
                                                   {"time", oid::time},
                                                   {"timetz", oid::timetz},
                                                   {"timestamp", oid::timestamp},
                                                   {"timestamptz", oid::timestamptz},
                                                   {"interval", oid::interval},
                                                   {"bytea", oid::bytea},
                                                   {"json", oid::json},
                                                   {"uuid", oid::uuid},
                                                   {"inet", oid::inet},
                                                   {"cidr", oid::cidr},
                                                   {"macaddr", oid::macaddr},
                                                   {"macaddr8", oid::macaddr8},
                                                   {"oid", oid::oid},
                                                   {"pg_lsn", oid::pg_lsn},
                                                   {"varbit", oid::varbit},
                                                   {"point", oid::point},
                                                   {"box", oid::box},
                                                   {"name", oid::name},
                                                   {"\"char\"", oid::character},
                                                   {"int4range", oid::int4range},
                                                   {"int8range", oid::int8range},
                                                   {"numrange", oid::numrange},
                                                   {"daterange", oid::daterange},
                                                   {"tsrange", oid::tsrange},
                                                   {"tstzrange", oid::tstzrange},
                                                   {"bigint[][]", oid::array_of_int8},
                                                   {"text[][]", oid::array_of_text},
                                                   {"integer[]", oid::array_of_int4},
                                                   {"bigint[]", oid::array_of_int8},
                                                   {"text[]", oid::array_of_text},
                                                   {"double precision[]", oid::array_of_float8},
                                                   {"boolean[]", oid::array_of_boolean},
                                                   {"timestamptz[]", oid::array_of_timestamptz},
                                                   {"interval[]", oid::array_of_interval},
                                                   {"date[]", oid::array_of_date},
                                                   {"uuid[]", oid::array_of_uuid},
                                                   {"inet[]", oid::array_of_inet}};
  db().run("set timezone = 'UTC'; set lc_monetary = 'C'");
  std::map<std::string, std::size_t> encoded_of_type;
  for (const EdgeValues& values : edge_values()) {
    const auto type = types.find(values.type);
    if (type == types.end()) continue;
    const tuple::Encode encode =
        tuple::codec_of({type->second}, {.time_zone_is_utc = true, .money_is_in_cents = true});
    ASSERT_NE(nullptr, encode) << values.type;
    db().run("create temporary table golden (v " + values.type + ")");
    for (const std::string& text : values.texts) {
      const std::string padded = text + std::string(tuple::codec_padding, '1');
      std::string bytes(text.size() * tuple::array_growth + tuple::codec_slack, '\0');
      const char* const end = encode(padded.data(), text.size(), bytes.data());
      if (end == nullptr) continue;
      bytes.resize(static_cast<std::size_t>(end - bytes.data()));
      db().run("truncate golden");
      const auto refusal = db().copy("golden", "format csv", quoted(text) + "\n");
      if (refusal) {
        // Only what the receive function judges as the input function does: the encoding of text,
        // and what json is.
        const bool text_itself = refusal->sql_state == "22021" || values.type == "json";
        EXPECT_TRUE(text_itself) << values.type << " " << text << ": " << refusal->message;
        continue;
      }
      const std::string golden = db().copy_out("select v from golden", "format binary");
      // Signature, flags, extension (19 bytes), field count (2), length word (4); a trailer of 2.
      EXPECT_EQ(golden.substr(25, golden.size() - 27), bytes)
          << values.type << ": " << text.substr(0, 60);
      ++encoded_of_type[values.type];
    }
    db().run("drop table golden");
  }
  for (const auto& [type, id] : types) EXPECT_GE(encoded_of_type[type], 2U) << type;
}

}  // namespace
}  // namespace sluice::test
