#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sniff/proposal.hpp"

namespace sluice::report {

/// What inspect says of one file.
struct Inspected {
  std::string file;   ///< as the user wrote it
  std::string table;  ///< as in SQL
  sniff::Proposal proposal;
  sniff::Naming naming = sniff::Naming::keep;
  std::vector<std::string> more_flags = {};  ///< of `load`, that inspect was given too
  std::size_t screen_columns = 0;  ///< of the terminal; 0: it is none, and nothing is drawn
  bool is_one_of_many = false;  ///< CREATE TABLE and the command are said of all (report/together)
};

/// A value of a file in a column of a screen: control characters are written out, and it is cut.
std::string shown(std::string_view text);

/// One screen: how it is read, what its columns are, CREATE TABLE, and the command that loads it.
std::string text_of(const Inspected& inspected);
nlohmann::ordered_json json_of(const Inspected& inspected);

/// As a shell takes it for one word.
std::string shell_word(const std::string& text);

/// `pgsluice load ...`, for a shell.
std::string command_of(const Inspected& inspected);

}  // namespace sluice::report
