#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace sluice::serve {

/// The two lines in front of the samples of a family.
std::string family_head(const char* name, const char* type, const char* help);

/// What a server has counted since its start, for GET /metrics.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
class Metrics {
 public:
  /// A load, or a check, that has ended: its exit code and its report. What only looked is neither.
  void note_load(int exit_code, const std::string& report, std::chrono::nanoseconds took);
  void note_answer(int status) { ++answers_[status]; }

  /// What is so at the moment.
  struct Now {
    std::size_t connections = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;
    std::size_t database_connections = 0;  ///< of this server's own, in use
  };
  std::string text(const Now& now) const;

  std::uint64_t bytes_received = 0;

 private:
  /// Upper bounds, in seconds.
  static constexpr std::array bounds{0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0};

  // Those that alerts are about are there before there is one: a rate needs two samples.
  std::map<int, std::uint64_t> answers_{{500, 0}, {503, 0}};  ///< by status
  std::map<int, std::uint64_t> loads_{{0, 0}, {1, 0}, {2, 0}, {3, 0},  {4, 0},
                                      {5, 0}, {6, 0}, {7, 0}, {143, 0}};  ///< by exit code
  std::map<std::string, std::uint64_t> limits_;  ///< loads, by what they waited for most
  std::uint64_t rows_stored_ = 0;
  std::uint64_t rows_updated_ = 0;
  std::uint64_t rows_rejected_ = 0;
  std::uint64_t retries_ = 0;
  std::array<std::uint64_t, bounds.size()> within_{};
  std::uint64_t loads_in_all_ = 0;
  double seconds_ = 0;
};

}  // namespace sluice::serve
