#include "app/log_line.hpp"

#include <chrono>

#include "app/output.hpp"
#include "schedule/time_zone.hpp"

namespace sluice::app {

void print_log_line(OutputFormat format, const LogLine& line) {
  const std::string time = schedule::format_utc(
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  if (format == OutputFormat::json) {
    nlohmann::ordered_json json{{"time", time}, {"event", line.event}};
    if (line.details.is_object()) json.update(line.details);
    if (!line.message.empty()) json["message"] = line.message;
    print_log(text_of(json, -1) + "\n");
    return;
  }
  print_log(cell(time + " " + line.words + (line.message.empty() ? "" : ": " + line.message)) +
            "\n");
}

}  // namespace sluice::app
