#pragma once

#include <optional>

#include "serve/message.hpp"
#include "serve/target.hpp"

namespace sluice::serve {

/// The page for people: `/`, and what it is made of under `/page/` (lib/serve/page, embedded in the
/// program). It has nothing that a token guards. Empty where the address is none of its own; throws
/// Refused where it is asked for otherwise than by GET.
std::optional<Answer> page_of(const Request& request, const Target& target);

}  // namespace sluice::serve
