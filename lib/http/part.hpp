#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.hpp"
#include "http/object_reader.hpp"

namespace sluice::http {

/// The end of a part that goes to the end of the object, wherever that is.
inline constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

/// A stretch of an object: what is asked for, what has come, and what was read of that. Of an
/// object that comes in one answer the one part is all of it, and has room for what is next.
struct ObjectReader::Part final : Receiver {
  enum class State { waiting, running, complete, failed };

  Part(ObjectReader& of, std::unique_ptr<char[]> with_room)
      : reader(of), room(std::move(with_room)), exchange(*of.carrier_, of.connecting_, *this) {}

  void begin(const Response& answer) noexcept override;
  Taken take(std::string_view bytes) noexcept override;

  bool is_range() const;
  std::uint64_t position() const { return first + got; }  ///< of the next byte that comes
  std::size_t left() const { return got - taken; }
  bool has_news() const { return left() > 0 || state == State::complete || failed; }
  /// All that was asked for has come; the answer's own end may do so later, or never.
  bool has_all() const { return judged.verdict == Verdict::take && position() == end; }
  bool has_ended() const {
    return state == State::running && (exchange.is_over() || has_all() || is_answered_otherwise());
  }
  /// With a part where parts cannot be had: its body is not waited for, which may be none.
  bool is_answered_otherwise() const {
    return exchange.has_begun() && judged.verdict == Verdict::ask_for_all && refusal.status == 206;
  }
  bool is_due(Clock::time_point now) const { return state == State::waiting && due <= now; }
  bool is_untouched() const { return first == 0 && taken == 0 && !was_read; }
  bool can_go_to(std::uint64_t offset) const { return offset >= first && offset <= position(); }

  /// The headers of the next attempt, and what is asked for by them.
  Headers ask();
  void begin_attempt(std::chrono::milliseconds now);
  /// In one answer, from here on.
  void ask_for_all();
  void complete();
  void fail(Failure failure);
  /// What has come, as nothing of it can be told from another version.
  void forget();
  /// Of what was read, where there is too little; the exchange goes on then.
  void make_room();
  /// " (AccessDenied)", where an S3 server says so.
  std::string code_in_body() const;
  /// " (x-foo)"
  std::string coding() const;

  ObjectReader& reader;
  std::unique_ptr<char[]> room;
  std::size_t capacity = 0;
  std::uint64_t first = 0;  ///< the place in the object of the room's first byte
  std::uint64_t end = 0;    ///< behind the last byte that is wanted
  std::size_t got = 0;      ///< bytes in the room
  std::size_t taken = 0;    ///< ... that were read
  bool was_read = false;    ///< some of them, whatever was gone back to

  State state = State::waiting;
  std::optional<Failure> failed;
  Clock::time_point due{};
  std::size_t attempts = 0;
  std::uint64_t furthest = 0;  ///< position() at most, of what was forgotten too
  std::optional<std::chrono::milliseconds> failing_since;  ///< in wanted_time()

  std::size_t times_made_anew = 0;  ///< since a byte has come

  // The attempt that is under way.
  Address to;
  Request sent;
  std::size_t redirects = 0;
  Asked asked;
  Judgement judged;
  std::string location;
  std::chrono::milliseconds wait{0};       ///< that the server asks for
  std::chrono::milliseconds last_sign{0};  ///< of life, in wanted_time()
  std::uint64_t to_skip = 0;               ///< bytes that have come before
  std::size_t unwanted = 0;
  Response refusal;  ///< what is no object, with the beginning of its body
  bool is_paused = false;
  bool is_stalled = false;
  bool has_too_much = false;
  Exchange exchange;
};

}  // namespace sluice::http
