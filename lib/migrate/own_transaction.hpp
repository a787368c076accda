#pragma once

#include <cstdint>

#include "base/sql.hpp"
#include "migrate/session.hpp"
#include "migrate/sql_error.hpp"

/// A transaction of ours is told from one that a file has begun where ours has ended: it is
/// deferrable, which means nothing to what writes, is gone with its transaction, and is no setting
/// that RESET ALL takes back.
namespace sluice::migrate {

/// A role or a database can make all transactions deferrable.
inline constexpr SqlWords others_not_deferrable = "set default_transaction_deferrable=off;";
inline constexpr SqlWords begin_own = "begin deferrable;";

/// A setting by which one knows that the message in which a transaction is begun was run at all:
/// one with a syntax error is not. Both before it and in it, so that it stays whatever ends it.
class BegunMark {
 public:
  BegunMark();
  Sql set() const { return sql("set pgsluice.begun={};", number_); }
  /// REQUIRES: no transaction.
  bool is_set(Session& session) const;

 private:
  std::uint64_t number_;
};

/// Begins one. REQUIRES: no transaction.
void begin_own_transaction(Session& session);

/// A statement that fails where the transaction is not the one that was begun: sent with a file's
/// text in one message, it takes back what has come behind the end of ours.
Sql require_own();
/// That is why it failed.
bool is_not_own(const SqlError& error);

/// Rolls back behind an error of what was sent in such a transaction. False where that had ended
/// before: somebody else has committed or rolled back. Without a mark it was begun.
bool roll_back_own(Session& session, const SqlError& error, const BegunMark* mark = nullptr);

}  // namespace sluice::migrate
