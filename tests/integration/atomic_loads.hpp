#pragma once

#include <cstdint>
#include <string>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {

/// Loads into t that are all or nothing, in many chunks.
class AtomicLoads : public DatabaseTest {
 protected:
  void SetUp() override {
    options_.table = "t";
    options_.atomic = true;
    options_.chunk_bytes = 100;
    options_.jobs = 3;
  }

  Loaded load(const std::string& csv) {
    options_.path = folder_.write("in.csv", csv);
    return run_load(url(), options_);
  }

  static std::string numbers(int first, int last) {
    std::string csv = "id,v\n";
    for (int i = first; i <= last; ++i) csv += std::to_string(i) + ",value\n";
    return csv;
  }

  std::int64_t rows() { return db().number("select count(*) from t"); }
  std::int64_t staging_tables() {
    return db().number("select count(*) from pg_class where relname ~ '^stage_[0-9]+$'");
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

}  // namespace sluice::test
