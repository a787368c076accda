#pragma once

#include <functional>
#include <string>

#include "app/cli.hpp"
#include "async/asio.hpp"
#include "async/event.hpp"
#include "load/load.hpp"

namespace sluice::app {

/// Tells on stderr how a load goes: a bar on a terminal, a line now and then elsewhere, JSON lines
/// for programs.
class ProgressPrinter {
 public:
  ProgressPrinter(ProgressMode mode, bool quiet, bool verbose);

  /// Prints until it is cancelled; `load` must outlive that.
  asio::awaitable<void> follow(const load::Load& load);

  /// The same of several loads side by side.
  asio::awaitable<void> follow_several(std::function<load::Progress()> progress);
  /// Leaves the cursor on an empty line; the last word is for programs.
  void finish_several(const load::Progress& progress);

  /// What is printed at the end has the plan.
  void leave_plan_out() { announced_ = true; }
  /// The load is entered into the ledger, where it may be one that goes on.
  void expect_entry() { is_entered_ = true; }

  /// Prints what is not printed yet (the first line, the notes) and leaves the cursor on an empty
  /// line.
  void finish(const load::Load& load);

 private:
  std::chrono::milliseconds period() const;
  void print(const load::Progress& progress);
  void announce(const load::Load& load, bool has_ended);
  void print_notes(const load::Load& load);
  void note_load(const load::Load& load);
  void print_bar(const load::Progress& progress);
  void print_plain(const load::Progress& progress);
  void print_json(const load::Progress& progress);
  void erase_bar();

  ProgressMode mode_;
  bool quiet_;
  bool verbose_;
  bool announced_ = false;
  bool is_entered_ = false;
  bool bar_shown_ = false;
  std::optional<LoadId> load_;
  std::size_t notes_printed_ = 0;
  async::Clock::time_point began_;
};

}  // namespace sluice::app
