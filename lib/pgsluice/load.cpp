#include "pgsluice/load.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "async/run_beside.hpp"
#include "async/time.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/path_text.hpp"
#include "ledger/run_lock.hpp"
#include "load/load.hpp"
#include "pg/encoding.hpp"
#include "pgsluice/called_source.hpp"
#include "plan/data_encoding.hpp"

namespace pgsluice {
inline namespace v1 {
namespace {

namespace asio = boost::asio;

sluice::plan::HeaderMode header_of(const LoadOptions::Header mode) {
  switch (mode) {
    case LoadOptions::Header::match: return sluice::plan::HeaderMode::match;
    case LoadOptions::Header::skip: return sluice::plan::HeaderMode::skip;
    case LoadOptions::Header::none: break;
  }
  return sluice::plan::HeaderMode::none;
}

sluice::writer::OnConflict on_conflict_of(const LoadOptions::OnConflict what) {
  switch (what) {
    case LoadOptions::OnConflict::error: return sluice::writer::OnConflict::error;
    case LoadOptions::OnConflict::nothing: return sluice::writer::OnConflict::nothing;
    case LoadOptions::OnConflict::update: break;
  }
  return sluice::writer::OnConflict::update;
}

Error::Kind kind_of(const sluice::FailureKind kind) {
  using sluice::FailureKind;
  switch (kind) {
    case FailureKind::failed: return Error::Kind::failed;
    case FailureKind::usage: return Error::Kind::usage;
    case FailureKind::denied: return Error::Kind::denied;
    case FailureKind::connect: return Error::Kind::connect;
    case FailureKind::bad_record: return Error::Kind::bad_record;
    case FailureKind::budget: return Error::Kind::budget;
    case FailureKind::held: return Error::Kind::held;
    case FailureKind::changed: return Error::Kind::changed;
    case FailureKind::interrupted: break;
  }
  return Error::Kind::interrupted;
}

Progress::Stage stage_of(const sluice::load::Progress::Stage stage) {
  using From = sluice::load::Progress::Stage;
  switch (stage) {
    case From::preparing: return Progress::Stage::preparing;
    case From::verifying: return Progress::Stage::verifying;
    case From::loading: return Progress::Stage::loading;
    case From::indexing: return Progress::Stage::indexing;
    case From::publishing: return Progress::Stage::publishing;
    case From::finishing: break;
  }
  return Progress::Stage::finishing;
}

Progress progress_of(const sluice::load::Progress& from) {
  return {.stage = stage_of(from.stage),
          .bytes_done = from.bytes_done,
          .bytes_total = from.bytes_total,
          .rows_stored = from.rows_stored,
          .rows_rejected = from.rows_rejected};
}

Report report_of(const sluice::load::LoadReport& from) {
  Report report;
  report.nothing_to_do = from.status == sluice::load::LoadReport::Status::nothing_to_do;
  report.resumed = from.resumed;
  if (from.load) report.load = from.load->value;
  report.records_read = from.records_read;
  report.rows_stored = from.total.rows_stored;
  report.rows_updated = from.total.rows_updated;
  report.rows_unchanged = from.total.rows_unchanged;
  report.rows_skipped = from.total.rows_skipped;
  report.rows_rejected = from.rows_rejected;
  report.bytes = from.bytes;
  report.seconds = from.seconds;
  report.rejects_path = from.rejects_path;
  report.notes = from.notes;
  return report;
}

sluice::plan::LoadOptions options_of(const LoadOptions& from) {
  using sluice::Failure;
  using sluice::FailureKind;
  sluice::plan::LoadOptions o;
  o.table = from.table;
  if (o.table.empty()) throw Failure(FailureKind::usage, "a load has no table");
  o.header = header_of(from.header);
  o.header_given = true;
  o.columns = from.columns;
  o.wishes.delimiter = from.delimiter;
  o.wishes.quote = from.quote;
  o.wishes.null_text = from.null_text;
  o.dialect = sluice::csv::dialect_of(o.wishes, o.format);
  if (const auto defect = sluice::csv::defect_of(o.dialect))
    throw Failure(FailureKind::usage, *defect);
  sluice::plan::require_encoding(from.encoding);
  o.encoding = from.encoding;
  o.on_conflict = on_conflict_of(from.on_conflict);
  o.key = from.key;
  o.atomic = from.atomic;
  o.truncate = from.truncate;
  o.rejects.rejects_max = from.rejects_max;
  o.rejects_path = from.rejects_path;
  if (from.connections > sluice::limits::jobs_max)
    throw Failure(FailureKind::usage, "a load has " + std::to_string(sluice::limits::jobs_max) +
                                          " connections at most");
  if (from.connection.contains('\0'))
    throw Failure(FailureKind::usage, "the connection has a byte 0");
  o.jobs = from.connections;
  if (from.bytes_per_second_max > 0) o.bytes_per_second_max = from.bytes_per_second_max;
  o.again = from.again;
  o.use_ledger = from.use_ledger;
  o.defer_indexes = from.defer_indexes;
  return o;
}

sluice::pg::ConnectOptions connection_of(const LoadOptions& from) {
  sluice::pg::ConnectOptions connect;
  connect.dbname = from.connection;
  sluice::plan::say_encoding(from.encoding, connect);
  return connect;
}

}  // namespace

std::string_view version() { return PGSLUICE_VERSION; }

Error::Error(const Kind kind, std::string sql_state, Report report, const std::string& what)
    : std::runtime_error(what),
      kind_(kind),
      sql_state_(std::move(sql_state)),
      report_(std::move(report)) {}

class Load::Impl {
 public:
  Impl(LoadOptions options, std::string path, std::shared_ptr<sluice::source::Source> source)
      : options_(std::move(options)), path_(std::move(path)), source_(std::move(source)) {}

  Report run();
  void stop() {
    asio::post(io_, [this] { end(false); });
  }
  void cancel() {
    asio::post(io_, [this] { end(true); });
  }

  std::function<void(const Progress&)> tell;
  std::chrono::milliseconds every{};

 private:
  asio::awaitable<void> run_and_follow(sluice::load::Load& load);
  asio::awaitable<void> follow(sluice::load::Load& load);
  void run_on_this_thread(sluice::load::Load& load);
  void end(bool at_once);

  LoadOptions options_;
  std::string path_;
  std::shared_ptr<sluice::source::Source> source_;
  asio::io_context io_{1};
  asio::cancellation_signal given_up_;
  sluice::load::Load* running_ = nullptr;  ///< on io_'s thread, which is run()'s
  bool has_run_ = false;
};

/// Nothing is under way: run() has returned, or was never called.
void Load::Impl::end(const bool at_once) {
  if (running_ == nullptr) return;
  if (!at_once) return running_->stop();
  running_->cancel();
  given_up_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<void> Load::Impl::follow(sluice::load::Load& load) {
  for (;;) {
    co_await sluice::async::sleep_for(every);
    tell(progress_of(load.progress()));
  }
}

asio::awaitable<void> Load::Impl::run_and_follow(sluice::load::Load& load) {
  sluice::async::TaskGroup beside(co_await asio::this_coro::executor);
  if (tell) beside.spawn(follow(load));
  asio::awaitable<void> run = load.run();
  co_await sluice::async::run_beside(std::move(run), beside);
}

void Load::Impl::run_on_this_thread(sluice::load::Load& load) {
  std::exception_ptr failed;
  const auto on_end = [this, &failed](const std::exception_ptr& error) {
    failed = error;
    running_ = nullptr;
  };
  running_ = &load;
  asio::co_spawn(io_, run_and_follow(load), asio::bind_cancellation_slot(given_up_.slot(), on_end));
  io_.run();
  if (tell) tell(progress_of(load.progress()));
  if (failed) std::rethrow_exception(failed);
}

Report Load::Impl::run() {
  if (std::exchange(has_run_, true))
    throw Error(Error::Kind::usage, {}, {}, path_ + ": a Load runs once; make another one");
  sluice::load::LoadReport so_far;
  const auto error = [&so_far](Error::Kind kind, std::string state, const std::string& what) {
    return Error(kind, std::move(state), report_of(so_far), what);
  };
  try {
    sluice::plan::LoadOptions options = options_of(options_);
    options.path = path_;
    options.opened = source_;
    asio::thread_pool cpu(std::max(1U, std::thread::hardware_concurrency()));
    asio::thread_pool reader(1);
    sluice::pg::Pool pool(io_.get_executor(), connection_of(options_), {.connections_max = 1});
    sluice::load::Load load({cpu, reader, pool}, std::move(options));
    std::exception_ptr failed;
    try {
      run_on_this_thread(load);
    } catch (...) {
      failed = std::current_exception();
    }
    cpu.join();
    reader.join();
    so_far = load.report();
    if (failed) std::rethrow_exception(failed);
    return report_of(so_far);
  } catch (const sluice::load::BadRecord& bad) {
    throw error(kind_of(bad.kind()), bad.reject().sql_state, bad.what());
  } catch (const sluice::ledger::LoadIsHeld& held) {
    throw error(Error::Kind::held, {}, held.what());
  } catch (const sluice::Failure& failure) {
    throw error(kind_of(failure.kind()), {}, failure.what());
  } catch (const sluice::pg::PgError& refused) {
    const bool is_far = refused.phase == sluice::pg::Phase::connect;
    throw error(is_far ? Error::Kind::connect : Error::Kind::failed,
                std::string(refused.state.code()), refused.full());
  } catch (const boost::system::system_error& ended) {
    if (ended.code() != asio::error::operation_aborted) throw;
    throw error(Error::Kind::interrupted, {}, path_ + ": interrupted");
  }
}

Load::Load(LoadOptions options, std::string path)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(path), nullptr)) {}

Load::Load(LoadOptions options, Stream stream) {
  if (!stream.read) throw Error(Error::Kind::usage, {}, {}, "a Stream has no read");
  if (stream.name.contains('\0'))
    throw Error(Error::Kind::usage, {}, {}, "the name of a Stream has a byte 0");
  std::string name = stream.name.empty() ? "stream" : sluice::text_of_path(stream.name);
  stream.name = name;
  auto source = std::make_shared<inner::CalledSource>(std::move(stream));
  impl_ = std::make_unique<Impl>(std::move(options), std::move(name), std::move(source));
}

Load::~Load() = default;
Load::Load(Load&& other) noexcept = default;
Load& Load::operator=(Load&& other) noexcept = default;

void Load::on_progress(std::function<void(const Progress&)> tell,
                       const std::chrono::milliseconds every) {
  Impl& impl = required();
  impl.tell = std::move(tell);
  impl.every = std::max(every, std::chrono::milliseconds(1));
}

Report Load::run() { return required().run(); }

void Load::stop() { required().stop(); }

void Load::cancel() { required().cancel(); }

Load::Impl& Load::required() const {
  if (!impl_) throw Error(Error::Kind::usage, {}, {}, "this Load was moved from");
  return *impl_;
}

}  // namespace v1
}  // namespace pgsluice
