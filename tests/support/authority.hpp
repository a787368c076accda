#pragma once

#include <string>

#include "support/files.hpp"

namespace sluice::test {

/// An authority of our own, with a certificate of it for 127.0.0.1 alone.
class Authority {
 public:
  Authority();

  std::string file() const { return folder_ / "ca.pem"; }
  std::string certificate() const { return folder_ / "s.pem"; }
  std::string key() const { return folder_ / "s.key"; }

 private:
  TemporaryFolder folder_;
};

}  // namespace sluice::test
