#pragma once

#include <functional>
#include <string>

#include "base/failure.hpp"
#include "script/history.hpp"

namespace sluice::migrate {

/// The row of the history of a file that is not one transaction, written while it runs; nothing of
/// a file whose history nobody keeps.
class FileHistory {
 public:
  /// Stores a statement of the history (see LockedSession::record). False where nothing was stored.
  using Store = std::function<bool(const script::Write& row)>;

  /// Without a home no history is kept. What is given outlives it.
  FileHistory(const script::Script& script, const script::Home* home, const Store* store)
      : script_(script), home_(home), store_(store) {}

  /// These throw Failure where the row is not kept: the next run would not know what is done.
  void begin();
  void progress(std::size_t statements_done, bool next_begun, const std::string& done_checksum);
  void finish();

  /// What to add to the error.
  std::string fail(const std::string& error);

  /// Of a file that has ended the transaction that it was to be, so that nobody knows what of it is
  /// there: what to throw. Its row is written here, if it was not begun before.
  Failure ended_itself(bool was_begun);

 private:
  void keep(const script::Write& row);

  const script::Script& script_;
  const script::Home* home_;
  const Store* store_;
  std::size_t done_ = 0;
};

}  // namespace sluice::migrate
