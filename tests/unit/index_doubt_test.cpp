#include "writer/index_doubt.hpp"

#include <gtest/gtest.h>

#include "load/wide_keys.hpp"
#include "tuple/table.hpp"
#include "tuple/tuple_range.hpp"

namespace sluice::writer {
namespace {

using Kind = IndexDoubt::Kind;
namespace oid = tuple::oid;

IndexColumn column(std::uint32_t type, std::int32_t length, std::string opclass) {
  return {.type = type,
          .length = length,
          .opclass = std::move(opclass),
          .opclass_is_known = true,
          .columns = {"c"}};
}

IndexFacts index_of(std::string method, IndexColumn only) {
  return {.method = std::move(method), .columns = {std::move(only)}};
}

TEST(IndexDoubt, OfOneColumn) {
  constexpr std::uint32_t own_type = 20000;
  struct Case {
    const char* method;
    IndexColumn column;
    Kind kind;
  };
  const std::vector<Case> cases{
      {"btree", column(oid::int4, 4, "int4_ops"), Kind::none},
      {"btree", column(oid::text, -1, "text_ops"), Kind::width},
      {"btree", column(oid::numeric, -1, "numeric_ops"), Kind::width},
      {"btree", column(oid::jsonb, -1, "jsonb_ops"), Kind::any},
      {"btree", column(oid::array_of_int4, -1, "array_ops"), Kind::any},
      {"btree", column(own_type, 8, "int8_ops"), Kind::any},
      {"hash", column(oid::text, -1, "text_ops"), Kind::none},
      {"hash", column(oid::array_of_int4, -1, "array_ops"), Kind::any},
      {"gin", column(oid::jsonb, -1, "jsonb_path_ops"), Kind::none},
      {"gin", column(oid::array_of_int4, -1, "array_ops"), Kind::none},
      {"gin", column(oid::array_of_text, -1, "array_ops"), Kind::width},
      {"gin", column(own_type, -1, "array_ops"), Kind::any},
      {"brin", column(oid::timestamp, 8, "timestamp_minmax_ops"), Kind::none},
      {"brin", column(oid::text, -1, "text_minmax_ops"), Kind::any},
      {"brin", column(oid::int4, 4, "int4_bloom_ops"), Kind::any},
      {"gist", column(600, 16, "point_ops"), Kind::none},
      {"gist", column(own_type, -1, "gist_geometry_ops_2d"), Kind::any},
      {"spgist", column(oid::text, -1, "text_ops"), Kind::any},
      {"ours", column(oid::int4, 4, "int4_ops"), Kind::any},
  };
  for (const Case& c : cases)
    EXPECT_EQ(c.kind, doubt_of(index_of(c.method, c.column)).kind)
        << c.method << " " << c.column.type << " " << c.column.opclass;
}

TEST(IndexDoubt, TakesNoOperatorClassOnTrust) {
  IndexColumn unknown = column(oid::int4, 4, "int4_ops");
  unknown.opclass_is_known = false;
  for (const char* method : {"btree", "hash", "gin", "brin", "gist", "spgist"})
    EXPECT_EQ(Kind::any, doubt_of(index_of(method, unknown)).kind) << method;
}

TEST(IndexDoubt, OfAModifierThatBoundsTheValue) {
  IndexColumn name = column(oid::varchar, -1, "text_ops");
  name.modifier = 20 + 4;
  EXPECT_EQ(Kind::none, doubt_of(index_of("btree", name)).kind);
  name.modifier = 1000 + 4;
  EXPECT_EQ(Kind::width, doubt_of(index_of("btree", name)).kind);
  IndexColumn padded = column(oid::bpchar, -1, "bpchar_ops");
  padded.modifier = 3000 + 4;  // the blanks are the server's, not the source's
  EXPECT_EQ(Kind::any, doubt_of(index_of("btree", padded)).kind);
  IndexColumn price = column(oid::numeric, -1, "numeric_ops");
  price.modifier = (10 << 16 | 2) + 4;
  EXPECT_EQ(Kind::none, doubt_of(index_of("btree", price)).kind);
}

TEST(IndexDoubt, OfWhatIsComputed) {
  IndexFacts index = index_of("btree", column(oid::text, -1, "text_ops"));
  const std::size_t plain = doubt_of(index).bytes_max;
  EXPECT_LT(2400U, plain);
  index.columns[0].is_expression = true;
  EXPECT_EQ(plain / 3, doubt_of(index).bytes_max) << "lower() may make it longer";
  index.columns[0].is_expression = false;
  index.columns[0].is_generated = true;
  EXPECT_EQ(Kind::any, doubt_of(index).kind);
  index = index_of("btree", column(oid::int4, 4, "int4_ops"));
  index.is_calm = false;
  EXPECT_EQ(Kind::any, doubt_of(index).kind);
}

TEST(IndexDoubt, CountsIncludedColumnsToo) {
  IndexFacts index = index_of("btree", column(oid::int4, 4, "int4_ops"));
  index.columns.push_back(column(oid::text, -1, ""));
  index.columns.back().columns = {"included"};
  const IndexDoubt doubt = doubt_of(index);
  EXPECT_EQ(Kind::width, doubt.kind);
  EXPECT_EQ(std::vector<std::string>{"included"}, doubt.columns);
  index.columns.push_back(column(oid::json, -1, ""));
  EXPECT_EQ(Kind::any, doubt_of(index).kind);
}

/// Each lane's bytes as the encoder would write them.
tuple::Batch batch_of(const std::string& tuples, tuple::LaneName name) {
  tuple::Batch batch;
  const bool is_fast = name == tuple::LaneName::fast;
  std::string bytes;
  if (is_fast) bytes += tuple::binary_format::header;
  bytes += tuples;
  if (is_fast) bytes += tuple::binary_format::trailer;
  tuple::Lane& lane = is_fast ? batch.fast : batch.slow;
  lane.buffer.reserve(bytes.size());
  bytes.copy(lane.buffer.bytes(), bytes.size());
  lane.size = bytes.size();
  lane.tuples = 1;
  return batch;
}

TEST(WideKeys, AreCountedInBothLanes) {
  using namespace std::string_view_literals;
  const std::string binary("\0\3\0\0\0\5aaaaa\377\377\377\377\0\0\0\5bbbbb"sv);
  const std::string text("aaaaa\t\\N\tbbbbb\n");
  const auto both = {batch_of(binary, tuple::LaneName::fast),
                     batch_of(text, tuple::LaneName::slow)};
  for (const tuple::Batch& batch : both) {
    EXPECT_TRUE(load::exceeds(batch, {{0}, 4}));
    EXPECT_FALSE(load::exceeds(batch, {{0}, 5}));
    EXPECT_TRUE(load::exceeds(batch, {{0, 2}, 9}));
    EXPECT_FALSE(load::exceeds(batch, {{0, 2}, 10}));
    EXPECT_FALSE(load::exceeds(batch, {{}, 0})) << "no field, no doubt";
  }
}

}  // namespace
}  // namespace sluice::writer
