#pragma once

#include <string>

#include "support/database.hpp"

namespace sluice::test {

/// Whoever stores certain rows of a table waits in front of them until the test lets them by: so
/// what happens meanwhile happens in the middle of a load, however slow the machine is.
class Gate {
 public:
  /// In front of the rows of `table` for which `rows` is true ("id >= 100"). It is closed until
  /// open(), or until its session ends: a crash of the server opens it too.
  Gate(const std::string& url, const std::string& table, const std::string& rows);

  /// Waits until so many sessions wait in front of it; false after some minutes.
  bool is_reached(int count = 1);
  void open();
  /// Opens it once this statement waits for those in front of it: it comes behind these, and before
  /// all others. Throws what the statement throws.
  void open_behind(const std::string& sql);

 private:
  int number_;
  std::string url_;
  Session holder_;
};

}  // namespace sluice::test
