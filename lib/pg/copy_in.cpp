#include "pg/copy_in.hpp"

#include "base/chunks_of.hpp"
#include "base/limits.hpp"

namespace sluice::pg {

asio::awaitable<bool> CopyIn::write(std::string_view bytes, bool listen) {
  PGconn* const raw = connection_.connection_.get();
  for (const std::span<const char> slice : chunks_of(bytes, limits::copy_slice_bytes)) {
    for (int queued = 0; queued == 0;) {
      queued = PQputCopyData(raw, slice.data(), static_cast<int>(slice.size()));
      if (queued < 0) throw PgError::from(raw, Phase::storing);
      co_await connection_.flush(Phase::storing);
    }
    if (listen && connection_.has_unexpected_input()) co_return false;
  }
  co_return true;
}

asio::awaitable<void> CopyIn::finish() { return end(nullptr); }

asio::awaitable<void> CopyIn::abort(std::string reason) { co_await end(reason.c_str()); }

asio::awaitable<void> CopyIn::end(const char* reason) {
  PGconn* const raw = connection_.connection_.get();
  for (;;) {
    const int queued = PQputCopyEnd(raw, reason);
    if (queued < 0) throw PgError::from(raw, Phase::storing);
    co_await connection_.flush(Phase::storing);
    if (queued == 1) co_return;
  }
}

}  // namespace sluice::pg
