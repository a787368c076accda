#pragma once

#include "async/task_group.hpp"

namespace sluice::async {

/// Runs a task, with what was spawned into `beside` going on as long as it does: whatever becomes
/// of the task, they are cancelled and waited for when it ends. Throws what the task throws, else
/// what one of them failed with.
asio::awaitable<void> run_beside(asio::awaitable<void> task, TaskGroup& beside);

}  // namespace sluice::async
