#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

/// What may stand where a command line is still being written, as far as the tree of commands says.
namespace sluice::app {

/// What a word may be. Beside what the tree has, somebody else has to be asked for it.
enum class Wanted { words, files, folders, tables, loads, jobs };

struct Candidate {
  std::string text;
  std::string help;
};

struct Completion {
  Wanted wanted = Wanted::words;
  std::string before;  ///< what of the last word stays as it is: "--table="
  std::string typed;   ///< what is behind that: each candidate begins with it
  std::vector<Candidate> candidates;
  /// Flags that stand in front, by the last of an option's names ("--dbname"), and their values.
  std::map<std::string, std::string> given;
  const CLI::App* command = nullptr;  ///< whose flags these are
};

/// `words` are those behind the program's name, the last one up to the cursor. Those in front of it
/// may be wrong: nobody is told.
Completion completion_of(const CLI::App& program, const std::vector<std::string>& words);

}  // namespace sluice::app
