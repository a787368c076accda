#pragma once

#include "support/process.hpp"

namespace sluice::test {

/// A port on loopback for a server that must be told one. Nobody else is given it meanwhile: it is
/// bound here, and not listened on.
class ReservedPort {
 public:
  ReservedPort();
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  int number() const { return number_; }
  /// Waits until the server takes connections; throws where it has ended, or some minutes have
  /// passed.
  void wait_for(Process& server) const;

 private:
  int fd_ = -1;
  int number_ = 0;
};

}  // namespace sluice::test
