#pragma once

#include "plan/options.hpp"

namespace sluice::app {

/// What the server that feeds this process has said of the upload (jobs::handed_upload), for a load
/// of stdin; with the source that it makes of stdin, where that goes on at an offset. Throws
/// Failure(usage) for what no server says.
void take_handed_upload(plan::LoadOptions& options);

}  // namespace sluice::app
