#pragma once

#include <memory>
#include <string>

#include "support/process.hpp"
#include "support/reserved_port.hpp"

namespace sluice::test {

/// PgBouncer in front of a server, for one database. Stopped at the end of its life.
class Pooler {
 public:
  /// `mode` as in its configuration: session, transaction. `more` are further lines of it.
  Pooler(const std::string& database_url, const std::string& mode, const std::string& more = "");

  /// The database's URL, by way of the pooler.
  const std::string& url() const { return url_; }

 private:
  TemporaryFolder folder_;
  ReservedPort port_;
  std::string url_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
