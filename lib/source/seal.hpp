#pragma once

namespace sluice::source {

/// Who writes into a pipe may die before it has written all, and its reader takes that for the end.
/// A process of this program that feeds another one names a descriptor in this variable of its
/// environment: a byte comes there once what was written to stdin is all. Without that byte the end
/// of stdin is a failure.
inline constexpr const char* stdin_seal = "PGSLUICE_STDIN_SEAL";

}  // namespace sluice::source
