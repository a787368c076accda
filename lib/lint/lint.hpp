#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lint/rules.hpp"
#include "script/directives.hpp"
#include "script/sql_lexer.hpp"

/// What a migration would block or break, known without a server.
namespace sluice::lint {

inline constexpr int oldest_version = 13;
inline constexpr int newest_version = 18;

enum class Runner {
  pgsluice,  ///< a file is a transaction, unless it says otherwise, with a lock timeout
  other,     ///< statement by statement, without one, as psql does
};
constexpr auto names_of(Runner) {
  return std::array{Named{Runner::pgsluice, "pgsluice"}, Named{Runner::other, "other"}};
}

struct Options {
  /// What is wrong with some version from here on to the newest one, or with this one alone.
  std::optional<int> server_version;
  Runner runner = Runner::pgsluice;
  std::set<RuleId> included;  ///< of those that are off
  std::set<RuleId> excluded;
  bool has_lock_timeout = true;  ///< of a file that says nothing; of pgsluice's runner
};

struct Finding {
  RuleId id;
  Level level;
  script::Place place;
  std::size_t statement = 0;  ///< from 1
  script::Place statement_place;
  std::string excerpt;  ///< of the statement
  std::string message;
  std::string safer;  ///< SQL, in lines; empty: there is none
};

/// One file.
struct Text {
  std::string_view sql;
  script::Directives directives;
};

/// An allow directive that says nothing known.
struct WrongAllow {
  script::Place place;
  std::string message;
};

/// Of files in the order in which they run: what was validated in one is known in the next.
class Linter {
 public:
  explicit Linter(Options options);
  ~Linter();
  Linter(Linter&&) noexcept;

  /// Findings in the order of their places.
  std::expected<std::vector<Finding>, WrongAllow> check(const Text& text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::lint
