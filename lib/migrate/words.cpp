#include "migrate/words.hpp"

#include <utility>

#include "base/condition_name.hpp"

namespace sluice::migrate {

std::string how_it_goes_on(const script::Script& script, bool has_history,
                           const std::string& where) {
  if (has_history) return "the next run goes on " + where;
  return script.directives.in_transaction ? "nothing of it is done"
                                          : "no record is kept: the next run begins anew";
}

std::string Words::of(const SqlError& error) const {
  // Without an SQLSTATE the words are ours.
  if (error.state().empty() || !withholds()) return secrets_.hidden(error.primary());
  const std::string_view name = condition_name(error.state());
  return name.empty() ? "the server refuses this" : std::string(name);
}

std::string Words::more_of(const SqlError& error) const {
  if (!withholds()) return secrets_.hidden(error.rest());
  return "what the server says is not shown, as this file has a secret (placeholder " +
         placeholder_ + ")";
}

SqlError Words::error(const SqlError& error, const std::string& where) const {
  return {error.state(), "ERROR:  " + where + of(error)};
}

void Words::tell_notice(const std::string& notice, const Listener& listener) {
  if (!withholds()) return listener.note(script_.path + ": " + secrets_.hidden(notice));
  if (std::exchange(is_told_, true)) return;
  listener.note(script_.path +
                ": notices of the server are not shown, as this file has a secret (placeholder " +
                placeholder_ + ")");
}

}  // namespace sluice::migrate
