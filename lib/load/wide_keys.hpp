#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/semaphore.hpp"
#include "ledger/deferred_indexes.hpp"
#include "load/resources.hpp"
#include "plan/plan.hpp"
#include "tuple/batch.hpp"

namespace sluice::load {

/// Some fields of a batch's tuples, and how many bytes they may have together.
struct FieldWidth {
  std::vector<std::size_t> fields;
  std::size_t bytes_max = 0;
};

/// Whether a tuple of the batch has more. Pure.
bool exceeds(const tuple::Batch& batch, const FieldWidth& width);

/// Watches for values that an index which is to be built later could find too long. Such an index
/// is built again before the first of them goes in, so that it is the server who judges the record,
/// while it can be named; the others wait for the end. Rows seldom have such values, and keeping
/// every index on a text would lose most of what --defer-indexes is for.
///
/// REQUIRES: what it is made with outlives it. Used on the I/O thread.
class WideKeys {
 public:
  WideKeys(Resources on, const plan::Plan& plan, std::vector<ledger::DeferredIndex> indexes,
           std::vector<std::string>& notes, const asio::any_io_executor& executor);

  /// Called before a batch is stored, without a lease. Throws Failure where an index cannot be
  /// built.
  asio::awaitable<void> admit(const tuple::Batch& batch);

 private:
  struct Watched {
    ledger::DeferredIndex index;
    FieldWidth width;
    bool is_due = false;
  };

  asio::awaitable<void> build_due();

  Resources on_;
  const plan::Plan& plan_;
  std::vector<Watched> watched_;
  std::vector<std::string>& notes_;
  async::Semaphore turn_;
};

}  // namespace sluice::load
