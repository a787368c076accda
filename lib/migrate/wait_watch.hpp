#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "migrate/session.hpp"

namespace sluice::migrate {

/// Looks, as long as it lives, whether a process of the server waits for others, by a session that
/// nobody else uses meanwhile.
class WaitWatch {
 public:
  WaitWatch(Session& beside, int process);
  ~WaitWatch() { end(); }
  WaitWatch(const WaitWatch&) = delete;
  WaitWatch& operator=(const WaitWatch&) = delete;

  /// Ends it: whom it has seen in the way.
  std::vector<std::string> end();

 private:
  void look_on();
  void look();

  Session& beside_;
  int process_;
  std::mutex mutex_;
  std::condition_variable ends_;
  bool is_over_ = false;
  std::vector<std::string> seen_;
  std::thread thread_;
};

}  // namespace sluice::migrate
