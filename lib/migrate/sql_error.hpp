#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/sql_state.hpp"

namespace sluice::migrate {

/// The server refused a statement, or the connection was lost. Decide by `state`; the message is
/// for people.
class SqlError : public std::runtime_error {
 public:
  /// `message` is libpq's: severity and primary message, "LINE n: ..." with a caret under it,
  /// DETAIL, HINT.
  SqlError(std::string state, const std::string& message);

  bool is_lost() const { return lost_; }
  /// A lock timeout, a deadlock, a full disk: the same again may succeed.
  bool is_transient() const;
  bool is_cancelled() const { return state_ == sql_state::query_canceled; }

  const std::string& state() const { return state_; }
  /// The primary message.
  const std::string& primary() const { return primary_; }
  /// Detail, hint and context, a line each.
  const std::string& rest() const { return rest_; }

  /// The byte that the server pointed to in `sent`, the text that it got: from libpq's "LINE n" and
  /// caret. A hint, as libpqxx keeps the position itself to itself.
  std::optional<std::size_t> offset_in(std::string_view sent) const;

 private:
  std::string state_;
  bool lost_ = false;
  std::string primary_;
  std::string rest_;
  std::size_t line_ = 0;  ///< 0: none
  std::string shown_;     ///< of that line
  std::size_t caret_ = 0;
};

}  // namespace sluice::migrate
