#include "load/jobs_tuner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace sluice::load {
namespace {

using namespace std::chrono_literals;
using Clock = JobsTuner::Clock;

/// A server, and the way to it: a connection's chunk takes the server some time of one core, and
/// the way to it some time in which that connection does nothing.
struct Model {
  std::size_t cores = 2;
  double work = 0.05;      ///< seconds of a core for a chunk
  double distance = 0.0;   ///< seconds of a chunk's round trips
  double client = 1e9;     ///< chunks a second that the client can make
  double quarrel = 0.003;  ///< of the rate, lost by each connection beyond twice the cores

  double rate(std::size_t jobs) const {
    const auto n = static_cast<double>(jobs);
    const auto c = static_cast<double>(cores);
    const double flow = std::min({n / (work + distance), c / work, client});
    return flow * std::max(0.2, 1 - quarrel * std::max(0.0, n - 2 * c));
  }
  double best(std::size_t most) const {
    double best = 0;
    for (std::size_t jobs = 1; jobs <= most; ++jobs) best = std::max(best, rate(jobs));
    return best;
  }
};

/// A load as the model has it, watched each tenth of a second of its own clock.
class Simulation {
 public:
  Simulation(Model model, std::size_t first, std::size_t most, double noise, unsigned seed)
      : model(model), tuner_(first, most), noise_(noise), random_(seed) {}

  void run_for(std::chrono::milliseconds time) {
    for (const auto end = now_ + time; now_ < end; now_ += 100ms) {
      std::normal_distribution<double> odd(1, noise_);
      chunks_ += model.rate(tuner_.jobs()) * 0.1 * std::max(0.1, odd(random_));
      const auto whole = static_cast<std::uint64_t>(chunks_);
      tuner_.look(now_, whole * 4'000'000, whole);
    }
  }
  double share_of_best(std::size_t most) const {
    return model.rate(tuner_.jobs()) / model.best(most);
  }
  std::size_t jobs() const { return tuner_.jobs(); }
  double chunks() const { return chunks_; }

  Model model;

 private:
  JobsTuner tuner_;
  double noise_;
  std::mt19937 random_;
  Clock::time_point now_;
  double chunks_ = 0;
};

constexpr std::size_t most = 64;

/// Servers with 2 to 64 cores, near and 20 ms away, from where a client of 2 or of 8 cores begins.
template <class Check>
void on_all_servers(double noise, const Check& check) {
  for (const std::size_t cores : {2U, 4U, 8U, 16U, 32U, 64U})
    for (const double distance : {0.0, 0.05})
      for (const double client : {60.0, 1e9})
        for (const std::size_t first : {2U, 8U})
          for (unsigned seed = 0; seed < 5; ++seed) {
            Simulation load({.cores = cores, .distance = distance, .client = client}, first, most,
                            noise, seed);
            SCOPED_TRACE(testing::Message() << cores << " cores, " << distance << " s, client "
                                            << client << ", first " << first << ", seed " << seed);
            check(load);
          }
}

TEST(JobsTuner, FindsWhatIsBestWithin15Seconds) {
  on_all_servers(0.0, [](Simulation& load) {
    load.run_for(15s);
    load.run_for(2s);  // of what may be a try
    EXPECT_LE(0.95, load.share_of_best(most)) << load.jobs();
  });
}

TEST(JobsTuner, LosesLittleOfTheBestFixedNumber) {
  on_all_servers(0.1, [](Simulation& load) {
    load.run_for(15s);
    const double found_at = load.chunks();
    load.run_for(10min);
    EXPECT_LE(0.93, (load.chunks() - found_at) / (600 * load.model.best(most))) << load.jobs();
  });
}

TEST(JobsTuner, TakesNoMoreThanHelp) {
  Simulation load({.cores = 2}, 8, most, 0, 1);
  load.run_for(30s);
  EXPECT_GE(4U, load.jobs());
  Simulation slow({.cores = 64, .client = 30}, 16, most, 0, 1);
  slow.run_for(30s);
  EXPECT_GE(4U, slow.jobs());
}

TEST(JobsTuner, NeverTakesMoreThanItMay) {
  for (const std::size_t limit : {1U, 2U, 3U, 7U}) {
    Simulation load({.cores = 64}, 1, limit, 0.05, 1);
    for (int i = 0; i < 600; ++i) {
      load.run_for(100ms);
      ASSERT_GE(limit, load.jobs());
      ASSERT_LE(1U, load.jobs());
    }
    EXPECT_EQ(limit, load.jobs());
  }
}

/// Half of the server's cores are somebody else's for some time.
TEST(JobsTuner, NoticesThatTheServerHasBecomeAnother) {
  Simulation load({.cores = 32}, 2, most, 0.02, 1);
  load.run_for(18s);
  EXPECT_LE(30U, load.jobs());
  load.model.cores = 8;
  load.run_for(40s);
  EXPECT_LE(0.9, load.share_of_best(most));
  EXPECT_GE(30U, load.jobs());
  load.model.cores = 32;
  load.run_for(40s);
  EXPECT_LE(0.9, load.share_of_best(most));
}

/// A load that ends soon is not tried with.
TEST(JobsTuner, ChangesNothingAtOnce) {
  Simulation load({.cores = 64}, 4, most, 0, 1);
  load.run_for(900ms);
  EXPECT_EQ(4U, load.jobs());
}

}  // namespace
}  // namespace sluice::load
