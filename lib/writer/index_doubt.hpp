#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::writer {

/// One column of an index, its key's or INCLUDEd, as the catalogs describe it.
struct IndexColumn {
  std::uint32_t type = 0;    ///< pg_type.oid; a domain's type underneath
  char kind = 'b';           ///< pg_type.typtype
  std::int32_t length = -1;  ///< pg_type.typlen: bytes, or -1
  std::int32_t modifier = -1;
  std::string opclass;            ///< empty for an INCLUDEd one
  bool opclass_is_known = false;  ///< of pg_catalog, or of the extension pg_trgm
  bool is_expression = false;
  bool is_generated = false;         ///< its value is not the source's
  std::vector<std::string> columns;  ///< of the table, whose values are in it
};

struct IndexFacts {
  std::string method;  ///< pg_am.amname
  /// Its expressions and its predicate call nothing that could fail because of a value.
  bool is_calm = true;
  std::vector<IndexColumn> columns;
  std::size_t block_bytes = 8192;
};

/// Whether an index can refuse a row that its table takes: what it could refuse must be judged
/// while the record can still be named.
struct IndexDoubt {
  enum class Kind {
    none,   ///< it takes whatever the table takes
    width,  ///< it refuses what is too long, and nothing else
    any,    ///< it may refuse anything: it calls functions, or is of a kind not known here
  };
  Kind kind = Kind::none;
  std::vector<std::string> columns;  ///< of the table; width: those that can be too long
  std::size_t bytes_max = 0;         ///< width: what they may have together
};

/// Proves what it can, for built-in types and operator classes; whatever it does not know is `any`.
IndexDoubt doubt_of(const IndexFacts& index);

}  // namespace sluice::writer
