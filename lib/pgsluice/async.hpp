#pragma once

/// The pieces of docs/async.md, in the namespace sluice::async: coroutines on Boost.Asio (1.81 or
/// newer). All of them belong to one thread, that of the io_context.
#include "async/asio.hpp"
#include "async/channel.hpp"
#include "async/deadline.hpp"
#include "async/event.hpp"
#include "async/free_list.hpp"
#include "async/gather.hpp"
#include "async/offload.hpp"
#include "async/rate_limiter.hpp"
#include "async/retry.hpp"
#include "async/run_beside.hpp"
#include "async/semaphore.hpp"
#include "async/task_group.hpp"
#include "async/time.hpp"
#include "async/work_queue.hpp"
#include "base/chunks_of.hpp"
