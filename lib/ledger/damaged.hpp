#pragma once

#include <cstdint>
#include <string>

#include "base/failure.hpp"
#include "base/position.hpp"
#include "pg/result.hpp"

/// The ledger is a table: somebody may have written into it what no pgsluice writes.
namespace sluice::ledger {

/// No place in a source, and no count, is larger; sums of two are still numbers.
inline constexpr std::uint64_t largest_count = std::uint64_t{1} << 62;

/// The ledger's row of a load, or those of its chunks, are not what a load writes there. A list of
/// loads goes on behind such a row.
class Damaged : public Failure {
 public:
  explicit Damaged(const std::string& problem, const std::string& advice = "")
      : Failure(FailureKind::failed, problem, advice) {}
};

/// `what` is wrong with them.
Damaged damaged(LoadId load, const std::string& what);

/// Reads a count of such a row, an integer of whatever size. Throws damaged() where it is negative
/// or more than `max`. `name` is for people.
std::uint64_t read_count(const pg::Result& rows, std::size_t row, int column, LoadId load,
                         const std::string& name, std::uint64_t max = largest_count);

}  // namespace sluice::ledger
