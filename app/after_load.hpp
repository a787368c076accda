#pragma once

#include <string>

namespace sluice::app {

/// What becomes of a file that is loaded.
struct AfterLoad {
  enum class What { keep, remove, move } what = What::keep;
  std::string folder;  ///< to move to

  /// "keep", "delete" or "move:DIR". Throws Failure{usage}.
  static AfterLoad parse(const std::string& text);

  /// Does it, and returns a sentence for people, or an empty one. A move replaces no file: where
  /// one has the name already, it gets another one. Throws Failure where it cannot be done.
  std::string apply(const std::string& path) const;
};

}  // namespace sluice::app
