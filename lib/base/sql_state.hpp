#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sluice {

/// A five-character SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
/// Empty when the server said nothing: the connection is gone, also where a killed server had time
/// for a last message without a code.
class SqlState {
 public:
  SqlState() = default;
  explicit SqlState(std::string_view code) : code_(code) {}

  const std::string& code() const { return code_; }
  bool empty() const { return code_.empty(); }
  bool in_class(std::string_view two_characters) const { return code_.starts_with(two_characters); }
  bool operator==(std::string_view code) const { return code_ == code; }

 private:
  std::string code_;
};

namespace sql_state {
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view cannot_connect_now = "57P03";
inline constexpr std::string_view foreign_key_violation = "23503";
inline constexpr std::string_view undefined_table = "42P01";
inline constexpr std::string_view division_by_zero = "22012";
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view exclusion_violation = "23P01";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view insufficient_privilege = "42501";
}  // namespace sql_state

/// What an error means for the work that met it.
enum class ErrorNature {
  lost,       ///< the connection is gone, or the server is starting or stopping: open another one
  transient,  ///< the server is well, the transaction was unlucky: run it again
  data,       ///< a row is at fault, or may be: whether it is shows when it is refused alone
  permanent,  ///< trying again gives the same answer
};

/// Of an error of which nothing else is known.
ErrorNature nature_of(const SqlState& state);

/// Of an error behind which the session goes on. Any code may then come from what a single row
/// calls (a trigger raises what it likes, an input function of an extension XX000), so all count as
/// data but those that tell of the server and its other users: 40, 53, 55P03, 57, 58, and data that
/// is corrupt on its disk.
ErrorNature nature_in_living_session(const SqlState& state);

}  // namespace sluice
