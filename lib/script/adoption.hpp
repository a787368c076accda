#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/names.hpp"
#include "script/history.hpp"
#include "script/script.hpp"

/// Histories that other tools began, as they would be gone on with.
namespace sluice::script {

enum class Tool {
  flyway,
  goose,
  dbmate,
  golang_migrate,
  sqlx,
  sql_migrate,
  node_pg_migrate,
  sqitch,
  alembic,
  rails,
};
constexpr auto names_of(Tool) {
  return std::array{Named{Tool::flyway, "flyway"},
                    Named{Tool::goose, "goose"},
                    Named{Tool::dbmate, "dbmate"},
                    Named{Tool::golang_migrate, "golang-migrate"},
                    Named{Tool::sqlx, "sqlx"},
                    Named{Tool::sql_migrate, "sql-migrate"},
                    Named{Tool::node_pg_migrate, "node-pg-migrate"},
                    Named{Tool::sqitch, "sqitch"},
                    Named{Tool::alembic, "alembic"},
                    Named{Tool::rails, "rails"}};
}

/// A row of another tool's history, as far as it says something. All are texts that nobody has
/// looked at.
struct TheirRow {
  std::string version;  ///< or a revision; empty: it goes by its file's name, or is repeatable
  std::string file;     ///< its last part, if the tool keeps it
  std::string checksum;
  std::string applied_at;
  std::string kind;  ///< Flyway's type of a row
  bool is_good = true;
};

/// One file that counts as applied from now on.
struct Adopted {
  const Script* script = nullptr;  ///< nothing: it is gone
  bool versioned = true;
  Version version;
  std::string file;
  std::string applied_at;    ///< empty: not known
  bool is_compared = false;  ///< the checksum agrees
  bool is_edited = false;    ///< ... or does not
};

struct Adoption {
  std::vector<Adopted> files;       ///< in the order in which they were applied
  std::optional<Version> baseline;  ///< all up to this one were there before
  std::vector<std::string> notes;
};

struct AdoptionWish {
  Tool tool = Tool::flyway;
  std::optional<Version> baseline;  ///< for tools whose files are not read here
  bool accepts = false;             ///< files that are gone or were edited
};

/// Compares. Throws Failure{usage} for a history that is not whole, as one with a failed row, with
/// what that means; Failure{changed} for files that are gone or were edited, unless that is
/// accepted. Scripts must outlive it.
Adoption plan_adoption(const Folder& folder, const std::vector<TheirRow>& rows,
                       const AdoptionWish& wish);

/// The rows of ours that say so.
std::vector<Write> record_adoption(const Home& home, const Adoption& adoption, Tool tool);

}  // namespace sluice::script
