#pragma once

#include <string>
#include <vector>

namespace sluice::app {

/// `pgsluice complete -- WORD...`, which the shells' completions call: prints what the last word
/// may become. First a line that says where else to look: "words" (nowhere), "files" or "folders";
/// then a line for each candidate, with a tab and its help behind it. What cannot be found out is
/// left out without a word, within two seconds; nobody is asked for a password.
int run_complete(const std::vector<std::string>& arguments);

}  // namespace sluice::app
