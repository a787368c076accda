#include "http/object_reader.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <limits>
#include <optional>
#include <utility>

#include "base/backoff.hpp"
#include "base/quantity.hpp"
#include "http/answer.hpp"
#include "http/part.hpp"

namespace sluice::http {
namespace {

using std::chrono::milliseconds;

constexpr Backoff backoff{limits::retry_delay_min, limits::retry_delay_max};
constexpr milliseconds look_every{1000};
/// Of one request: a region or two, and new keys.
constexpr std::size_t times_made_anew_max = 4;

/// Nobody knows the server yet: a name that is mistyped does not get right by trying again.
bool is_mistaken(CURLcode result) {
  switch (result) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_WEIRD_SERVER_REPLY: return true;
    default: return false;
  }
}

bool is_lasting(CURLcode result) {
  switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP_RETURNED_ERROR:
    case CURLE_OUT_OF_MEMORY: return true;
    default: return false;
  }
}

std::string advice_on(CURLcode result, const Requester* requester) {
  if (result == CURLE_COULDNT_RESOLVE_HOST && requester != nullptr)
    return requester->advice_on_unknown_host();
  const bool is_untrusted =
      result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
  return is_untrusted ? "An authority of your own is trusted with --ca-file FILE." : "";
}

std::string advice_on(int status, const Address& address) {
  if (status == 401 || status == 403)
    return "A server is logged in to by --http-header 'Authorization: ...' or by ~/.netrc.";
  const bool is_pattern = file_name_of(address.url).find('*') != std::string::npos;
  if (status == 404 && is_pattern)
    return "Patterns are for s3:// and gs:// alone: a web server tells no names.";
  return "";
}

}  // namespace

ObjectReader::ObjectReader(Address address, FetchOptions options)
    : address_(std::move(address)),
      name_(name_of(address_)),
      options_(std::move(options)),
      connecting_{.ca_file = options_.ca_file, .connect_timeout = limits::fetch_connect_timeout},
      resolved_(address_) {}

ObjectReader::ObjectReader(std::shared_ptr<Requester> requester, FetchOptions options,
                           std::string listed_etag)
    : requester_(std::move(requester)),
      name_(requester_->name()),
      options_(std::move(options)),
      connecting_{.ca_file = options_.ca_file,
                  .connect_timeout = limits::fetch_connect_timeout,
                  .is_signed = true},
      listed_etag_(std::move(listed_etag)),
      asks_for_listed_(!listed_etag_.empty()) {}

ObjectReader::~ObjectReader() = default;

milliseconds ObjectReader::wanted_time() const {
  if (!wanted_since_) return wanted_before_;
  return wanted_before_ + std::chrono::duration_cast<milliseconds>(Clock::now() - *wanted_since_);
}

/// Runs all exchanges, once at least, until that is so.
template <class Done>
void ObjectReader::pump(const Done& done) {
  wanted_since_ = Clock::now();
  drop_read_parts();
  while (!stopped_) {
    step();
    if (done()) break;
    carrier_->wait(patience());
  }
  wanted_before_ = wanted_time();
  wanted_since_.reset();
}

/// What is possible now.
void ObjectReader::step() {
  add_parts();
  for (const auto& part : parts_)
    if (part->is_due(Clock::now())) start(*part);
  carrier_->perform();
  for (const auto& part : parts_)
    if (part->has_ended()) finish(*part);
  look_for_stalls();
}

/// What was read of a part is kept until more is wanted: it may be read once more.
void ObjectReader::drop_read_parts() {
  const auto is_read = [this](const Part& part) {
    return part.is_range() && part.state == Part::State::complete && part.left() == 0 &&
           facts_.has_ranges && at_ < *facts_.length;
  };
  while (!parts_.empty() && is_read(*parts_.front())) {
    if (parts_.front()->capacity == options_.part_bytes)
      rooms_.push_back(std::move(parts_.front()->room));
    parts_.pop_front();
  }
}

milliseconds ObjectReader::patience() const {
  milliseconds left = std::min(look_every, options_.stall_max / 4);
  const auto now = Clock::now();
  for (const auto& part : parts_) {
    if (part->state != Part::State::waiting) continue;
    const auto until = std::chrono::ceil<milliseconds>(part->due - now);
    left = std::clamp(until, milliseconds{0}, left);
  }
  return left;
}

/// What is looked at to see what it is takes one part.
void ObjectReader::add_parts() {
  if (parts_.empty() && !is_known_) return add_part(0, options_.part_bytes);
  if (!facts_.has_ranges) return;
  const std::size_t most = at_ < limits::fingerprint_bytes ? 1 : options_.jobs;
  const auto end_of = [this](std::size_t bytes, std::uint64_t end) {
    return std::min(next_ + std::min(bytes, options_.part_bytes), std::min(end, *facts_.length));
  };
  while (parts_.size() < most && next_ < std::min(*facts_.length, expected_end_))
    add_part(next_, end_of(options_.part_bytes, expected_end_));
  if (parts_.empty() && next_ < *facts_.length)
    add_part(next_, end_of(limits::scan_slice_bytes, *facts_.length));
}

void ObjectReader::add_part(std::uint64_t first, std::uint64_t end) {
  std::unique_ptr<char[]> room;
  if (rooms_.empty()) {
    room = std::make_unique_for_overwrite<char[]>(options_.part_bytes);
  } else {
    room = std::move(rooms_.back());
    rooms_.pop_back();
  }
  parts_.push_back(std::make_unique<Part>(*this, std::move(room)));
  Part& part = *parts_.back();
  part.capacity = options_.part_bytes;
  part.first = first;
  part.end = end;
  part.to = resolved_;
  next_ = end;
}

void ObjectReader::start(Part& part) {
  Headers headers = part.ask();
  part.begin_attempt(wanted_time());
  if (requester_) {
    try {
      part.sent = requester_->get(std::move(headers));
    } catch (const Failure& failure) {
      return part.fail(failure);
    }
    return part.exchange.start(part.sent, nullptr);
  }
  const bool is_named_by_user = part.to.origin == address_.origin;
  if (is_named_by_user)
    headers.insert(headers.end(), options_.headers.begin(), options_.headers.end());
  part.exchange.start({.url = part.to.url, .headers = std::move(headers), .body = {}},
                      is_named_by_user ? &address_ : &part.to,
                      is_named_by_user ? Exchange::Netrc::asked : Exchange::Netrc::left);
}

/// What an exchange that has ended means for its part.
void ObjectReader::finish(Part& part) {
  part.state = Part::State::waiting;
  part.due = Clock::now();
  part.exchange.end();
  if (part.exchange.has_too_many_headers())
    return part.fail({FailureKind::failed, name_ + ": " + part.exchange.words()});
  if (part.is_stalled || !part.exchange.has_begun()) return finish_unanswered(part);
  const Judgement& judged = part.judged;
  switch (judged.verdict) {
    case Verdict::take: return finish_taken(part);
    case Verdict::ask_for_all: return part.ask_for_all();
    case Verdict::elsewhere: return requester_ ? finish_refused(part) : go_elsewhere(part);
    case Verdict::again: return try_again(part, judged.why + part.code_in_body(), part.wait);
    case Verdict::changed:
      return part.fail({FailureKind::changed, name_ + judged.why,
                        "No byte of another version was taken. What is stored of the former one "
                        "stays in the table; --again --truncate empties the table first, and loads "
                        "the new one."});
    case Verdict::refused: return finish_refused(part);
    case Verdict::unreadable: {
      return part.fail({FailureKind::failed, name_ + judged.why + part.coding()});
    }
  }
}

void ObjectReader::finish_taken(Part& part) {
  resolved_ = part.to;
  const CURLcode result = part.exchange.result();
  if (part.has_too_much) {
    return part.fail(
        {FailureKind::changed,
         name_ + " changed while it was read: the server sends more than it has said"});
  }
  if (part.is_range()) {
    if (part.position() == part.end) return part.complete();
    // Less than was asked for may be told, and is no failure then.
    if (part.position() == part.judged.end && part.position() > part.asked.first) return;
  } else if (result == CURLE_OK && facts_.length.value_or(part.position()) == part.position()) {
    return part.complete();
  }
  const std::string lost = ": the answer ended at byte " + std::to_string(part.position()) +
                           (facts_.length ? " of " + std::to_string(*facts_.length) : "") +
                           ", before its end";
  if (!facts_.etag.empty()) return try_again(part, lost, {});
  if (part.is_untouched()) {
    is_known_ = false;
    part.forget();
    return try_again(part, lost, {});
  }
  part.fail({FailureKind::failed,
             name_ + lost +
                 ", and the rest cannot be asked for: the server has no strong ETag, by "
                 "which it would be known to be of the same version"});
}

void ObjectReader::finish_unanswered(Part& part) {
  const CURLcode result = part.is_stalled ? CURLE_OPERATION_TIMEDOUT : part.exchange.result();
  const std::string why = ": " + (part.is_stalled ? "the server has stopped sending at byte " +
                                                        std::to_string(part.position())
                                                  : part.exchange.words());
  const bool is_first = !is_known_ && !part.is_stalled;
  if (is_first && part.exchange.proxy_status())
    return part.fail(part.exchange.proxy_failure(name_));
  if (is_lasting(result) || (is_first && is_mistaken(result)))
    return part.fail({FailureKind::failed, name_ + why, advice_on(result, requester_.get())});
  if (part.is_stalled && is_known_ && facts_.etag.empty() && !part.is_untouched()) {
    return part.fail({FailureKind::failed,
                      name_ + why + ", and the rest cannot be asked for: it has no strong ETag"});
  }
  if (part.is_stalled && facts_.etag.empty()) {
    is_known_ = false;
    part.forget();
  }
  try_again(part, why, {});
}

void ObjectReader::go_elsewhere(Part& part) {
  if (++part.redirects > limits::redirects_max) {
    return part.fail({FailureKind::failed, name_ + ": the server sends on more than " +
                                               std::to_string(limits::redirects_max) + " times"});
  }
  try {
    part.to = address_behind(part.to, part.location);
  } catch (const Failure& failure) {
    part.fail({failure.kind(), name_ + ": " + part.exchange.shown(failure.problem())});
  }
}

/// Where a redirect had led may have been a place for a while, and keys may have expired.
void ObjectReader::finish_refused(Part& part) {
  if (part.exchange.proxy_status() && part.code_in_body().empty())
    return part.fail(part.exchange.proxy_failure(name_));
  if (!requester_) {
    if (part.redirects > 0 || part.to.url == address_.url)
      return part.fail({FailureKind::usage, name_ + part.judged.why + part.code_in_body(),
                        advice_on(part.refusal.status, address_)});
    part.to = resolved_ = address_;
    return;
  }
  // Nothing was read yet: what is there now is as good.
  if (!is_known_ && asks_for_listed_ && part.refusal.status == other_version) {
    asks_for_listed_ = false;
    return;
  }
  part.refusal.body = part.exchange.shown(part.refusal.body);
  try {
    const Requester::Next next = requester_->next(part.sent, part.refusal);
    if (next == Requester::Next::now && part.times_made_anew++ < times_made_anew_max) return;
    if (next == Requester::Next::late)
      return try_again(part, part.judged.why + part.code_in_body(), part.wait);
    part.fail(requester_->failure(part.refusal));
  } catch (const Failure& failure) {
    part.fail(failure);
  }
}

void ObjectReader::try_again(Part& part, const std::string& why, milliseconds wait) {
  const milliseconds now = wanted_time();
  if (!part.failing_since) part.failing_since = now;
  part.redirects = 0;
  part.to = resolved_ = address_;
  const milliseconds delay = std::max(backoff.delay(part.attempts++, random_share()), wait);
  if (now - *part.failing_since + delay <= options_.retry_for) {
    part.due = Clock::now() + delay;
    if (options_.on_retry && !std::exchange(has_told_retry_, true)) options_.on_retry(name_ + why);
    return;
  }
  const std::string patience = format_duration(options_.retry_for);
  const std::string why_not = wait > options_.retry_for
                                  ? " and asks to be left alone for " + format_duration(wait) +
                                        ", which is longer than --retry-for (" + patience + ")"
                                  : "; it was tried again for " + patience + " (see --retry-for)";
  part.fail({FailureKind::failed, name_ + why + why_not});
}

/// A server that makes what it answers may take longer for that than for the next byte.
void ObjectReader::look_for_stalls() {
  const milliseconds now = wanted_time();
  for (const auto& part : parts_) {
    if (part->state != Part::State::running || part->is_paused) continue;
    const milliseconds most =
        part->exchange.has_begun() ? options_.stall_max : limits::fetch_answer_max;
    if (now - part->last_sign < most) continue;
    part->exchange.end();
    part->is_stalled = true;
    finish(*part);
  }
}

bool ObjectReader::begin() {
  if (is_known_) return true;
  pump([this] { return is_known_ || parts_.front()->failed; });
  if (stopped_) return false;
  if (!is_known_) throw *parts_.front()->failed;
  return true;
}

bool ObjectReader::advance() {
  if (!wanted_since_) wanted_since_ = Clock::now();
  if (!stopped_) step();
  if (stopped_) return true;
  const Part& first = *parts_.front();
  return first.state == Part::State::complete || first.failed || first.is_paused;
}

std::optional<FirstPart> ObjectReader::all_in_first_part() const {
  if (stopped_ || !is_known_) return std::nullopt;
  const Part& first = *parts_.front();
  const bool is_all = first.state == Part::State::complete && first.first == 0 &&
                      facts_.length.value_or(first.got) == first.got;
  if (!is_all) return std::nullopt;
  return FirstPart{facts_, resolved_,
                   std::make_shared<const std::string>(first.room.get(), first.got)};
}

void ObjectReader::begin_with(const FirstPart& first) {
  const std::size_t size = first.bytes->size();
  facts_ = first.facts;
  resolved_ = first.resolved;
  is_known_ = true;
  parts_.push_back(std::make_unique<Part>(*this, std::make_unique_for_overwrite<char[]>(size)));
  Part& part = *parts_.back();
  std::memcpy(part.room.get(), first.bytes->data(), size);
  part.capacity = part.got = size;
  part.end = facts_.has_ranges ? size : no_end;
  part.to = resolved_;
  part.complete();
  next_ = size;
}

std::size_t ObjectReader::read_some(char* into, std::size_t size) {
  if (facts_.length && is_known_ && at_ == *facts_.length && facts_.has_ranges) return 0;
  const auto has_news = [this] {
    // One that was read up to its end before the server closed is no end of the object.
    drop_read_parts();
    return !parts_.empty() && parts_.front()->has_news();
  };
  pump(has_news);
  if (stopped_) return 0;
  Part& head = *parts_.front();
  if (head.left() == 0) {
    if (head.failed) throw *head.failed;
    return 0;
  }
  const std::size_t now = std::min(size, head.left());
  std::memcpy(into, head.room.get() + head.taken, now);
  head.taken += now;
  head.was_read = true;
  at_ += now;
  head.make_room();
  return now;
}

bool ObjectReader::seek(std::uint64_t offset) {
  if (!begin()) return false;
  expected_end_ = no_end;
  if (!parts_.empty() && parts_.front()->can_go_to(offset)) {
    parts_.front()->taken = offset - parts_.front()->first;
    at_ = offset;
    return true;
  }
  if (offset > facts_.length.value_or(offset) || facts_.etag.empty()) return false;
  for (const auto& part : parts_)
    if (part->room && part->capacity == options_.part_bytes)
      rooms_.push_back(std::move(part->room));
  parts_.clear();
  next_ = at_ = offset;
  if (facts_.has_ranges) return true;
  add_part(offset, no_end);
  parts_.back()->ask_for_all();
  return true;
}

void ObjectReader::stop() {
  stopped_ = true;
  carrier_->wake();
}

std::size_t ObjectReader::memory_bytes() const {
  if (!facts_.has_ranges) return std::max(options_.part_bytes, 2 * limits::stream_kept_bytes);
  const std::uint64_t parts = (*facts_.length + options_.part_bytes - 1) / options_.part_bytes;
  return std::min<std::uint64_t>(parts, options_.jobs) * options_.part_bytes;
}

}  // namespace sluice::http
