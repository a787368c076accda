#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "http/address.hpp"
#include "http/exchange.hpp"
#include "http/fetch_options.hpp"
#include "http/first_part.hpp"
#include "http/judge.hpp"
#include "http/requester.hpp"

namespace sluice::http {

/// One object, read from front to back: of several parts that are fetched at once the bytes come in
/// their order. All bytes are of one version: where the object changes, a read throws
/// Failure{changed}. What is lost on the way is fetched again from there. Blocking, one reader at a
/// time.
///
/// A server that has no ranges, or no strong ETag, is read in one answer.
class ObjectReader {
 public:
  ObjectReader(Address address, FetchOptions options);
  /// Of the options the headers are for others. The version with this ETag is asked for first, if
  /// there is one; where it has gone, the one that is there.
  ObjectReader(std::shared_ptr<Requester> requester, FetchOptions options,
               std::string listed_etag = {});
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  /// Waits for the first answer, if there was none yet. Throws Failure where that is none of the
  /// object. False once stopped.
  bool begin();
  /// Fetches by the connections of others, which are read on this thread too. REQUIRES: nothing was
  /// asked for yet.
  void share(std::shared_ptr<Carrier> carrier) { carrier_ = std::move(carrier); }
  /// As begin(), and without a wait: true once all of the first part is there, or cannot be had.
  bool advance();
  /// Nothing where it could not be had, or is not all there is. REQUIRES: advance() was true.
  std::optional<FirstPart> all_in_first_part() const;
  /// Instead of begin(): what another reader has of the object, which is read from there.
  void begin_with(const FirstPart& first);

  /// REQUIRES: begin()
  const ObjectFacts& facts() const { return facts_; }
  /// It is another version than was listed. REQUIRES: begin()
  bool is_not_as_listed() const { return !listed_etag_.empty() && facts_.etag != listed_etag_; }

  /// 1 to `size` bytes; 0 only at the end, and once stopped. REQUIRES: size > 0
  std::size_t read_some(char* into, std::size_t size);
  /// False where that cannot be had once more of the same version, and behind the end.
  bool seek(std::uint64_t offset);
  /// Until the next seek() parts behind this byte are fetched only when they are wanted, and are
  /// small.
  void expect_end(std::uint64_t offset) { expected_end_ = offset; }
  std::uint64_t at() const { return at_; }

  /// Makes a call that waits, and all later ones, return early (thread-safe).
  void stop();
  bool is_stopped() const { return stopped_; }

  /// Of its buffers. REQUIRES: begin()
  std::size_t memory_bytes() const;
  const std::string& name() const { return name_; }

 private:
  struct Part;
  using Clock = std::chrono::steady_clock;

  template <class Done>
  void pump(const Done& done);
  void step();
  std::chrono::milliseconds wanted_time() const;
  void drop_read_parts();
  void add_parts();
  void add_part(std::uint64_t first, std::uint64_t end);
  void start(Part& part);
  void finish(Part& part);
  void finish_taken(Part& part);
  void finish_unanswered(Part& part);
  void finish_refused(Part& part);
  void go_elsewhere(Part& part);
  void try_again(Part& part, const std::string& why, std::chrono::milliseconds wait);
  void look_for_stalls();
  std::chrono::milliseconds patience() const;

  std::shared_ptr<Requester> requester_;  ///< nullptr: the address says all
  Address address_;
  std::string name_;
  FetchOptions options_;
  Connecting connecting_;
  std::shared_ptr<Carrier> carrier_ = std::make_shared<Carrier>();
  ObjectFacts facts_;
  bool is_known_ = false;  ///< facts_
  std::string listed_etag_;
  bool has_told_retry_ = false;
  bool asks_for_listed_ = false;                ///< by If-Match, at first
  Address resolved_;                            ///< behind the redirects
  std::vector<std::unique_ptr<char[]>> rooms_;  ///< of parts that were read
  std::deque<std::unique_ptr<Part>> parts_;     ///< in the order of their bytes
  std::uint64_t next_ = 0;                      ///< where the part begins that is added next
  std::uint64_t expected_end_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t at_ = 0;  ///< where the next read begins
  /// How long bytes were waited for: what counts as a stall, and as --retry-for, as a reader that
  /// is busy with other things keeps the server waiting, and not the server him.
  std::chrono::milliseconds wanted_before_{0};
  std::optional<Clock::time_point> wanted_since_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace sluice::http
