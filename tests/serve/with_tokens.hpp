#pragma once

#include <string>

#include "serve/server.hpp"
#include "support/server.hpp"

namespace sluice::test {

class ServeWithTokens : public Serve {
 protected:
  /// A file of tokens: their names are what they are too, with "-token" behind.
  std::string tokens(const std::string& lines) {
    folder_.write("tokens", lines);
    return folder_ / "tokens";
  }
  static std::string line(const std::string& name, const std::string& rest) {
    return name + " " + output_of("printf %s " + name + "-token | sha256sum").substr(0, 64) + " " +
           rest + "\n";
  }
  static HttpHeaders as(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

  TemporaryFolder folder_;
};

}  // namespace sluice::test
