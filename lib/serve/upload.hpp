#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/event.hpp"
#include "process/fed.hpp"
#include "serve/message.hpp"
#include "serve/table_name.hpp"

namespace sluice::serve {

/// A load or a check that is fed by who uploads: a command, and what is known of it. It goes on
/// when who uploads has gone, once it has all. One thread.
class Upload {
 public:
  struct Owner {
    std::string name;  ///< of the token
    TableName table;
    std::string key = {};  ///< of an upload that has a name; empty: it has none
  };

  Upload(const asio::any_io_executor& executor, std::unique_ptr<process::Fed> command, Owner owner)
      : owner_(std::move(owner)), command_(std::move(command)), changed_(executor) {}

  /// To the process's end.
  asio::awaitable<void> run();

  /// False: it takes no more, as it has ended or is about to.
  asio::awaitable<bool> feed(asio::const_buffer bytes);
  /// That was all.
  void seal();
  /// That was a part of it: what has come is stored as far as that can be, and it ends. Nothing
  /// happens where all of it has come.
  void cut();
  bool was_cut() const { return was_cut_; }
  /// What is stored stays, and the same content goes on from there. `why` is said to who uploads,
  /// if it is somebody's wish.
  void stop(const std::string& why = "");

  /// Its bytes are not what was meant, whatever it makes of them.
  void refuse() { is_refused_ = true; }
  bool is_refused() const { return is_refused_; }

  /// Behind run(), and whatever is done with what has become of it.
  void end();
  bool has_ended() const { return has_ended_; }
  asio::awaitable<void> wait_for_end();
  asio::awaitable<void> wait_for_end(async::Deadline deadline);
  /// Until there is more progress than of that number, it has ended, or the time has come.
  asio::awaitable<void> wait_for_news(std::uint64_t seen, async::Deadline deadline);
  /// Until it has a number in the ledger, or has ended without one.
  asio::awaitable<void> wait_for_id();

  /// Its number in the ledger, once it has one.
  std::optional<std::int64_t> load_id() const { return load_id_; }
  /// The newest line of its progress, in JSON; and how many there were.
  const std::string& progress() const { return progress_; }
  std::uint64_t news() const { return news_; }
  const Owner& owner() const { return owner_; }

  // REQUIRES: run() is over.
  int exit_code() const { return *exit_code_; }
  Answer answer() const;
  /// The load whose rows wait in a stage, none of which is in the table (--atomic), by its number.
  std::optional<std::int64_t> staged_load() const;
  /// What it said to people, or its error: for the log. Empty where it ended well.
  std::string problem() const;
  /// The report as JSON, as far as there is one.
  const std::string& report() const { return report_; }

 private:
  void hear(const std::string& line);

  Owner owner_;
  std::unique_ptr<process::Fed> command_;
  async::Event changed_;
  std::optional<std::int64_t> load_id_;
  std::string progress_;
  std::uint64_t news_ = 0;
  std::string said_;
  std::string stopped_by_;
  std::string report_;
  std::optional<int> exit_code_;
  bool is_refused_ = false;
  bool is_sealed_ = false;
  bool was_cut_ = false;
  bool has_ended_ = false;
};

}  // namespace sluice::serve
