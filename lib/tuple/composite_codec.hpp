#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tuple/codec.hpp"

namespace sluice::tuple {

/// The codec of a composite type, by those of its columns: `(1,"a, b",)`. record_recv of
/// utils/adt/rowtypes.c reads how many columns there are, then of each its type and length, and the
/// value. It keeps Encode's promises; backslashes, doubled quotes and blanks around a record are
/// left to the server.
class CompositeCodec {
 public:
  /// nullptr where the type is not composite, or a column has no codec.
  static std::shared_ptr<const CompositeCodec> of(const Type& type,
                                                  const SessionSettings& settings);

  /// As Encode does. The growth is `array_growth`: each column has a comma or a bracket.
  char* encode(const char* text, std::size_t size, char* out) const;

 private:
  struct Column {
    std::uint32_t declared;  ///< pg_type.oid, also of a domain
    Encode encode;           ///< or nullptr: it is composite itself
    std::shared_ptr<const CompositeCodec> composite;
  };

  std::vector<Column> columns_;
};

}  // namespace sluice::tuple
