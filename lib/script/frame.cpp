#include "script/frame.hpp"

#include <utility>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

/// BEGIN [WORK | TRANSACTION], START TRANSACTION: without a mode, which would be lost.
bool is_plain_begin(const Statement& statement) {
  const auto& words = statement.words;
  if (!begins_transaction(statement) || words.size() > 2) return false;
  return words.size() == 1 || words[1] == "WORK" || words[1] == "TRANSACTION";
}

/// COMMIT or END [WORK | TRANSACTION].
bool is_plain_commit(const Statement& statement) {
  const auto& words = statement.words;
  if (words.empty() || words.size() > 2 || (words[0] != "COMMIT" && words[0] != "END"))
    return false;
  return words.size() == 1 || words[1] == "WORK" || words[1] == "TRANSACTION";
}

void blank(std::string& sql, std::size_t begin, std::size_t end) {
  for (std::size_t at = begin; at < end; ++at)
    if (sql[at] != '\n') sql[at] = ' ';
}

}  // namespace

void Frame::take_out(Lexed& lexed, std::string& sql, bool is_last) {
  for (const auto& [begin, end] : lexed.idle_lines) blank(sql, begin, end);
  if (!script_.directives.in_transaction) return;
  const auto is_frame = [&](const Statement& statement) {
    if (end_) {
      throw Failure(FailureKind::usage,
                    at(script_, *end_) +
                        ": the transaction ends here, and the file goes on behind it; the whole "
                        "file is one transaction already: take BEGIN and COMMIT out, or say -- "
                        "pgsluice: no-transaction");
    }
    const bool is_first = !std::exchange(is_behind_first_, true);
    std::optional<Place>* place = nullptr;
    if (is_first && is_plain_begin(statement)) place = &begin_;
    if (begin_ && is_plain_commit(statement)) place = &end_;
    if (place == nullptr) return false;
    *place = statement.place;
    blank(sql, statement.begin, statement.end);
    return true;
  };
  std::erase_if(lexed.statements, is_frame);
  if (!is_last || !begin_ || end_) return;
  throw Failure(FailureKind::usage,
                at(script_, *begin_) +
                    ": BEGIN: the whole file is one transaction already, and this one has no "
                    "COMMIT at its end; take it out, or say -- pgsluice: no-transaction");
}

}  // namespace sluice::script
