#pragma once

#include <gtest/gtest.h>

#include "async/asio.hpp"
