#pragma once

#include "bench/data_sets.hpp"
#include "tuple/encoder.hpp"

namespace sluice::bench {

/// How a load would encode a data set, in a session whose time zone is UTC.
tuple::EncoderPlan plan_of(const DataSet& set);

}  // namespace sluice::bench
