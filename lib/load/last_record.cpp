#include "load/last_record.hpp"

#include <fmt/format.h>

#include "base/quantity.hpp"

namespace sluice::load {

void note_last_record(const plan::Plan& plan, bool ends_within_line, LoadReport& report) {
  using Status = LoadReport::Status;
  const bool is_read = report.status == Status::stored || report.status == Status::checked;
  if (!is_read || plan.options.limit || report.records_read == 0) return;
  // Where the data end before the source does, its last byte is of something else.
  const bool ends_before = plan.options.skip_footer > 0 || plan.options.dialect.has_end_marker();
  const std::string last = ends_before ? std::string() : plan.source->tail(1);
  const bool is_packed = last.empty() && plan.source->packed();
  if (is_packed || ends_before ? !ends_within_line : last.empty() || last == "\n" || last == "\r")
    return;
  report.notes.push_back("the last record of " + plan.source->name() +
                         " has no line end: if the file was cut off, or is still being written, "
                         "that record is not whole");
}

void note_long_record(const plan::Plan& plan, const chunk::LongRecord& record, LoadReport& report) {
  if (record.lines == 0 || plan.options.record_lines_max > 0) return;
  report.notes.push_back(fmt::format(
      "the record at line {} of {} has {} lines: where a stray quote has taken them in, "
      "--max-record-lines ends it",
      record.at_line, plan.source->name(), format_count(record.lines)));
}

}  // namespace sluice::load
