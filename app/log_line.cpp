#include "app/log_line.hpp"

#include "app/output.hpp"

namespace sluice::app {

void print_log_line(const LogLine& line) {
  nlohmann::ordered_json entry = log_entry(line.event);
  if (log_format() == LogFormat::json) {
    if (line.details.is_object()) entry.update(line.details);
    if (!line.message.empty()) entry["message"] = line.message;
    print_log_entry(entry);
    return;
  }
  const std::string time = entry["time"];
  print_log(cell(time + " " + line.words + (line.message.empty() ? "" : ": " + line.message)) +
            "\n");
}

}  // namespace sluice::app
