#pragma once

#include "async/asio.hpp"
#include "pg/pool.hpp"

namespace sluice::load {

/// What a load runs on. All outlive it.
struct Resources {
  asio::thread_pool& cpu;     ///< pure work: encoding
  asio::thread_pool& reader;  ///< one thread that may wait for the source
  pg::Pool& pool;
};

}  // namespace sluice::load
