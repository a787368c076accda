#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/names.hpp"
#include "doctor/facts.hpp"

namespace sluice::doctor {

enum class Verdict { good, doubtful, bad };
constexpr auto names_of(Verdict) {
  return std::array{Named{Verdict::good, "ok"}, Named{Verdict::doubtful, "warning"},
                    Named{Verdict::bad, "problem"}};
}

struct Finding {
  std::string subject;  ///< "server", "clock", "max_wal_size"
  Verdict verdict = Verdict::good;
  std::string message;
  std::string advice;  ///< what to change; empty where nothing is to be
};

/// What these facts mean for loads: what would make them fail is bad, what makes them slow or may
/// surprise is doubtful.
std::vector<Finding> judge(const Facts& facts);

}  // namespace sluice::doctor
