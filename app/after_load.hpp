#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/inputs.hpp"
#include "app/taken_file.hpp"
#include "source/file_identity.hpp"

namespace sluice::app {

/// What becomes of a file that is loaded.
struct AfterLoad {
  enum class What { keep, remove, move } what = What::keep;
  std::string folder;  ///< to move to
  /// That folder, if there is one, as it was when check() looked: by the time of apply() somebody
  /// may have put another one, or a link, in its place.
  std::shared_ptr<std::optional<Folder>> looked_at = std::make_shared<std::optional<Folder>>();

  /// "keep", "delete" or "move:DIR". Throws Failure{usage}.
  static AfterLoad parse(const std::string& text);

  /// Before the load: throws Failure{usage} for what could be loaded, and not deleted or moved
  /// then: a link, whose file is elsewhere, a pipe. From here on the folder to move to is the one
  /// that is there; one that is made later is made, and no link.
  void check(const std::string& path) const;
  /// ... for what is fetched, and for archives of which not all is loaded: what is left out would
  /// be gone with them, and be in no table. `word` is what the user has said (--after).
  void check_inputs(const std::vector<Input>& inputs, const std::string& word) const;

  /// Does it, and returns a sentence for people, or an empty one. Only the file that was `loaded`
  /// is touched; throws Failure{changed} if another one has its name, or it is not any more as it
  /// was read. A move replaces no file: where one has the name already, it gets another one. Throws
  /// Failure{failed} where it cannot be done; the file has its name then.
  std::string apply(const std::string& path,
                    const std::optional<source::FileIdentity>& loaded) const;
};

}  // namespace sluice::app
