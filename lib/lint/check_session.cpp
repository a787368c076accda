#include "lint/checks.hpp"

namespace sluice::lint {

void check_set(Scene& scene, Cursor cursor) {
  if (cursor.accept("set")) {
    if (!cursor.accept("local")) cursor.accept("session");
    if (!cursor.accept("lock_timeout")) return;
    if (!cursor.accept("=")) cursor.accept("to");
    const std::string value(cursor.peek().written);
    // '0', 0, '0s', DEFAULT: no limit, or what the server has.
    scene.has_lock_timeout = value.find_first_of("123456789") != std::string::npos;
  } else if (cursor.accept("reset")) {
    if (cursor.is("lock_timeout") || cursor.is("all")) scene.has_lock_timeout = false;
  }
}

void check_transaction_control(Scene& scene, const script::Statement& statement) {
  const bool begins = script::begins_transaction(statement);
  if (scene.is_transaction) {
    scene.tell(RuleId::transaction_nesting, 0,
               {"the whole file is one transaction already",
                "-- take it out; or, in front of the first statement:\n-- pgsluice: "
                "no-transaction"});
    return;
  }
  if (begins == scene.transaction.is_explicit) {
    scene.tell(RuleId::transaction_nesting, 0,
               {begins ? "a transaction is open already" : "no transaction is open here"});
  }
  scene.transaction = {};
  scene.transaction.is_explicit = begins;
}

void check_open_transaction(Scene& scene) {
  if (scene.is_transaction || !scene.transaction.is_explicit) return;
  scene.tell(RuleId::ban_uncommitted_transaction, 0,
             {"the transaction that is open here has no end in the file", "commit;"});
}

void check_needs_no_transaction(Scene& scene, const std::string& what, std::size_t offset) {
  if (!scene.is_in_transaction()) return;
  scene.tell(
      RuleId::ban_concurrent_index_creation_in_transaction, offset,
      {what + " cannot run in a transaction",
       scene.is_transaction ? "-- in front of the first statement of the file:\n-- pgsluice: "
                              "no-transaction"
                            : "-- behind the commit"});
}

void check_robust(Scene& scene, bool is_guarded, const std::string& what, std::size_t offset) {
  if (is_guarded || scene.is_in_transaction()) return;
  scene.tell(RuleId::prefer_robust_stmts, offset,
             {"cannot run twice, as it must where a run has ended in the middle", what});
}

}  // namespace sluice::lint
