#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "script/stretches.hpp"

namespace sluice::migrate {

/// What an error is said to come from.
struct Culprit {
  enum class What {
    statement,   ///< of the file
    state_left,  ///< all of them went well, and what comes behind them met what they have set
    history,     ///< ... and its row is refused whatever the file does
  } what = What::statement;
  std::optional<script::Place> place = {};
  std::string excerpt = {};   ///< as the file has it
  std::string position = {};  ///< in words, in front of the error
};

/// A statement of a stretch, as the file has it. One that only a placeholder's value makes is not
/// shown.
Culprit unit_culprit(const script::Stretch& stretch, std::size_t unit);

/// The last statement of a stretch that may change who one is; nothing where there is none.
std::optional<std::size_t> change_of_role(const script::Stretch& stretch);
/// The last one of a script.
Culprit last_change_of_role(const script::Script& script, const script::Placeholders& placeholders);

}  // namespace sluice::migrate
