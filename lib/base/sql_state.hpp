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

/// Names of the appendix.
namespace sql_state {
inline constexpr std::string_view sqlclient_unable_to_establish_sqlconnection = "08001";
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view invalid_datetime_format = "22007";
inline constexpr std::string_view datetime_field_overflow = "22008";
inline constexpr std::string_view division_by_zero = "22012";
inline constexpr std::string_view character_not_in_repertoire = "22021";
inline constexpr std::string_view invalid_parameter_value = "22023";
inline constexpr std::string_view invalid_text_representation = "22P02";
inline constexpr std::string_view bad_copy_file_format = "22P04";
inline constexpr std::string_view untranslatable_character = "22P05";
inline constexpr std::string_view not_null_violation = "23502";
inline constexpr std::string_view foreign_key_violation = "23503";
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view check_violation = "23514";
inline constexpr std::string_view exclusion_violation = "23P01";
inline constexpr std::string_view active_sql_transaction = "25001";
inline constexpr std::string_view read_only_sql_transaction = "25006";
inline constexpr std::string_view idle_in_transaction_session_timeout = "25P03";
inline constexpr std::string_view transaction_timeout = "25P04";
inline constexpr std::string_view invalid_schema_name = "3F000";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view statement_completion_unknown = "40003";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view duplicate_table = "42P07";
inline constexpr std::string_view undefined_column = "42703";
inline constexpr std::string_view grouping_error = "42803";
inline constexpr std::string_view windowing_error = "42P20";
inline constexpr std::string_view undefined_object = "42704";
inline constexpr std::string_view duplicate_object = "42710";
inline constexpr std::string_view undefined_table = "42P01";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view object_not_in_prerequisite_state = "55000";
inline constexpr std::string_view cant_change_runtime_param = "55P02";
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view admin_shutdown = "57P01";
inline constexpr std::string_view crash_shutdown = "57P02";
inline constexpr std::string_view cannot_connect_now = "57P03";
inline constexpr std::string_view idle_session_timeout = "57P05";
inline constexpr std::string_view fdw_unable_to_establish_connection = "HV00N";
inline constexpr std::string_view internal_error = "XX000";
inline constexpr std::string_view data_corrupted = "XX001";
inline constexpr std::string_view index_corrupted = "XX002";
}  // namespace sql_state

/// The first two characters of some, by the names of the appendix.
namespace sql_class {
inline constexpr std::string_view connection_exception = "08";
inline constexpr std::string_view feature_not_supported = "0A";
inline constexpr std::string_view data_exception = "22";
inline constexpr std::string_view integrity_constraint_violation = "23";
inline constexpr std::string_view invalid_transaction_state = "25";
inline constexpr std::string_view transaction_rollback = "40";
inline constexpr std::string_view syntax_error_or_access_rule_violation = "42";
inline constexpr std::string_view with_check_option_violation = "44";
inline constexpr std::string_view insufficient_resources = "53";
inline constexpr std::string_view program_limit_exceeded = "54";
inline constexpr std::string_view operator_intervention = "57";
inline constexpr std::string_view system_error = "58";
inline constexpr std::string_view plpgsql_error = "P0";
}  // namespace sql_class

/// What helps where a statement that writes met 25006.
inline constexpr std::string_view read_only_hint =
    "The server is a standby, or the session is read only (default_transaction_read_only). Of "
    "several hosts, target_session_attrs=read-write finds the primary.";

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
