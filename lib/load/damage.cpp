#include "load/damage.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "base/limits.hpp"
#include "source/unreadable.hpp"

namespace sluice::load {
namespace {

using source::Unreadable;
using namespace std::chrono_literals;

/// How long all of what is packed is read once more.
constexpr std::chrono::milliseconds search_max = 10s;

/// What is wrong with it, as far as that shows in time.
asio::awaitable<std::optional<Unreadable>> find_damage(const Run& run, const PackedFile& file) {
  const auto deadline = async::Deadline::after(search_max);
  std::unique_ptr<source::Source> source;
  std::string buffer(limits::MiB, '\0');
  const auto read = [&] {
    if (!source) source = source::open(file.path, file.unpack, source::Encoding());
    return source->read(buffer.data(), buffer.size()) == buffer.size();
  };
  try {
    while (co_await async::offload(run.on.reader, read))
      if (run.is_stopped || deadline.passed()) break;
  } catch (const Unreadable& unreadable) {
    if (unreadable.why() != Unreadable::Why::limited) co_return unreadable;
  } catch (const Failure&) {
    // It is not what it was: the first failure is the one to tell.
  }
  co_return std::nullopt;
}

std::string same_command(const LoadReport& report) {
  return report.plan.is_again ? "the same command without --again" : "the same command";
}

std::string advice_on_cut_off(const LoadReport& r) {
  if (r.total.rows() == 0)
    return "Nothing of it is stored; once the file is complete " + same_command(r) + " loads it.";
  return fmt::format(
      "No record behind its last whole chunk is {}; once the file is complete {} "
      "goes on.",
      r.is_staged ? "kept" : "stored", same_command(r));
}

std::string advice_on_damage(const LoadReport& r) {
  if (r.total.rows() == 0)
    return "Nothing of it is stored; with a good copy of the file " + same_command(r) +
           " loads it.";
  return fmt::format(
      "Rows of it that are {} may be wrong too{}. With a good copy of the file {} "
      "compares them: it goes on where that has the same, and is refused where not.",
      r.is_staged ? "kept" : "stored", r.is_staged ? ", and are not in the table" : "",
      same_command(r));
}

std::string advice_on(const Unreadable& source, const Run& run, bool keeps_rows) {
  const LoadReport& r = run.report;
  if (source.why() == Unreadable::Why::limited || !keeps_rows) return {};
  const bool is_cut = source.why() == Unreadable::Why::cut_off;
  if (r.load) return is_cut ? advice_on_cut_off(r) : advice_on_damage(r);
  // Whatever an earlier load has stored.
  if (r.now.rows() == 0) return "This run has stored nothing of it.";
  return "Without a ledger nobody knows which records of it are stored" +
         std::string(is_cut ? "" : ", nor whether these are right") +
         ": take them out of the table before the whole file is loaded.";
}

}  // namespace

PackedFile::PackedFile(const plan::LoadOptions& options)
    : path(options.path), unpack(options.unpack), keeps_rows(!options.check && !options.dry_run) {
  unpack.shelf = nullptr;
}

asio::awaitable<std::exception_ptr> tell_of_source(Run& run, const source::Source* source,
                                                   PackedFile file, std::exception_ptr failed) {
  std::optional<Unreadable> unreadable;
  std::optional<BadRecord> record;
  try {
    std::rethrow_exception(failed);
  } catch (const Unreadable& thrown) {
    unreadable = thrown;
  } catch (const BadRecord& thrown) {
    record = thrown;
  } catch (const std::exception&) {
    co_return failed;
  }
  if (record) {
    if (source == nullptr || !source->packed() || source->comes_once()) co_return failed;
    unreadable = co_await find_damage(run, file);
    if (!unreadable) co_return failed;
  }
  run.report.goes_on_with = unreadable->goes_on_with();
  if (!record) run.report.unreadable = unreadable->why();
  const std::string advice = advice_on(*unreadable, run, file.keeps_rows);
  if (record) {
    const std::string message = std::string(record->what()) +
                                "\n  That may be why: " + unreadable->problem() +
                                (advice.empty() ? "" : "\n  " + advice);
    co_return std::make_exception_ptr(
        BadRecord(record->kind(), record->source(), record->reject(), message));
  }
  if (advice.empty()) co_return failed;
  co_return std::make_exception_ptr(Failure(unreadable->kind(), unreadable->problem(), advice));
}

}  // namespace sluice::load
