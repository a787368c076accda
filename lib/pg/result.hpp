#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pg/error.hpp"

namespace sluice::pg {

/// Whether a connection, or what was read from it, showed that its answers are not those of our
/// questions. Shared by a connection and its results: what is found out while a result is read
/// keeps the connection from being used again.
class Trust {
 public:
  bool is_lost() const { return *lost_; }
  /// Throws PgError::unexpected_answer.
  [[noreturn]] void lose(const std::string& what, Phase phase = Phase::query) const;

 private:
  std::shared_ptr<bool> lost_ = std::make_shared<bool>(false);
};

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using OwnedResult = std::unique_ptr<PGresult, ClearResult>;

/// The rows of a result as texts, in one piece of memory.
class Rows {
 public:
  /// Appends the rows of a result of libpq. Throws through `trust` where their columns are not
  /// those of the rows before, or where all is more than limits::answer_bytes_max.
  void append(const PGresult* result, const Trust& trust);

  std::size_t size() const { return size_; }
  int columns() const { return columns_; }
  /// Memory taken, where a row is at least what it costs to read one.
  std::size_t bytes() const {
    constexpr std::size_t row_bytes = 64;
    return bytes_.size() + fields_.size() * sizeof(Field) + size_ * row_bytes;
  }
  bool is_null(std::size_t row, int column) const { return field(row, column).length < 0; }
  std::string_view text(std::size_t row, int column) const;

 private:
  struct Field {
    std::uint32_t begin = 0;
    std::int32_t length = 0;  ///< -1: NULL
  };
  const Field& field(std::size_t row, int column) const;

  std::string bytes_;
  std::vector<Field> fields_;
  std::size_t size_ = 0;
  int columns_ = 0;
};

/// One result of a statement: rows, a command's tag, a COPY that begins, or an error.
///
/// What the server sent is never taken on trust: a row or a column that is not there, NULL, or a
/// text that is not of the type asked for throws PgError::unexpected_answer, and the connection
/// that it came from is not used again.
class Result {
 public:
  explicit Result(PGresult* result, Trust trust = {}, Rows rows = {});

  ExecStatusType status() const { return PQresultStatus(result_.get()); }
  bool is_error() const;
  /// libpq's end of a command's results.
  bool is_nothing() const { return result_ == nullptr; }
  /// Throws what is_error() reports.
  PgError error(Phase phase) const { return PgError::from(result_.get(), phase); }

  std::size_t rows() const { return rows_.size(); }
  int columns() const { return PQnfields(result_.get()); }
  /// Of a column, as the query names it.
  std::string column_name(int column) const;
  bool is_null(std::size_t row, int column) const;
  std::string_view text(std::size_t row, int column) const;
  /// The same, and this where it is NULL.
  std::string_view text_or(std::size_t row, int column, std::string_view if_null) const;
  /// Of type "char".
  char character(std::size_t row, int column) const;
  std::int64_t integer(std::size_t row, int column) const;
  std::int32_t integer_32(std::size_t row, int column) const;
  /// An integer that is not negative.
  std::uint64_t count(std::size_t row, int column) const;
  std::uint32_t oid(std::size_t row, int column) const;
  double number(std::size_t row, int column) const;
  bool boolean(std::size_t row, int column) const;

  /// Rows that the command touched: n of "INSERT 0 n"; 0 where the tag has no number.
  std::uint64_t affected() const;
  /// n of "COPY n", which this must be.
  std::uint64_t copied() const;

  /// Says that this result is not what was asked for. Throws.
  [[noreturn]] void refuse(const std::string& what) const { trust_.lose(what); }

 private:
  [[noreturn]] void refuse_value(std::size_t row, int column, const char* wanted) const;
  void require_field(std::size_t row, int column) const;
  template <class T>
  T parsed(std::size_t row, int column, const char* wanted) const;
  std::uint64_t rows_of_tag(std::string_view digits) const;

  OwnedResult result_;
  Rows rows_;
  Trust trust_;
};

/// The results of one query, in order. Asking for one that did not come throws
/// PgError::unexpected_answer.
class Results {
 public:
  Results() = default;
  explicit Results(Trust trust) : trust_(std::move(trust)) {}

  std::size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

  const Result& operator[](std::size_t number) const { return all_[checked(number)]; }
  Result& operator[](std::size_t number) { return all_[checked(number)]; }
  const Result& front() const { return (*this)[0]; }
  Result& front() { return (*this)[0]; }
  const Result& back() const { return last(0); }
  Result& back() { return last(0); }
  /// Counted from the end: last(0) is the last one.
  const Result& last(std::size_t number) const { return all_[from_end(number)]; }
  Result& last(std::size_t number) { return all_[from_end(number)]; }

  void push_back(Result result) { all_.push_back(std::move(result)); }
  void pop_back() { all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(from_end(0))); }
  void drop_first(std::size_t count);

 private:
  std::size_t checked(std::size_t number) const;
  std::size_t from_end(std::size_t number) const;

  std::vector<Result> all_;
  Trust trust_;
};

}  // namespace sluice::pg
