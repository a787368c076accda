#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "script/placeholders.hpp"
#include "script/script.hpp"
#include "script/units.hpp"

/// What is known of a file that is one transaction before the server is asked.
namespace sluice::script {

/// What a statement is called that no transaction may hold: "VACUUM"; empty: it may.
std::string needs_no_transaction(const Unit& unit, std::string_view sql);

/// Something that may well fail.
struct Doubt {
  Place place;
  std::string message;    ///< with its cure
  std::string procedure;  ///< only if this one, as it was called, ends transactions; empty: anyway
};

/// Of a file that is one transaction: blocks that end it, procedures that are called, and new
/// values of an enum that are used at once. A text that is not kept has none.
std::vector<Doubt> doubts_of(const Script& script, const Placeholders& values);

/// The procedures that a file makes and that end transactions, by their names as a call has them:
/// without a schema, in lower case unless they are quoted.
std::vector<std::string> ending_procedures(const Script& script, const Placeholders& values);

}  // namespace sluice::script
