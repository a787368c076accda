#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "migrate/session.hpp"
#include "script/foresight.hpp"

namespace sluice::migrate {

/// What may fail of files that are about to run, and is said before that.
class Foresight {
 public:
  explicit Foresight(const script::Placeholders& placeholders) : placeholders_(placeholders) {}

  /// REQUIRES: in the order in which they run.
  void look_at(const script::Script& script);
  /// With what the database knows of the procedures that they call. Said once.
  std::vector<std::string> notes(Session& session);

 private:
  const script::Placeholders& placeholders_;
  std::vector<std::pair<std::string, script::Doubt>> doubts_;  ///< each with its file and line
  std::set<std::string> ending_;                               ///< procedures of these files
};

}  // namespace sluice::migrate
