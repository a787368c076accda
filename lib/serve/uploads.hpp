#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "async/task_group.hpp"
#include "process/call.hpp"
#include "process/workers.hpp"
#include "serve/exchange.hpp"
#include "serve/metrics.hpp"
#include "serve/named_upload.hpp"
#include "serve/turns.hpp"
#include "serve/upload.hpp"

namespace sluice::serve {

/// The uploads that run, and those that wait for their turn: in the order in which they came, with
/// the first bytes of theirs read. One thread.
class Uploads {
 public:
  /// `log` hears of those that did not end well.
  using Log = std::function<void(const Upload&, const std::string& problem)>;

  /// Gives up a load whose rows wait in a stage. Throws nothing.
  using Forget = std::function<asio::awaitable<void>(std::int64_t load)>;

  Uploads(const asio::any_io_executor& executor, UploadLimits limits, Metrics& metrics, Log log,
          Forget forget)
      : metrics_(metrics),
        log_(std::move(log)),
        forget_(std::move(forget)),
        workers_(executor),
        turns_(executor, limits),
        running_group_(executor) {}

  /// What an upload is, beside its bytes.
  struct Wanted {
    process::Call call;
    Upload::Owner owner;
    std::string content_digest;  ///< as they came; empty: none
    std::string repr_digest;
    bool answers_at_once = false;       ///< when all has come, and not when it is committed
    std::shared_ptr<NamedUpload> name;  ///< nullptr: it has none
  };

  /// Feeds a process of what is asked for, and answers when it has ended. Throws Cut, and Refused
  /// where there is no room or the bytes are not those of the digest: then it is stopped.
  asio::awaitable<void> take(Exchange& exchange, Wanted wanted);

  /// The one of this number in the ledger; nullptr: none runs here.
  std::shared_ptr<Upload> find(std::int64_t load_id) const;
  /// The one of this name.
  std::shared_ptr<Upload> find_named(const std::string& key) const;

  /// How a load of this number ended here that did not end well, as JSON; nullptr: not known.
  const std::string* end_of(std::int64_t load_id) const;

  /// One runs whose number is not known yet.
  bool expects_id() const;

  /// Gives up a load whose rows wait in a stage.
  asio::awaitable<void> forget(std::int64_t load) { return forget_(load); }

  /// Whether there are several tokens, of which none may have all turns.
  void share(bool is_shared) { turns_.share(is_shared); }

  /// No more come; those that wait for their turn are sent away.
  void end() { turns_.end(); }
  /// Stops those that run.
  void stop();
  /// Until none runs, and no process is left.
  asio::awaitable<void> join();

  std::size_t running() const { return running_.size(); }
  std::size_t waiting() const { return turns_.waiting(); }

 private:
  void require_alone(const NamedUpload& name) const;
  asio::awaitable<void> give_back(NamedUpload& name);
  std::shared_ptr<Upload> start(const asio::any_io_executor& executor, const Wanted& wanted,
                                Turns::Turn turn);
  asio::awaitable<void> note_end(const Upload& upload, NamedUpload& name);
  asio::awaitable<void> answer_for(Exchange& exchange, Upload& upload, bool is_wrong, bool at_once);
  asio::awaitable<void> answer_to_part(Exchange& exchange, Upload& upload, NamedUpload& name);
  asio::awaitable<void> run(std::shared_ptr<Upload> upload, std::shared_ptr<NamedUpload> name,
                            Turns::Turn turn);

  Metrics& metrics_;
  Log log_;
  Forget forget_;
  process::Workers workers_;
  Turns turns_;
  void note_failure(const Upload& upload);

  std::list<std::shared_ptr<Upload>> running_;
  /// Those that did not end well, for who was answered before.
  std::deque<std::pair<std::int64_t, std::string>> ends_;
  async::TaskGroup running_group_;
};

}  // namespace sluice::serve
