#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pg/error.hpp"

namespace sluice::pg {

/// One result of a statement: rows, a command's tag, a COPY that begins, or an error.
class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}

  ExecStatusType status() const { return PQresultStatus(result_.get()); }
  bool is_error() const;
  /// libpq's end of a command's results.
  bool is_nothing() const { return result_ == nullptr; }
  /// Throws what is_error() reports.
  void require_success(Phase phase) const;
  PgError error(Phase phase) const { return PgError::from(result_.get(), phase); }

  std::size_t rows() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
  int columns() const { return PQnfields(result_.get()); }
  bool is_null(std::size_t row, int column) const;
  std::string_view text(std::size_t row, int column) const;
  std::int64_t integer(std::size_t row, int column) const;
  bool boolean(std::size_t row, int column) const { return text(row, column) == "t"; }

  /// Rows that the command touched: n of "COPY n"; 0 where the tag has no number.
  std::uint64_t affected() const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

}  // namespace sluice::pg
