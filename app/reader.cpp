#include "app/reader.hpp"

#include "async/offload.hpp"
#include "source/encoding.hpp"

namespace sluice::app {
namespace {

asio::awaitable<void> run_on(asio::thread_pool& reader, std::function<void()> read) {
  co_await async::offload(reader, std::move(read));
}

}  // namespace

std::shared_ptr<source::Source> open_source(const plan::LoadOptions& options) {
  const std::string& encoding = options.encoding;
  return source::open(
      options.path, options.unpack,
      encoding.empty() || encoding == "auto" ? std::nullopt : source::encoding_named(encoding));
}

void Reader::run(Runtime& runtime, const std::function<void()>& read) {
  const auto require_going_on = [&runtime] {
    if (runtime.signal() != 0)
      throw Failure(FailureKind::interrupted, "interrupted; nothing was stored");
  };
  require_going_on();
  runtime.on_signal([this] { stop(); }, [this] { stop(); });
  try {
    runtime.run(run_on(runtime.resources().reader, read));
  } catch (const Failure&) {
    runtime.on_signal({}, {});
    require_going_on();  // what was stopped looks like one that ends too early
    throw;
  } catch (const boost::system::system_error&) {
    runtime.on_signal({}, {});
    require_going_on();
    throw;
  }
  runtime.on_signal({}, {});
  require_going_on();
}

std::shared_ptr<source::Source> Reader::open(plan::LoadOptions& options) {
  const std::shared_ptr<source::Source> source =
      options.opened ? options.opened : open_source(options);
  {
    const std::lock_guard lock(mutex_);
    source_ = source;
    if (is_stopped_) source->stop();
  }
  // What is remote asks its server for that.
  if (source->comes_once()) options.opened = source;
  return source;
}

void Reader::stop() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  if (source_) source_->stop();
}

}  // namespace sluice::app
