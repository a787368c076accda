#include "migrate/file_history.hpp"

#include "base/failure.hpp"

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

void FileHistory::keep(const script::Write& row) {
  if ((*store_)(row)) return;
  throw Failure(FailureKind::failed, script_.path + ": behind statement " + std::to_string(done_) +
                                         ": " + script::not_kept +
                                         "; what is done stays, and the history does not say so");
}

}  // namespace sluice::migrate
