#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "tuple/table.hpp"

namespace sluice::plan {

/// Which columns a load had, as its options in the ledger say (plan/meaning).
struct FormerColumns {
  std::vector<std::optional<std::string>> fields;  ///< of each of its columns, the table's
  /// What those of the file are called that go nowhere; nothing: an earlier version has not said.
  std::optional<std::vector<std::string>> left_out;
};
/// Nothing where they are not to be read.
std::optional<FormerColumns> former_columns(const std::string& options);

/// A column of a source: its name, and the table's that it goes to.
struct SourceColumn {
  std::string name;
  std::optional<std::string> feeds;
};
/// The same of names that no mapping could be made of, as likely as they are.
std::vector<SourceColumn> likely_columns(const std::vector<std::string>& names,
                                         const tuple::Table& table);

/// How the columns of a source differ from those of the load before it (--on-drift).
struct Drift {
  struct Renamed {
    std::string then;  ///< the table's column
    std::string now;   ///< the source's
  };
  struct OtherType {
    std::string column;
    std::string type;  ///< the table's
    std::uint64_t values = 0;
    std::uint64_t others = 0;  ///< of these
    std::string first;         ///< of those
  };

  std::vector<std::string> added;    ///< the source's that that load did not have
  std::vector<std::string> missing;  ///< the table's that that load had values for
  std::vector<Renamed> renamed;  ///< a missing one and a new one that are alike, or in one place
  std::vector<OtherType> types;  ///< whose values are surely of another type than the column

  LoadId since;        ///< that load
  std::string source;  ///< of it, as the user named it
  std::string finished_at;

  bool any() const {
    return !added.empty() || !missing.empty() || !renamed.empty() || !types.empty();
  }
};

/// What differs in the names. Their order decides nothing.
Drift drift_of(const FormerColumns& then, const std::vector<SourceColumn>& now);

/// "its columns are not those of load 12 (in/a.csv, 2026-01-01 02:00:00+00): new \"x\"; ..."
std::string words_of(const Drift& drift);

/// The flags of `load` by which a source with this drift is loaded all the same, in sentences.
std::string advice_for(const Drift& drift);

}  // namespace sluice::plan
