#pragma once

#include "app/schedule_run.hpp"

namespace sluice::app {

/// Next and last run of each job, late ones first. Its exit code is 1 where one is late.
int schedule_status(const ScheduleFlags& flags);

}  // namespace sluice::app
