#pragma once

#include <string>

#include "app/command_tree.hpp"

namespace sluice::app {

/// All commands and flags as a page of Markdown.
std::string reference_of(const ShownCommand& program);

}  // namespace sluice::app
