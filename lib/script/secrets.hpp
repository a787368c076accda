#pragma once

#include <string>
#include <vector>

#include "script/placeholders.hpp"

namespace sluice::script {

/// The name says that its value is one: pass, secret, token, key, ...
bool is_secret_name(const std::string& name);

/// Values of placeholders that are said nowhere: those that a file declares as secret, and those
/// whose name says so. A server's messages quote statements, and pieces of them, in any form:
/// folded, cut, escaped, as hex, or what a function has made of them. So nothing of what it says
/// while a file runs that has a secret is shown; what it says of other files, which may read what
/// that one has stored, is shown without the values as far as they are known again.
class Secrets {
 public:
  Secrets() = default;
  explicit Secrets(const Placeholders& values, const std::vector<std::string>& declared);

  /// The placeholder by which a script has a secret; empty: it has none.
  std::string placeholder_in(const Script& script) const;

  /// The text without them: each is replaced by "***", also where only a part of it stands there.
  std::string hidden(const std::string& text) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::string> forms_;  ///< of the values, in lower case
};

Secrets secrets_of(const Script& script, const Placeholders& values);
/// Declared as secret in any file: secret in all.
Secrets secrets_of(const Folder& folder, const Placeholders& values);

}  // namespace sluice::script
