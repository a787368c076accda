#include "pg/parameter.hpp"

namespace sluice::pg {

RawParameters::RawParameters(std::span<const Parameter> parameters) {
  texts_.reserve(parameters.size());  // so that none of them moves
  for (const Parameter& p : parameters) {
    const char* bytes = p.bytes.data();
    if (!p.is_binary && !p.is_null) bytes = texts_.emplace_back(p.bytes).c_str();
    types_.push_back(p.type);
    values_.push_back(p.is_null ? nullptr : bytes);
    lengths_.push_back(static_cast<int>(p.bytes.size()));
    formats_.push_back(p.is_binary ? 1 : 0);
    bytes_ += p.bytes.size();
  }
}

RawParameters::RawParameters(const Row& row)
    : types_(row.size(), 0), lengths_(row.size(), 0), formats_(row.size(), 0) {
  for (const Value& value : row) {
    values_.push_back(value ? value->c_str() : nullptr);
    bytes_ += value ? value->size() : 0;
  }
}

}  // namespace sluice::pg
