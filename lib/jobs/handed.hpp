#pragma once

#include <string>
#include <vector>

/// What processes are started with.
namespace sluice::jobs {

/// The variables by which a scheduler hands a connection to the processes that it starts: what -d
/// and --migrate-url would say, if they are not given.
inline constexpr const char* handed_connection = "PGSLUICE_HANDED_CONNECTION";
/// Who the sessions of that connection have to be.
inline constexpr const char* handed_role = "PGSLUICE_HANDED_ROLE";
inline constexpr const char* handed_migrate_url = "PGSLUICE_HANDED_MIGRATE_URL";

/// The variable by which a server hands what it knows of the upload that it feeds to a process, as
/// JSON: its "key", whether it is "resumable", and where it goes on, "kept" and "offset"
/// (plan::NamedUpload).
inline constexpr const char* handed_upload = "PGSLUICE_HANDED_UPLOAD";

/// The variable that says whose the sessions are which a process keeps for the next call: for one
/// with another value they are closed.
inline constexpr const char* sessions_of = "PGSLUICE_SESSIONS_OF";

struct Handed {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

/// Values of placeholders, and connections with a secret, go by the environment: ps shows arguments
/// to everybody.
Handed hand_values(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment);

}  // namespace sluice::jobs
