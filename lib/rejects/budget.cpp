#include "rejects/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::rejects {

bool RejectBudget::allows(std::uint64_t records, std::uint64_t rejects) const {
  const std::uint64_t all = rejects_ + rejects;
  if (all == 0) return true;
  if (!limits_.allow_any()) return false;
  if (limits_.rejects_max && all > *limits_.rejects_max) return false;
  if (!limits_.ratio_max) return true;
  const std::uint64_t of = total_.value_or(std::max(records_ + records, limits::ratio_records_min));
  return static_cast<double>(all) <= *limits_.ratio_max * static_cast<double>(of);
}

void RejectBudget::use(std::uint64_t records, std::uint64_t rejects) {
  records_ += records;
  rejects_ += rejects;
}

void RejectBudget::give_back(std::uint64_t records, std::uint64_t rejects) {
  records_ -= records;
  rejects_ -= rejects;
}

std::string RejectBudget::explain(std::uint64_t rejects) const {
  const std::uint64_t all = rejects_ + rejects;
  const std::string count = format_count(all) + (all == 1 ? " record is bad" : " records are bad");
  if (limits_.rejects_max && all > *limits_.rejects_max)
    return fmt::format("{}, and --max-rejects allows {}", count, *limits_.rejects_max);
  return fmt::format("{} of {}, and --max-reject-ratio allows {}", count,
                     format_count(std::max(total_.value_or(records_), all)),
                     limits_.ratio_max.value_or(0));
}

}  // namespace sluice::rejects
