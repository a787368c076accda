#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include "async/asio.hpp"
