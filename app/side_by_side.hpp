#pragma once

#include <set>

#include "app/file_queue.hpp"
#include "app/progress_printer.hpp"
#include "load/load.hpp"
#include "load/together.hpp"

namespace sluice::app {

/// Loads of small files that go side by side, some of them together in one transaction.
class SideBySide {
 public:
  /// All outlive it.
  SideBySide(Runtime& runtime, const LoadFlags& flags, const MoreFiles& more,
             const CommandFiles& files, FileOptions& file_options, FileEndings& endings,
             FileQueue& queue);

  /// Loads the next ones in front of `end`, with one bar for all.
  void load_until(std::size_t end);

  /// What the ledger knows of the objects that listings have named, before any of them is loaded.
  void find_known_objects();

  /// What the ledger knows of the members of an archive, before the first of them is loaded.
  void find_known_members();

 private:
  using Turn = FileQueue::Turn;

  void run(asio::awaitable<void> command);
  asio::awaitable<void> work_off(std::size_t end, ProgressPrinter& printer);
  asio::awaitable<void> all_of(std::size_t end);
  asio::awaitable<void> load_fetched(std::size_t end);
  asio::awaitable<void> load_group(std::size_t end);
  asio::awaitable<void> fetch(std::size_t begin, std::size_t end);
  asio::awaitable<void> load_later();
  asio::awaitable<void> worker(std::size_t end);
  std::size_t together_max(std::size_t end) const;
  asio::awaitable<void> load_together(const std::vector<std::size_t>& files);
  asio::awaitable<void> load_in(load::Together& together, std::size_t file,
                                std::vector<std::size_t>& alone);
  asio::awaitable<void> load_beside(std::size_t file, Turn turn,
                                    load::Together::Seat* seat = nullptr);
  load::Progress progress() const;
  void stop();
  void cancel();

  Runtime& runtime_;
  const LoadFlags& flags_;
  const MoreFiles& more_;
  const CommandFiles& files_;
  FileOptions& file_options_;
  FileEndings& endings_;
  FileQueue& queue_;
  load::Shared shared_;
  /// Over one connection what is behind a file that fails is not begun; with --join others have
  /// begun it.
  bool is_one_by_one_ = false;
  asio::thread_pool fetcher_{1};  ///< waits for servers, while the reader is busy with what came
  std::size_t members_asked_for_ = 0;  ///< behind them
  std::set<load::Load*> under_way_;
  load::Progress progress_;  ///< of what has ended
};

}  // namespace sluice::app
