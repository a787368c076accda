#pragma once

#include <string>
#include <vector>

#include "app/command_tree.hpp"

namespace sluice::app {

/// A page of the manual, as man(7) has them.
struct ManualPage {
  std::string name;  ///< of its file: "pgsluice-load.1"
  std::string text;
};

/// One for the program, and one for each of its commands, which has those below it too.
std::vector<ManualPage> manual_of(const ShownCommand& program, const std::string& version);

/// pgsluice.toml(5), of the keys that jobs::read_config() takes.
ManualPage manual_of_configuration(const std::string& version);

/// A text as a line of roff: nothing in it is a request or an escape.
std::string roff(const std::string& text);

}  // namespace sluice::app
