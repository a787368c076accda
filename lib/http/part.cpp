#include "http/part.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>
#include <limits>
#include <new>

#include "base/printable.hpp"
#include "http/answer.hpp"

namespace sluice::http {
namespace {
constexpr std::size_t body_kept = 16 * 1024;
/// Of what others say in a word.
constexpr std::size_t word_max = 64;
}  // namespace

bool ObjectReader::Part::is_range() const { return end != no_end; }

Headers ObjectReader::Part::ask() {
  Headers headers{{"Accept-Encoding", "identity"}};
  asked = {.first = position(), .end = end, .is_range = is_range()};
  if (asked.is_range) {
    headers.emplace_back(
        "Range", "bytes=" + std::to_string(asked.first) + "-" + std::to_string(asked.end - 1));
  }
  if (reader.is_known_ && !reader.facts_.etag.empty())
    headers.emplace_back("If-Match", reader.facts_.etag);
  if (!reader.is_known_ && reader.asks_for_listed_)
    headers.emplace_back("If-Match", reader.listed_etag_);
  return headers;
}

void ObjectReader::Part::begin_attempt(std::chrono::milliseconds now) {
  state = State::running;
  judged = {};
  location.clear();
  wait = {};
  last_sign = now;
  to_skip = 0;
  unwanted = 0;
  refusal = {};
  is_paused = is_stalled = has_too_much = false;
}

void ObjectReader::Part::begin(const Response& answer) noexcept {
  try {
    last_sign = reader.wanted_time();
    const ObjectFacts* const known = reader.is_known_ ? &reader.facts_ : nullptr;
    judged = judge(asked, known, answer, exchange.reason());
    location = answer.header("Location").value_or("");
    wait = retry_after_of(answer, std::time(nullptr)).value_or(std::chrono::milliseconds{0});
    if (judged.verdict != Verdict::take) refusal = answer;
    if (judged.verdict != Verdict::take) return;
    const ObjectFacts facts = facts_of(answer);
    const bool is_all = judged.end == no_end;
    if (is_all && is_range()) ask_for_all();
    if (!is_all && known == nullptr) end = std::min(end, facts.length.value_or(end));
    if (is_all) to_skip = position();
    if (known == nullptr) reader.facts_ = facts;
    reader.is_known_ = true;
  } catch (const std::bad_alloc&) {
    judged = {Verdict::refused, ": there is too little memory to read it"};
  }
}

Receiver::Taken ObjectReader::Part::take(std::string_view bytes) noexcept {
  last_sign = reader.wanted_time();
  if (judged.verdict != Verdict::take) {
    const std::size_t room_left = body_kept - std::min(body_kept, refusal.body.size());
    refusal.body.append(bytes.substr(0, room_left));
    unwanted += bytes.size();
    return unwanted > limits::unwanted_bytes_max ? Taken::refused : Taken::all;
  }
  const std::uint64_t skipped = std::min<std::uint64_t>(to_skip, bytes.size());
  const std::string_view fresh = bytes.substr(skipped);
  const std::uint64_t all = is_range() ? judged.end : reader.facts_.length.value_or(no_end);
  if (fresh.size() > all - std::min(all, position())) {
    has_too_much = true;
    return Taken::refused;
  }
  if (fresh.size() > capacity - got) {
    is_paused = true;
    return Taken::later;
  }
  to_skip -= skipped;
  std::memcpy(room.get() + got, fresh.data(), fresh.size());
  got += fresh.size();
  // What has come before, and was forgotten, is no progress.
  if (position() > furthest) {
    furthest = position();
    attempts = times_made_anew = 0;
    failing_since.reset();
  }
  return Taken::all;
}

void ObjectReader::Part::ask_for_all() {
  end = no_end;
  // What is looked at, and then read from the start, is kept.
  capacity = std::max(reader.options_.part_bytes, 2 * limits::stream_kept_bytes);
  room = std::make_unique_for_overwrite<char[]>(capacity);
}

void ObjectReader::Part::complete() {
  exchange.end();
  state = State::complete;
}

void ObjectReader::Part::fail(Failure failure) {
  state = State::failed;
  failed = std::move(failure);
}

void ObjectReader::Part::forget() {
  first = 0;
  end = reader.options_.part_bytes;
  got = taken = 0;
}

void ObjectReader::Part::make_room() {
  if (!is_paused || (taken < capacity / 2 && taken < got)) return;
  std::memmove(room.get(), room.get() + taken, got - taken);
  first += taken;
  got -= taken;
  taken = 0;
  is_paused = false;
  exchange.resume();
}

std::string ObjectReader::Part::code_in_body() const {
  constexpr std::string_view mark = "<Code>";
  const std::string body = exchange.shown(refusal.body);
  const std::size_t at = body.find(mark);
  if (at == std::string::npos) return {};
  const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  const auto begin = body.begin() + static_cast<std::ptrdiff_t>(at + mark.size());
  const std::string code(begin, std::find_if_not(begin, body.end(), is_letter));
  return code.empty() || code.size() > word_max ? std::string() : " (" + code + ")";
}

std::string ObjectReader::Part::coding() const {
  const std::string packing = unread_packing(refusal);
  const std::string& text = packing.empty() ? coding_text(refusal) : packing;
  return " (" + printable_line(exchange.shown(text).substr(0, word_max)) + ")";
}

}  // namespace sluice::http
