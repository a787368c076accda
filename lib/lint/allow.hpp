#pragma once

#include <expected>
#include <map>
#include <vector>

#include "lint/lint.hpp"

namespace sluice::lint {

/// What the directives `-- pgsluice: allow RULE, RULE because ...` of a file allow. Each stands in
/// front of its statement, in it, or behind it in the same line.
class Allowed {
 public:
  struct One {
    RuleId id;
    script::Place place;
    std::size_t statement = 0;  ///< from 0
    bool is_used = false;
  };

  void add(One one) { all_.emplace(one.statement, one); }

  void remove_from(std::vector<Finding>& findings);
  std::vector<One> unused() const;

 private:
  std::multimap<std::size_t, One> all_;  ///< by their statements
};

/// Of a part of a file, behind so many statements. An unknown rule, and one without a reason, is an
/// error.
std::expected<Allowed, WrongAllow> read_allowed(std::string_view text, const script::Lexed& lexed,
                                                std::size_t statements_before);

/// The rule is on, or asked for.
bool is_looked_for(const Options& options, RuleId id);

}  // namespace sluice::lint
