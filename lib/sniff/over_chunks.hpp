#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "chunk/chunker.hpp"
#include "sniff/effort.hpp"

namespace sluice::sniff {

/// Walks through the chunks of a source. `Part` is what is found in one.
template <class Part>
class OverChunks {
 public:
  /// On any thread.
  using Look = std::function<Part(const chunk::Chunk&)>;
  /// What was found, in the order of the chunks.
  using Take = std::function<void(Part, const chunk::Chunk&)>;

  /// `chunker` must outlive it.
  OverChunks(chunk::Chunker& chunker, std::size_t threads, Look look, Take take)
      : chunker_(chunker), threads_(threads), look_(std::move(look)), take_(std::move(take)) {}

  /// The next chunk is on its way; false behind the last one, when all are taken. Blocking. Throws
  /// Failure.
  bool next() {
    while (!under_way_.empty() &&
           (under_way_.size() >= threads_ || bytes_under_way_ > looks_bytes_max))
      take_first();
    chunk::Chunk chunk = spare();
    if (!chunker_.next(chunk)) {
      while (!under_way_.empty()) take_first();
      return false;
    }
    bytes_under_way_ += chunk.size;
    const auto look = [this](chunk::Chunk one) {
      Part part = look_(one);
      return Looked{.chunk = std::move(one), .part = std::move(part)};
    };
    // One thread alone looks at a chunk when it is taken.
    const std::launch policy = threads_ > 1 ? std::launch::async : std::launch::deferred;
    under_way_.push_back(std::async(policy, look, std::move(chunk)));
    return true;
  }

 private:
  struct Looked {
    chunk::Chunk chunk;
    Part part;
  };

  chunk::Chunk spare() {
    if (spare_.empty()) return {};
    chunk::Chunk chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }

  void take_first() {
    Looked looked = under_way_.front().get();
    under_way_.pop_front();
    bytes_under_way_ -= looked.chunk.size;
    take_(std::move(looked.part), looked.chunk);
    // The buffer of a long record is not kept.
    if (looked.chunk.size <= 2 * look_bytes) spare_.push_back(std::move(looked.chunk));
  }

  chunk::Chunker& chunker_;
  std::size_t threads_;
  Look look_;
  Take take_;
  std::size_t bytes_under_way_ = 0;
  std::vector<chunk::Chunk> spare_;  ///< whose buffers are used again
  /// The last member: where reading throws they end before what they use is gone.
  std::deque<std::future<Looked>> under_way_;
};

}  // namespace sluice::sniff
