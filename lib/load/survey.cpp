#include "load/survey.hpp"

#include <algorithm>
#include <thread>

#include "async/offload.hpp"
#include "async/task_group.hpp"
#include "chunk/chunker.hpp"
#include "load/retry_policy.hpp"
#include "pg/encoding.hpp"
#include "source/fingerprint.hpp"

namespace sluice::load {
namespace {

RetryPolicy policy_of(const plan::LoadOptions& options) {
  return {options.retry_for, retry_backoff, options.use_ledger};
}

void note_missing_lock(Run& run) {
  // Made in two steps: inlined at link time as one, GCC 12 takes its literal for too short.
  std::string text = "the server has no room for a connection that keeps a second run of this load";
  text += " away: see that there is none";
  run.note(std::move(text));
}

}  // namespace

bool is_small(const source::Source& source, const plan::LoadOptions& options) {
  const std::optional<std::uint64_t> length = source.length();
  // Each segment has chunks of its own, and whoever has the load keeps its lock between them.
  return length && !plan::has_segments(source, options) &&
         *length <= chunk::bytes_of_chunk(0, options.chunk_bytes);
}

bool is_one_chunk(const source::Source& source, const plan::LoadOptions& options) {
  if (!source.comes_once()) return is_small(source, options);
  const std::optional<std::uint64_t> told = source.told_length();
  return told && *told <= std::min(chunk::bytes_of_chunk(0, options.chunk_bytes),
                                   limits::stream_kept_bytes);
}

asio::awaitable<std::unique_ptr<pg::Connection>> connection_for_lock(
    Run& run, const plan::LoadOptions& options) {
  const RetryPolicy policy = policy_of(options);
  std::unique_ptr<pg::Connection> connection = co_await run.on.pool.take_idle();
  if (!connection) connection = co_await open_first(run.on.pool.options(), policy, nullptr);
  if (!connection) note_missing_lock(run);
  co_return connection;
}

asio::awaitable<std::optional<source::Encoding>> encoding_to_read(
    pg::Pool& pool, const plan::LoadOptions& options) {
  const std::string& name = options.encoding;
  if (name.empty() || name == "auto") co_return std::nullopt;
  std::optional<source::Encoding> encoding = source::encoding_named(name);
  if (!encoding) co_return source::Encoding();  // PostgreSQL's alone
  if (encoding->is_utf8()) co_return std::nullopt;
  const auto known = pg::encoding_named(encoding->name);
  if (!known || pg::is_for_clients_alone(*known)) co_return encoding;
  std::unique_ptr<pg::Connection> connection = co_await pool.take_idle();
  if (!connection) connection = co_await open_first(pool.options(), policy_of(options), nullptr);
  const bool takes_any_bytes = connection && connection->takes_any_bytes();
  if (connection) pool.put(std::move(connection));
  if (takes_any_bytes) co_return source::Encoding();
  co_return encoding;
}

Survey::Survey(Run& run, const plan::LoadOptions& options, source::Source& source, Shared* shared,
               const asio::any_io_executor& executor)
    : run_(run), options_(options), source_(source), shared_(shared), changed_(executor) {}

asio::awaitable<plan::Findings> Survey::make() {
  async::TaskGroup tasks(co_await asio::this_coro::executor);
  tasks.spawn(read_source());
  tasks.spawn(or_stop_reading(describe_target()));
  if (!options_.check && !options_.dry_run && !run_.helps && !is_small(source_, options_))
    tasks.spawn(or_stop_reading(lock()));
  co_await tasks.join();
  // A source that was stopped looks like one that ended.
  run_.require_going_on();
  co_return std::move(found_);
}

/// A source that says nothing must not keep an error from being told.
asio::awaitable<void> Survey::or_stop_reading(asio::awaitable<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    source_.stop();
    throw;
  }
}

asio::awaitable<void> Survey::read_source() {
  const auto read = [this] { return plan::read_beginning(source_, options_); };
  found_.beginning = co_await async::offload(run_.on.reader, read);
  is_read_ = true;
  changed_.notify();
}

asio::awaitable<void> Survey::describe_target() {
  if (shared_ != nullptr && shared_->target) {
    found_.target = *shared_->target;
    is_connected_ = true;
    changed_.notify();
    co_return;
  }
  const RetryPolicy policy = policy_of(options_);
  const auto on_full = [this] {
    has_no_room_ = true;
    changed_.notify();
  };
  pg::Pool& pool = run_.on.pool;
  std::unique_ptr<pg::Connection> opened = co_await pool.take_idle();
  if (!opened) opened = co_await open_first(pool.options(), policy, on_full);
  pool.put(std::move(opened));
  is_connected_ = true;
  changed_.notify();
  pg::Lease connection = co_await pool.acquire();
  connection->refuse_standby();
  const ledger::Use use = options_.defer_indexes ? ledger::Use::load_deferring : ledger::Use::load;
  found_.target = co_await writer::describe(*connection, options_.table, options_.settings, use);
  if (shared_ != nullptr) {
    const tuple::Table& table = found_.target.table;
    if (shared_->table.value_or(table.id) != table.id)
      throw writer::NotAsPlanned(
          table.full_name() + " was replaced by another table while this command ran",
          "The same "
          "command says what becomes of the files that are in the former one.");
    shared_->table = table.id;
  }
  // Where the own schema is not made yet, the next one looks again.
  if (shared_ != nullptr && found_.target.ledger == ledger::State::complete)
    shared_->target = found_.target;
  if (options_.on_conflict != writer::OnConflict::error)
    found_.unique_keys = co_await writer::unique_keys(*connection, found_.target.table);
  if (options_.defer_indexes)
    found_.indexes = co_await writer::secondary_indexes(*connection, found_.target.table);
  if (options_.jobs > 0 || is_small(source_, options_)) co_return;
  // Nothing to do, so that it is the distance that is measured and not the catalogs.
  co_await connection->query("");
  found_.jobs =
      plan::default_jobs(std::thread::hardware_concurrency(), connection->fastest_answer());
}

asio::awaitable<void> Survey::lock() {
  std::unique_ptr<pg::Connection> connection = co_await connection_for_lock(run_, options_);
  if (!connection) co_return;
  while (!has_no_room_ && !(is_connected_ && is_read_)) co_await changed_.wait();
  if (has_no_room_) {  // this one may have taken the last place
    note_missing_lock(run_);
    co_return;
  }
  if (is_one_chunk(source_, options_)) {
    run_.on.pool.put(std::move(connection));
    co_return;
  }
  // Found once more, at the same time as by describe(): its answer need not be waited for.
  Sql find = writer::find_target(options_.table, options_.settings);
  ledger::RunLockNames names{
      .target = sql("pg_catalog.current_setting('pgsluice.target')"),
      .fingerprint = options_.use_ledger ? found_.beginning.digests.fingerprint : std::string(),
      .head = options_.use_ledger ? found_.beginning.digests.head : std::string(),
      .is_stream = !source_.length(),
      .file = options_.use_ledger ? std::string(source::file_of_stamp(source_.opening_stamp()))
                                  : std::string(),
      .empties_table = options_.truncate,
      .patience = plan::lock_patience(options_),
      .lease = options_.lease};
  lock_ = co_await ledger::RunLock::take(std::move(connection), std::move(find), std::move(names));
}

}  // namespace sluice::load
