#pragma once

#include "serve/message.hpp"
#include "serve/tokens.hpp"

namespace sluice::serve {

/// What somebody may do, for whoever offers it to them. `keeps_rejects`: bad records have a place
/// here.
Answer answer_of(const Permission& permission, bool keeps_rejects);

}  // namespace sluice::serve
