#include "app/progress_bar.hpp"

#include <gmock/gmock.h>

namespace sluice::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

load::Progress progress() {
  load::Progress p;
  p.stage = load::Progress::Stage::loading;
  p.bytes_total = 94'800'000'000;
  p.bytes_done = 75'500'000'000;
  p.rows_stored = 1'194'805'123;
  return p;
}

Rates rates() {
  return {.seconds = 1000,
          .rows = 1'330'000,
          .bytes = 84'300'000,
          .fraction = 0.8,
          .seconds_left = 3700};
}

TEST(ProgressBar, HasAllWhereThereIsRoom) {
  EXPECT_EQ(
      "  80% ###################-----   75.5 GB of 94.8 GB   1,194,805,123 rows   1.33M rows/s   "
      "84.3 MB/s   ETA 1:01:40",
      bar_line(progress(), rates(), 140));
}

/// The bar goes first; the rate and how long it takes never do.
TEST(ProgressBar, FitsAnyTerminalAndKeepsRateAndTime) {
  load::Progress busy = progress();
  busy.rows_rejected = 12;
  busy.retries = 3;
  for (const load::Progress& p : {progress(), busy}) {
    for (std::size_t columns = 34; columns < 160; ++columns) {
      const std::string line = bar_line(p, rates(), columns);
      EXPECT_LE(line.size(), columns);
      EXPECT_THAT(line, AllOf(HasSubstr("1.33M rows/s"), HasSubstr("ETA 1:01:40"))) << columns;
    }
  }
  EXPECT_LE(bar_line(progress(), rates(), 10).size(), 10U);
}

TEST(ProgressBar, DropsPartsByTheirImportance) {
  load::Progress busy = progress();
  busy.rows_rejected = 12;
  const std::string at_80 = bar_line(busy, rates(), 79);
  EXPECT_THAT(at_80, AllOf(HasSubstr("80%"), HasSubstr("12 rejected"), HasSubstr("84.3 MB/s"),
                           Not(HasSubstr("#")), Not(HasSubstr(" of "))));
  const std::string at_60 = bar_line(busy, rates(), 59);
  EXPECT_THAT(at_60, AllOf(HasSubstr("80%"), HasSubstr("12 rejected"), Not(HasSubstr("MB/s"))));
}

TEST(ProgressBar, OfAStreamHasNoShare) {
  load::Progress p = progress();
  p.bytes_total.reset();
  Rates r = rates();
  r.fraction.reset();
  r.seconds_left.reset();
  EXPECT_EQ("  75.5 GB   1,194,805,123 rows   1.33M rows/s   84.3 MB/s", bar_line(p, r, 80));
  p.stage = load::Progress::Stage::indexing;
  EXPECT_THAT(bar_line(p, r, 60), HasSubstr("building indexes"));
}

}  // namespace
}  // namespace sluice::app
