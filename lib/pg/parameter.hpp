#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// A value of a statement's $1, $2, ...: its bytes stay the caller's until the statement is queued.
struct Parameter {
  std::string_view bytes;
  std::uint32_t type = 0;  ///< pg_type.oid; 0 lets the server decide
  bool is_binary = false;
  bool is_null = false;
};

/// A value in text form, or NULL; and the parameters of one statement.
using Value = std::optional<std::string>;
using Row = std::vector<Value>;

/// Parameters as libpq takes them: arrays of the same length. The source must outlive it.
class RawParameters {
 public:
  explicit RawParameters(std::span<const Parameter> parameters);
  explicit RawParameters(const Row& row);

  int count() const { return static_cast<int>(values_.size()); }
  std::size_t bytes() const { return bytes_; }
  const unsigned int* types() const { return types_.data(); }
  const char* const* values() const { return values_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<unsigned int> types_;
  std::vector<const char*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
  std::vector<std::string> texts_;  ///< libpq takes a text to its NUL, whatever its length
  std::size_t bytes_ = 0;
};

}  // namespace sluice::pg
