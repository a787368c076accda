#include <map>

#include "integration/edge_values.hpp"
#include "support/database.hpp"
#include "tuple/codec.hpp"

namespace sluice::test {
namespace {

/// The bytes of each codec are those that COPY ... TO STDOUT (FORMAT binary) gives for the same
/// value.
TEST_F(DatabaseTest, CodecsWriteTheServersBytes) {
  const std::map<std::string, std::pair<std::uint32_t, std::string>> types{
      {"smallint", {tuple::oid::int2, "smallint"}},
      {"integer", {tuple::oid::int4, "integer"}},
      {"bigint", {tuple::oid::int8, "bigint"}},
      {"real", {tuple::oid::float4, "real"}},
      {"double precision", {tuple::oid::float8, "double precision"}},
      {"numeric", {tuple::oid::numeric, "numeric"}},
      {"boolean", {tuple::oid::boolean, "boolean"}},
      {"text", {tuple::oid::text, "text"}},
      {"varchar", {tuple::oid::varchar, "varchar"}},
      {"date", {tuple::oid::date, "date"}},
      {"time", {tuple::oid::time, "time"}},
      {"timestamp", {tuple::oid::timestamp, "timestamp"}},
      {"timestamptz", {tuple::oid::timestamptz, "timestamptz"}},
      {"uuid", {tuple::oid::uuid, "uuid"}}};
  db().run("set timezone = 'UTC'");
  std::map<std::string, std::size_t> encoded_of_type;
  for (const EdgeValues& values : edge_values()) {
    const auto type = types.find(values.type);
    if (type == types.end()) continue;
    const tuple::Encode encode = tuple::codec_of(type->second.first, {.time_zone_is_utc = true});
    ASSERT_NE(nullptr, encode) << values.type;
    db().run("create temporary table golden (v " + values.type + ")");
    for (const std::string& text : values.texts) {
      std::string bytes(text.size() + tuple::codec_slack, '\0');
      const char* const end = encode(text.data(), text.size(), bytes.data());
      if (end == nullptr) continue;
      bytes.resize(static_cast<std::size_t>(end - bytes.data()));
      db().run("truncate golden");
      const auto refusal = db().copy("golden", "format csv", quoted(text) + "\n");
      if (refusal) {
        // Only what the receive function judges as the input function does: the encoding of text.
        EXPECT_EQ("22021", refusal->sql_state)
            << values.type << " " << text << ": " << refusal->message;
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
  EXPECT_EQ(types.size(), encoded_of_type.size());
  for (const auto& [type, count] : encoded_of_type) EXPECT_GE(count, 3U) << type;
}

}  // namespace
}  // namespace sluice::test
