#pragma once

#include "serve/message.hpp"
#include "serve/tokens.hpp"

namespace sluice::serve {

/// What somebody may do, for whoever offers it to them.
Answer answer_of(const Permission& permission);

}  // namespace sluice::serve
