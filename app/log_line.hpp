#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::app {

/// A line of the log of what runs on: one for each event.
struct LogLine {
  std::string event;
  nlohmann::ordered_json details;  ///< in JSON, behind the time and the event
  std::string words;               ///< as text, behind the time
  std::string message = {};        ///< at the end of both
};

/// With the time of this machine's clock in front, on stderr, in the log_format().
void print_log_line(const LogLine& line);

}  // namespace sluice::app
