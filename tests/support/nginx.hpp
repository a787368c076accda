#pragma once

#include <string>
#include <vector>

#include "support/authority.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/reserved_port.hpp"

namespace sluice::test {

/// Debian's nginx as a private process on loopback, with TLS beside it. What each location does is
/// in nginx.cpp: /in/ has the files, and others have them in another way.
class Nginx {
 public:
  /// A request that was answered, as its log has it; "-" is nothing.
  struct Asked {
    std::string scheme;
    std::string path;
    std::string status;
    std::string range;
    std::string if_match;
    std::string accept_encoding;
    std::string authorization;
    std::string key;        ///< the header X-Key
    std::string packed_by;  ///< how many times shorter it was made on the way
    std::string number;     ///< of its connection's requests
  };

  /// With locations beside those, as its configuration has them.
  explicit Nginx(const std::string& locations = "");

  std::string url() const { return "http://" + host_and_port(); }
  std::string host_and_port() const { return "127.0.0.1:" + std::to_string(port_.number()); }
  std::string tls_url() const { return "https://127.0.0.1:" + std::to_string(tls_port_.number()); }
  const Authority& authority() const { return authority_; }

  /// A file, or what it is from now on. Its ETag is made of its time, which is the version here,
  /// and its length.
  void put(const std::string& name, const std::string& bytes, int version = 1) const;
  /// All requests so far, in the order of their ends.
  std::vector<Asked> asked();

 private:
  Authority authority_;
  ReservedPort port_;
  ReservedPort tls_port_;
  TemporaryFolder folder_;
  std::unique_ptr<Process> process_;
  int marks_ = 0;
};

}  // namespace sluice::test
