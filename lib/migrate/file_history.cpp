#include "migrate/file_history.hpp"

namespace sluice::migrate {

void FileHistory::begin() {
  if (home_ != nullptr) keep(script::record_begun(*home_, script_));
}

void FileHistory::progress(std::size_t statements_done, bool next_begun,
                           const std::string& done_checksum) {
  done_ = statements_done;
  if (home_ != nullptr)
    keep(script::record_progress(*home_, script_, statements_done, next_begun, done_checksum));
}

void FileHistory::finish() {
  if (home_ != nullptr) keep(script::record_finished(*home_, script_));
}

std::string FileHistory::fail(const std::string& error) {
  const bool is_kept = home_ == nullptr || (*store_)(script::record_failed(*home_, script_, error));
  return is_kept ? "" : std::string("\n  ") + script::not_kept;
}

Failure FileHistory::ended_itself(bool was_begun) {
  const std::string what = "has itself ended the transaction that it was to be";
  if (!was_begun) begin();
  const bool goes_back = script_.name.kind == script::ScriptKind::way_back;
  return {FailureKind::failed,
          script_.path + ": this file " + what +
              ", by a COMMIT or a ROLLBACK that was not seen in it: a part of it may be " +
              (goes_back ? "taken back" : "applied") + fail("the file " + what),
          "Look at what is there. A file that is to end transactions says, in front of its first "
          "statement: -- pgsluice: no-transaction"};
}

void FileHistory::keep(const script::Write& row) {
  if ((*store_)(row)) return;
  throw Failure(FailureKind::failed, script_.path + ": behind statement " + std::to_string(done_) +
                                         ": " + script::not_kept +
                                         "; what is done stays, and the history does not say so");
}

}  // namespace sluice::migrate
