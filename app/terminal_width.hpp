#pragma once

#include <cstddef>
#include <optional>

namespace sluice::app {

/// In characters, of the terminal that this descriptor is; nothing where it is none, or where it
/// does not say: then a program reads what is written, or it is kept.
std::optional<std::size_t> terminal_width(int descriptor);

}  // namespace sluice::app
