#include "load/last_record.hpp"

namespace sluice::load {

void note_last_record(const plan::Plan& plan, bool ends_within_line, LoadReport& report) {
  using Status = LoadReport::Status;
  const bool is_read = report.status == Status::stored || report.status == Status::checked;
  if (!is_read || plan.options.limit || report.records_read == 0) return;
  const std::string last = plan.source->tail(1);
  const bool is_packed = last.empty() && plan.source->packed();
  if (is_packed ? !ends_within_line : last.empty() || last == "\n" || last == "\r") return;
  report.notes.push_back("the last record of " + plan.source->name() +
                         " has no line end: if the file was cut off, or is still being written, "
                         "that record is not whole");
}

}  // namespace sluice::load
