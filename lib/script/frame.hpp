#pragma once

#include <optional>
#include <string>

#include "script/script.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::script {

/// A file that is one transaction may say so itself: BEGIN in front of all its statements, COMMIT
/// behind them. Both are taken out, as the transaction is there already. Anything else that begins
/// or ends a transaction stays, for judge() to refuse. One for each reading of a script.
class Frame {
 public:
  explicit Frame(const Script& script) : script_(script) {}

  /// Takes them out of the statements of a part, the next one of its file, and makes blanks of them
  /// in `sql`, whose parts they are, and of lines for psql that say nothing. Throws Failure{usage}
  /// where something stands behind the end of the frame, and behind the last part where it has
  /// none.
  void take_out(Lexed& lexed, std::string& sql, bool is_last);

 private:
  const Script& script_;
  bool is_behind_first_ = false;
  std::optional<Place> begin_;
  std::optional<Place> end_;
};

}  // namespace sluice::script
