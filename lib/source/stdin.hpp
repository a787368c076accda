#pragma once

#include <string>

/// What a process of this program says of the stdin of another one, which it feeds.
namespace sluice::source {

/// Who writes into a pipe may die before it has written all, and its reader takes that for the end.
/// Who feeds names a descriptor in this variable of the environment: a byte comes there once what
/// was written to stdin is all. Without that byte the end of stdin is a failure.
inline constexpr const char* stdin_seal = "PGSLUICE_STDIN_SEAL";

/// The variable that says what the file is called that comes there.
inline constexpr const char* stdin_name = "PGSLUICE_STDIN_NAME";

/// The variable that says how many bytes come there, where that is known before.
inline constexpr const char* stdin_length = "PGSLUICE_STDIN_LENGTH";

/// "stdin", if nobody has said another name.
std::string name_of_stdin();

}  // namespace sluice::source
