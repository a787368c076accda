#include "app/join.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <random>
#include <span>
#include <string_view>
#include <utility>

#include "app/load_end_flags.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::app {

namespace {

/// Throws Failure for what only one command can do.
void require_joinable(const LoadFlags& flags, const plan::LoadOptions& options) {
  using std::string_view_literals::operator""sv;
  struct Reason {
    bool is_given;
    std::string_view flag;
    std::string_view why;
  };
  const bool reads_stdin = std::ranges::find(flags.files, "-") != flags.files.end();
  const std::array reasons{
      Reason{reads_stdin, "-", "what comes once cannot be shared"sv},
      Reason{options.limit.has_value(), "--limit", "each command would stop at its own"sv},
      Reason{options.truncate, "--truncate", "it would take away the rows of the others"sv},
      Reason{options.deletes(), options.deletes() ? deleting_flag(options) : "",
             "it would take away the rows of the others"sv},
      Reason{options.on_conflict != writer::OnConflict::error, "--on-conflict",
             "which of two rows with one key stays is decided by the order of the files, and that "
             "is nobody's here"sv},
      Reason{options.defer_indexes, "--defer-indexes",
             "one command would build the indexes while others load"sv},
      Reason{!options.use_ledger, "--no-ledger", "it tells the commands what is loaded"sv},
      Reason{options.again, "--again",
             "each command would load all once more, what the others have loaded too"sv},
      Reason{!options.rejects_path.empty(), "--rejects",
             "all would write that file; without it they keep bad records in pgsluice.rejects"sv},
  };
  const auto found = std::ranges::find_if(reasons, &Reason::is_given);
  if (found == reasons.end()) return;
  throw Failure(FailureKind::usage, "--join cannot be had with " + std::string(found->flag) + ": " +
                                        std::string(found->why));
}

/// In blocks, by an order of this command's own: so they do not queue at the same files. The
/// members of an archive stay together.
void spread(std::vector<Input>& inputs) {
  // Of a few files too each command begins somewhere else.
  const std::size_t size = std::clamp<std::size_t>(inputs.size() / 64, 8, limits::join_block_files);
  std::vector<std::span<Input>> blocks;
  for (auto begin = inputs.begin(); begin != inputs.end();) {
    const auto left = static_cast<std::size_t>(inputs.end() - begin);
    auto end = begin + static_cast<std::ptrdiff_t>(std::min(left, size));
    while (end != inputs.end() && !std::prev(end)->is_last_of_file) ++end;
    blocks.emplace_back(begin, end);
    begin = end;
  }
  std::ranges::shuffle(blocks, std::mt19937(std::random_device{}()));
  std::vector<Input> spread;
  for (const std::span<Input> block : blocks) std::ranges::move(block, std::back_inserter(spread));
  inputs = std::move(spread);
}

}  // namespace

void join(const LoadFlags& flags, const MoreFiles& more, plan::LoadOptions& options,
          std::vector<Input>& inputs) {
  require_joinable(flags, options);
  const std::chrono::milliseconds lease = more.lease.value_or(limits::join_lease);
  if (lease < limits::join_lease_min)
    throw Failure(FailureKind::usage,
                  "--lease must be " + format_duration(limits::join_lease_min) + " or more");
  options.lease = lease;
  options.segment_bytes = more.segment_bytes > 0 ? more.segment_bytes : limits::segment_bytes;
  if (options.segment_bytes < limits::segment_bytes_min ||
      options.segment_bytes > limits::segment_bytes_max)
    throw Failure(FailureKind::usage, "--segment-size must be from " +
                                          format_bytes(limits::segment_bytes_min) + " to " +
                                          format_bytes(limits::segment_bytes_max));
  options.rejects_table = options.rejects.is_given();
  spread(inputs);
}

}  // namespace sluice::app
