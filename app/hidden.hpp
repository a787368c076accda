#pragma once

#include <string>
#include <vector>

namespace sluice::app {

/// A text of a command's arguments that is not to be shown as it is.
struct Hidden {
  std::string text;
  std::string shown;
};

/// What of these arguments has a secret in it: URLs with a login or a signature, connections,
/// wherever in an argument they begin. Whichever flag they were given to.
std::vector<Hidden> hidden_in(const std::vector<std::string>& arguments);

/// A message without what is hidden. A login is left out also where only a part of its URL is
/// said.
std::string without_hidden(std::string message, const std::vector<Hidden>& hidden);

}  // namespace sluice::app
