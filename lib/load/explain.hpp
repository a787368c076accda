#pragma once

#include <exception>
#include <string>

#include "pg/pool.hpp"
#include "plan/options.hpp"

namespace sluice::load {

/// What a load wants of the database, for what is said where it does not get it.
struct Wanted {
  explicit Wanted(const plan::LoadOptions& options);

  std::string table;  ///< as in SQL
  writer::Settings settings;
  std::string privileges;  ///< on the table: "insert, select"
  bool may_make = false;   ///< the load could make the table: --create was not given
  bool is_owner = false;   ///< of the table (--defer-indexes)
  bool joins = false;      ///< --join: others load parts of the source
  bool has_stage = false;  ///< a table of its own in our schema
  bool has_temporary = false;
};

/// What ended a load, with what helps: the grant that is missing, the flag whose value the server
/// does not take, the table that was probably meant, the setting that ended a statement. Asks the
/// database; where that fails too, the error is told as it is.
asio::awaitable<std::exception_ptr> explain(pg::Pool& pool, Wanted wanted,
                                            std::exception_ptr failed);

}  // namespace sluice::load
