#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "migrate/options.hpp"
#include "migrate/session.hpp"
#include "script/script.hpp"

namespace sluice::migrate {

/// Sees to it that no statement of a file keeps others from reading or writing a large table for
/// longer than a limit: from when it begins to wait for its lock to the end of the transaction.
/// Each statement is given as long as is left of that, and is cancelled by the server then.
class SafeGuard {
 public:
  struct Limits {
    std::uint64_t bytes;                  ///< from which on a table is large
    std::chrono::milliseconds time;       ///< how long it may be blocked, the wait included
    std::chrono::milliseconds otherwise;  ///< how long other statements may take; zero: any time
    bool is_transaction = true;           ///< the file is one
  };

  /// Asks for the large tables. REQUIRES: no transaction.
  SafeGuard(Session& session, Limits limits);

  /// In front of a statement, or of several at once, and behind it.
  void before(std::string_view sql, std::size_t line);
  void after();
  /// In front of the end of the transaction.
  void before_end();

  /// The statement that was sent last was limited.
  bool is_limiting() const { return is_limiting_; }
  /// What it would have blocked, for longer than is right: a sentence.
  std::string words() const;

 private:
  using Clock = std::chrono::steady_clock;

  void set_limits(std::chrono::milliseconds statement, std::chrono::milliseconds lock);
  std::chrono::milliseconds left() const;
  std::string large_among(const std::vector<std::string>& tables);

  Session& session_;
  Limits limits_;
  std::string large_;  ///< numbers of tables, as an array
  bool is_limiting_ = false;
  std::string table_;  ///< that the statement locks; empty: not known
  std::size_t line_ = 0;
  Clock::time_point began_;
  std::optional<Clock::time_point> deadline_;
  std::string held_table_;
  std::size_t held_line_ = 0;
};

/// A statement of a file without a transaction, or what stands from its BEGIN to its COMMIT.
struct SafeUnit {
  std::string sql;
  script::Place place;
};
/// Sends it within the limits of a script. `why` is what to say where it is cancelled.
void send_safely(Session& session, const script::Script& script, const Options& options,
                 const SafeUnit& unit, const Stop& stop, std::string& why);

}  // namespace sluice::migrate
