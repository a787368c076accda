#pragma once

#include <functional>

namespace sluice {

/// Runs `work`, which throws nothing, in a thread that nobody waits for: it may be in a library's
/// call that nothing ends.
void run_left_alone(std::function<void()> work);

/// Some of them are still at work: whoever ends the process must not take away what they use, as
/// exit() does. ::_exit() takes nothing.
bool are_threads_left();

}  // namespace sluice
