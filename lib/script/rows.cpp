#include "script/rows.hpp"

#include <charconv>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

[[noreturn]] void throw_unexpected(const std::string& what) {
  throw Failure(FailureKind::failed, "the server's answer is not what was asked for: " + what,
                "Is it PostgreSQL, and does nothing that stands between change its "
                "answers?");
}

template <class T>
T number_in(const Row& row, std::size_t column) {
  const std::string& text = row[column];
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) row.refuse(column);
  return value;
}

}  // namespace

const std::string& Row::operator[](std::size_t column) const {
  if (column >= fields_.size())
    throw_unexpected("a row has only " + std::to_string(fields_.size()) + " columns");
  return fields_[column];
}

std::uint64_t Row::count(std::size_t column) const {
  return number_in<std::uint64_t>(*this, column);
}

int Row::process(std::size_t column) const { return number_in<int>(*this, column); }

void Row::refuse(std::size_t column) const {
  constexpr std::size_t shown = 40;
  throw_unexpected("column " + std::to_string(column) + " is \"" +
                   (*this)[column].substr(0, shown) + "\"");
}

const Row& Rows::front() const {
  if (rows_.empty()) throw_unexpected("a row is missing");
  return rows_.front();
}

}  // namespace sluice::script
