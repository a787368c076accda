#include "pg/result.hpp"

#include <charconv>
#include <limits>

#include "base/limits.hpp"

namespace sluice::pg {
namespace {

/// All of a text as a number.
template <class T>
bool parse(std::string_view text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

/// Rows that one command touches are counted below this, so that sums of them do not wrap.
constexpr std::uint64_t rows_max = std::numeric_limits<std::int64_t>::max();

std::string place(std::size_t row, int column) {
  return "row " + std::to_string(row) + ", column " + std::to_string(column);
}

}  // namespace

void Trust::lose(const std::string& what, Phase phase) const {
  *lost_ = true;
  throw PgError::unexpected_answer(what, phase);
}

void Rows::append(const PGresult* result, const Trust& trust) {
  const int columns = PQnfields(result);
  const int count = PQntuples(result);
  if (size_ > 0 && columns != columns_) trust.lose("rows of one result have other columns");
  columns_ = columns;
  for (int row = 0; row < count; ++row) {
    for (int column = 0; column < columns; ++column) {
      Field field{static_cast<std::uint32_t>(bytes_.size()), -1};
      if (PQgetisnull(result, row, column) == 0) {
        field.length = PQgetlength(result, row, column);
        bytes_.append(PQgetvalue(result, row, column), static_cast<std::size_t>(field.length));
      }
      fields_.push_back(field);
    }
    ++size_;
    if (bytes() > limits::answer_bytes_max) trust.lose("it has no end");
  }
}

const Rows::Field& Rows::field(std::size_t row, int column) const {
  return fields_[row * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(column)];
}

std::string_view Rows::text(std::size_t row, int column) const {
  const Field& at = field(row, column);
  return at.length < 0
             ? std::string_view()
             : std::string_view(bytes_).substr(at.begin, static_cast<std::size_t>(at.length));
}

Result::Result(PGresult* result, Trust trust, Rows rows)
    : result_(result), rows_(std::move(rows)), trust_(std::move(trust)) {
  if (PQntuples(result) > 0) rows_.append(result, trust_);
}

std::string Result::column_name(int column) const {
  const char* const name = PQfname(result_.get(), column);
  return name == nullptr ? std::string() : name;
}

bool Result::is_error() const {
  const ExecStatusType s = status();
  return s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE || s == PGRES_PIPELINE_ABORTED;
}

void Result::require_field(std::size_t row, int column) const {
  if (row < rows() && column >= 0 && column < rows_.columns()) return;
  trust_.lose(place(row, column) + " is not among its " + std::to_string(rows()) + " rows of " +
              std::to_string(columns()) + " columns");
}

void Result::refuse_value(std::size_t row, int column, const char* wanted) const {
  constexpr std::size_t shown = 40;
  trust_.lose(place(row, column) + " is " +
              (rows_.is_null(row, column)
                   ? std::string("null")
                   : "\"" + std::string(rows_.text(row, column).substr(0, shown)) + "\"") +
              " and not " + wanted);
}

bool Result::is_null(std::size_t row, int column) const {
  require_field(row, column);
  return rows_.is_null(row, column);
}

std::string_view Result::text(std::size_t row, int column) const {
  if (is_null(row, column)) refuse_value(row, column, "a value");
  return rows_.text(row, column);
}

std::string_view Result::text_or(std::size_t row, int column, std::string_view if_null) const {
  return is_null(row, column) ? if_null : rows_.text(row, column);
}

char Result::character(std::size_t row, int column) const {
  const std::string_view value = text(row, column);
  if (value.size() != 1) refuse_value(row, column, "one character");
  return value.front();
}

template <class T>
T Result::parsed(std::size_t row, int column, const char* wanted) const {
  T value{};
  if (is_null(row, column) || !parse(rows_.text(row, column), value))
    refuse_value(row, column, wanted);
  return value;
}

std::int64_t Result::integer(std::size_t row, int column) const {
  return parsed<std::int64_t>(row, column, "an integer");
}

std::int32_t Result::integer_32(std::size_t row, int column) const {
  return parsed<std::int32_t>(row, column, "an integer");
}

std::uint64_t Result::count(std::size_t row, int column) const {
  const auto value = parsed<std::int64_t>(row, column, "a count");
  if (value < 0) refuse_value(row, column, "a count");
  return static_cast<std::uint64_t>(value);
}

std::uint32_t Result::oid(std::size_t row, int column) const {
  return parsed<std::uint32_t>(row, column, "an object's number");
}

double Result::number(std::size_t row, int column) const {
  return parsed<double>(row, column, "a number");
}

bool Result::boolean(std::size_t row, int column) const {
  const std::string_view value = text_or(row, column, "");
  if (value != "t" && value != "f") refuse_value(row, column, "a boolean");
  return value == "t";
}

std::uint64_t Result::rows_of_tag(std::string_view digits) const {
  std::uint64_t value = 0;
  if (!parse(digits, value) || value > rows_max)
    trust_.lose("no command touches \"" + std::string(digits) + "\" rows");
  return value;
}

std::uint64_t Result::affected() const {
  const std::string_view digits = PQcmdTuples(result_.get());
  return digits.empty() ? 0 : rows_of_tag(digits);
}

std::uint64_t Result::copied() const {
  constexpr std::string_view copy = "COPY ";
  const std::string_view tag = PQcmdStatus(result_.get());
  if (status() != PGRES_COMMAND_OK || !tag.starts_with(copy))
    trust_.lose("a COPY does not end with the number of its rows");
  return rows_of_tag(tag.substr(copy.size()));
}

void Results::drop_first(std::size_t count) {
  if (count > size()) trust_.lose("it has only " + std::to_string(size()) + " results");
  all_.erase(all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count));
}

std::size_t Results::checked(std::size_t number) const {
  if (number >= size()) trust_.lose("it has only " + std::to_string(size()) + " results");
  return number;
}

std::size_t Results::from_end(std::size_t number) const {
  if (number >= size()) trust_.lose("it has only " + std::to_string(size()) + " results");
  return size() - 1 - number;
}

}  // namespace sluice::pg
