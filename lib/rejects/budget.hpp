#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace sluice::rejects {

/// How many rejects a load may have before it stops.
struct RejectLimits {
  std::optional<std::uint64_t> rejects_max;  ///< --max-rejects
  std::optional<double> ratio_max;           ///< --max-reject-ratio: of the records read, 0 to 1

  bool is_given() const { return rejects_max || ratio_max; }
  /// Neither given, or none wanted: the first bad record stops the load.
  bool allow_any() const { return rejects_max.value_or(1) > 0 && is_given(); }
};

/// Counts what chunks have used of the limits. Those that are about to be stored count, so that
/// several at once do not exceed them together.
class RejectBudget {
 public:
  RejectBudget() = default;
  explicit RejectBudget(RejectLimits limits) : limits_(limits) {}

  const RejectLimits& limits() const { return limits_; }

  /// Whether a chunk of so many records may be stored without so many of them.
  bool allows(std::uint64_t records, std::uint64_t rejects) const;
  void use(std::uint64_t records, std::uint64_t rejects);
  void give_back(std::uint64_t records, std::uint64_t rejects);

  /// What other commands have stored of the same load (--join).
  void count_others(std::uint64_t records, std::uint64_t rejects) {
    others_records_ = records;
    others_rejects_ = rejects;
  }

  /// The ratio is of all records of the source, however they are spread and whoever is first: so it
  /// is judged when their number is known, or when there are too many for all that may be expected.
  void set_total(std::uint64_t records) { total_ = records; }
  /// The source seems to have so many.
  void expect(std::uint64_t records) { expected_ = records; }

  /// "101 records are bad, and --max-rejects allows 100"
  std::string explain(std::uint64_t rejects) const;

 private:
  RejectLimits limits_;
  std::uint64_t records_ = 0;
  std::uint64_t rejects_ = 0;
  std::uint64_t others_records_ = 0;
  std::uint64_t others_rejects_ = 0;
  std::optional<std::uint64_t> total_;
  std::optional<std::uint64_t> expected_;
};

}  // namespace sluice::rejects
