#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tuple/batch.hpp"
#include "tuple/codec.hpp"
#include "tuple/table.hpp"

namespace sluice::tuple {

/// What two values of a type that are equal (as a unique index sees it) have in common.
enum class KeyForm : std::uint8_t {
  unknown,  ///< nothing that is known here
  bytes,    ///< their binary form
  trimmed,  ///< that without spaces at its end
  float4,   ///< that, but for the sign of zero and NaN's bits
  float8,
  numeric,  ///< that without the display scale
};

/// How the binary forms of a type's values tell their order.
enum class KeyOrderForm : std::uint8_t { unknown, is_signed, is_unsigned };

struct KeyField {
  std::size_t field = 0;  ///< of the tuple
  KeyForm form = KeyForm::unknown;
  KeyOrderForm order = KeyOrderForm::unknown;
  Encode encode = nullptr;
  std::size_t growth = 1;
  std::int32_t scale = -1;  ///< of numeric(p, s): what it rounds to; -1 rounds nothing
};

/// The key of ON CONFLICT, as a batch's tuples have it.
struct KeyPlan {
  std::vector<KeyField> fields;
  bool nulls_are_equal = false;  ///< a key with a NULL can conflict (NULLS NOT DISTINCT)
  /// What becomes of a record may depend on all before it: a trigger may change its key, another
  /// unique index may have its say. The hashes then tell only whether a batch repeats a key.
  bool anything_goes = false;

  bool empty() const { return fields.empty(); }
};

/// `collates_bytewise`: the column's collation says that equal texts have equal bytes.
KeyForm key_form_of(const Type& type, bool collates_bytewise);

KeyOrderForm key_order_form_of(const Type& type);

/// Fills in batch.keys.
void hash_keys(const KeyPlan& plan, Batch& batch);

}  // namespace sluice::tuple
