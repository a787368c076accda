#pragma once

#include <string>

#include "migrate/options.hpp"
#include "migrate/sql_error.hpp"
#include "script/secrets.hpp"

namespace sluice::migrate {

/// How a file that was left goes on: without a history no run knows how far it was.
std::string how_it_goes_on(const script::Script& script, bool has_history,
                           const std::string& where);

/// What may be said of what the server says while a script runs: all without the secrets that are
/// known again, or of a script that has one the name of the SQLSTATE. Both outlive it.
class Words {
 public:
  Words(const script::Secrets& secrets, const script::Script& script)
      : secrets_(secrets), script_(script), placeholder_(secrets.placeholder_in(script)) {}

  bool withholds() const { return !placeholder_.empty(); }
  /// The primary message.
  std::string of(const SqlError& error) const;
  /// Detail, hint and context, or why they are left out.
  std::string more_of(const SqlError& error) const;
  std::string state_of(const SqlError& error) const { return secrets_.hidden(error.state()); }
  /// The error without anything that may not be said, `where` it is from.
  SqlError error(const SqlError& error, const std::string& where) const;

  void tell_notice(const std::string& notice, const Listener& listener);

 private:
  const script::Secrets& secrets_;
  const script::Script& script_;
  std::string placeholder_;  ///< by which it has a secret; empty: it has none
  bool is_told_ = false;     ///< that notices are left out
};

}  // namespace sluice::migrate
