#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "migrate/session.hpp"
#include "migrate/trace.hpp"

namespace sluice::migrate {

/// What a transaction has locked and changed so far, seen from within, and what is committed, seen
/// by a session beside it, which has a
/// lock timeout. REQUIRES: both sessions outlive it.
class TracedState {
 public:
  TracedState(Session& work, Session& beside, int process)
      : work_(work), beside_(beside), process_(process) {}

  /// What is new since the last look.
  void look(TracedStatement& statement);
  /// The transaction has ended, and nothing of it is known.
  void forget();

 private:
  struct Thing {
    std::string what;   ///< for people: "index app.i"
    std::string value;  ///< by which one knows that it was changed
    bool is_file = false;
  };
  using Things = std::map<std::string, Thing>;  ///< by kind and number

  /// False where the transaction has locked catalogs that are read for it.
  bool look_from_beside(TracedStatement& statement);
  void look_at_locks(TracedStatement& statement);
  void look_at_unknown();
  static Things things_of(Session& session, const Sql& relations);

  Session& work_;
  Session& beside_;
  int process_;
  std::set<std::string> relations_;                   ///< that are locked, by number
  std::set<std::pair<std::string, LockMode>> locks_;  ///< that were told
  std::set<std::string> known_;                       ///< relations whose things are in `things_`
  Things things_;
  bool is_blind_ = false;  ///< up to the end of the transaction
};

}  // namespace sluice::migrate
