#include "writer/index_doubt.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "tuple/table.hpp"

namespace sluice::writer {
namespace {

namespace oid = tuple::oid;
using Kind = IndexDoubt::Kind;

constexpr std::uint32_t first_user_oid = 16384;  // FirstNormalObjectId, access/transam.h
constexpr std::uint32_t polygon = 604;
constexpr std::uint32_t tsvector = 3614;
constexpr std::array<std::uint32_t, 5> ranges{3904, 3926, 3908, 3910, 3912};  // of fixed length

/// What an aligned value takes beyond its length.
constexpr std::size_t overhead = 16;
/// A value that is certainly no longer is simply added up.
constexpr std::size_t narrow_max = 264;
/// lower() and upper() may answer with more bytes than they got.
constexpr std::size_t growth_of_expressions = 3;

bool is_one_of(std::uint32_t type, auto... types) { return ((type == types) || ...); }
bool is_range(std::uint32_t type) { return std::ranges::find(ranges, type) != ranges.end(); }
bool is_enum(const IndexColumn& c) { return c.kind == tuple::Type::enumeration; }
bool is_fixed(const IndexColumn& c) {
  return is_enum(c) || (c.kind == 'b' && c.length > 0 && c.type < first_user_oid);
}

/// Its bytes in the index are no more than those of its text, or of the COPY that brings it.
bool is_as_wide_as_its_text(std::uint32_t type) {
  return is_one_of(type, oid::text, oid::varchar, oid::bytea, oid::numeric);
}

/// The most bytes that a value can have; nothing where there is no bound, or a large one.
std::optional<std::size_t> bound_of(const IndexColumn& c) {
  if (is_enum(c)) return 4 + overhead;
  if (is_fixed(c)) return static_cast<std::size_t>(c.length) + overhead;
  if (is_one_of(c.type, oid::inet, oid::cidr) || is_range(c.type)) return 32 + overhead;
  std::size_t bytes = narrow_max + 1;
  constexpr int header = 4;  // VARHDRSZ is in these modifiers
  if (c.modifier >= header && is_one_of(c.type, oid::varchar, oid::bpchar))
    bytes =
        static_cast<std::size_t>(c.modifier - header) * 4;  // a character has four bytes at most
  if (c.modifier >= header && c.type == oid::numeric)       // four digits in two bytes, rounded up
    bytes = static_cast<std::size_t>(((c.modifier - header) >> 16) & 0xffff) / 2 + 12;
  if (bytes > narrow_max) return std::nullopt;
  return bytes + overhead;
}

/// Comparing and hashing values of these never fails.
bool is_comparable(const IndexColumn& c) {
  return is_fixed(c) || is_as_wide_as_its_text(c.type) || is_range(c.type) ||
         is_one_of(c.type, oid::bpchar, oid::inet, oid::cidr, oid::jsonb);
}

/// What the bytes of its columns decide, in an index that stores them as they are.
IndexDoubt by_width(const IndexFacts& index) {
  IndexDoubt doubt;
  // A third of a page, less what a tuple has besides (BTMaxItemSize: 2704 of 8192).
  const std::size_t room = index.block_bytes / 3 - 130;
  std::size_t fixed = 0;
  bool grows = false;
  for (const IndexColumn& c : index.columns) {
    if (const auto bound = bound_of(c)) {
      fixed += *bound;
      continue;
    }
    if (!is_as_wide_as_its_text(c.type) || c.is_generated) return {Kind::any, {}, 0};
    fixed += overhead;
    grows = grows || c.is_expression;
    doubt.columns.insert(doubt.columns.end(), c.columns.begin(), c.columns.end());
  }
  if (fixed * 2 > room) return {Kind::any, {}, 0};
  if (doubt.columns.empty()) return doubt;
  doubt.kind = Kind::width;
  doubt.bytes_max = (room - fixed) / (grows ? growth_of_expressions : 1);
  return doubt;
}

bool all(const IndexFacts& index, auto is_good) {
  const auto is_key_and_bad = [&is_good](const IndexColumn& c) {
    return !c.opclass.empty() && !(c.opclass_is_known && is_good(c));
  };
  return std::ranges::none_of(index.columns, is_key_and_bad);
}

/// GIN stores what it finds in a value, each for itself.
IndexDoubt doubt_of_gin(const IndexFacts& index) {
  IndexDoubt doubt;
  for (const IndexColumn& c : index.columns) {
    if (c.is_expression || !c.opclass_is_known) return {Kind::any, {}, 0};
    // Lexemes are shorter than 2 KiB, long keys of jsonb are stored as hashes.
    if ((c.opclass == "tsvector_ops" && c.type == tsvector) || c.opclass == "gin_trgm_ops" ||
        c.opclass == "jsonb_ops" || c.opclass == "jsonb_path_ops")
      continue;
    if (c.opclass != "array_ops") return {Kind::any, {}, 0};
    if (is_one_of(c.type, oid::array_of_int2, oid::array_of_int4, oid::array_of_int8,
                  oid::array_of_oid, oid::array_of_uuid, oid::array_of_date,
                  oid::array_of_timestamp, oid::array_of_timestamptz, oid::array_of_boolean))
      continue;
    if (!is_one_of(c.type, oid::array_of_text, oid::array_of_varchar) || c.is_generated)
      return {Kind::any, {}, 0};
    doubt.kind = Kind::width;
    doubt.columns.insert(doubt.columns.end(), c.columns.begin(), c.columns.end());
    doubt.bytes_max = index.block_bytes / 3 - 130;
  }
  return doubt;
}

}  // namespace

IndexDoubt doubt_of(const IndexFacts& index) {
  const IndexDoubt any{Kind::any, {}, 0};
  if (!index.is_calm) return any;
  if (index.method == "btree") return all(index, is_comparable) ? by_width(index) : any;
  if (index.method == "hash") return all(index, is_comparable) ? IndexDoubt{} : any;
  if (index.method == "gin") return doubt_of_gin(index);
  if (index.method == "brin") {
    // Whether it refuses a long value depends on what else is in the page range, and so on order.
    const auto is_minmax = [](const IndexColumn& c) {
      return is_comparable(c) && bound_of(c) && c.opclass.ends_with("_minmax_ops");
    };
    return all(index, is_minmax) && by_width(index).kind == Kind::none ? IndexDoubt{} : any;
  }
  if (index.method == "gist" || index.method == "spgist") {
    const auto is_bounded = [](const IndexColumn& c) {
      return c.type == polygon || c.type == tsvector || bound_of(c).has_value();
    };
    const bool stores_keys_only =
        std::ranges::none_of(index.columns, &std::string::empty, &IndexColumn::opclass);
    return stores_keys_only && all(index, is_bounded) ? IndexDoubt{} : any;
  }
  return any;
}

}  // namespace sluice::writer
