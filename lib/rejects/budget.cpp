#include "rejects/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::rejects {

bool RejectBudget::allows(std::uint64_t records, std::uint64_t rejects) const {
  const std::uint64_t all = rejects_ + others_rejects_ + rejects;
  if (all == 0) return true;
  if (!limits_.allow_any()) return false;
  if (limits_.rejects_max && all > *limits_.rejects_max) return false;
  if (!limits_.ratio_max) return true;
  if (total_) return static_cast<double>(all) <= *limits_.ratio_max * static_cast<double>(*total_);
  if (!expected_) return true;
  // An estimate, and records to come may be shorter: several times too many are too many.
  const auto expected =
      static_cast<double>(std::max(*expected_, records_ + others_records_ + records));
  return static_cast<double>(all) <= limits::ratio_estimate_factor * *limits_.ratio_max * expected;
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
  const std::uint64_t all = rejects_ + others_rejects_ + rejects;
  const std::string count = format_count(all) + (all == 1 ? " record is bad" : " records are bad");
  if (limits_.rejects_max && all > *limits_.rejects_max)
    return fmt::format("{}, and --max-rejects allows {}", count, *limits_.rejects_max);
  const double ratio = limits_.ratio_max.value_or(0);
  if (total_)
    return fmt::format("{} of {}, and --max-reject-ratio allows {}", count, format_count(*total_),
                       ratio);
  return fmt::format("{} of about {} that there seem to be, and --max-reject-ratio allows {}",
                     count, format_count(expected_.value_or(records_)), ratio);
}

}  // namespace sluice::rejects
