#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/sql.hpp"

namespace sluice {

/// A column that is asked for: what our code calls it, and what it is in SQL.
struct AskedColumn {
  std::string_view name;
  std::string_view sql;
};

/// The columns of a query, said once: how they are asked for, and where each stands in the answer.
///
///   constexpr auto columns = columns_of({{"id", "l.load_id"}, {"state", "l.state"}});
///   sql("select {} from pgsluice.loads l", columns.list())
///   rows.text(row, columns["state"])
///
/// A name that is not among them does not compile.
template <std::size_t count>
class Columns {
 public:
  consteval explicit Columns(const AskedColumn (&columns)[count])
      : columns_(std::to_array(columns)) {
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < i; ++j)
        if (columns_[i].name == columns_[j].name) throw "two columns have one name";
    }
  }

  /// Where it stands, from 0.
  consteval int operator[](std::string_view name) const {
    for (std::size_t i = 0; i < count; ++i)
      if (columns_[i].name == name) return static_cast<int>(i);
    throw "no column has this name";
  }
  constexpr int size() const { return static_cast<int>(count); }

  /// As they stand behind "select", where each {} is filled with the next value. REQUIRES: as many
  /// values as there are holes.
  template <SqlPart... Values>
  Sql list(const Values&... values) const {
    std::string all;
    for (const AskedColumn& column : columns_) {
      all += all.empty() ? "" : ", ";
      all += column.sql;
    }
    return detail::filled(all, values...);
  }

 private:
  std::array<AskedColumn, count> columns_;
};

template <std::size_t count>
consteval Columns<count> columns_of(const AskedColumn (&columns)[count]) {
  return Columns<count>(columns);
}

}  // namespace sluice
