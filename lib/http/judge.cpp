#include "http/judge.hpp"

#include <limits>

#include "http/answer.hpp"

namespace sluice::http {
namespace {

constexpr int ok = 200;
constexpr int partial = 206;
constexpr int not_found = 404;
constexpr int gone = 410;
constexpr int no_such_range = 416;

constexpr std::uint64_t any_end = std::numeric_limits<std::uint64_t>::max();

Judgement changed(const std::string& how) {
  return {Verdict::changed, " changed while it was read: " + how};
}

/// The answer has bytes from the right one on, and none that were not asked for.
bool has_asked(const Asked& asked, const ContentRange& range) {
  return range.first == asked.first && range.last < asked.end;
}

std::string bytes_text(const Asked& asked) {
  return "bytes " + std::to_string(asked.first) + "-" + std::to_string(asked.end - 1);
}

Judgement judge_next_part(const Asked& asked, const ObjectFacts& known, const Response& answer) {
  const auto range = content_range_of(answer);
  if (answer.status == ok)
    return changed("for " + bytes_text(asked) + " the server answers with all of another one");
  if (!range || !has_asked(asked, *range))
    return changed("for " + bytes_text(asked) + " the server answers with others");
  if (strong_etag_of(answer) != known.etag) return changed("its ETag is another one");
  if (range->total != known.length) return changed("its length is another one");
  return {Verdict::take, {}, range->last + 1};
}

/// From the first byte on, as parts cannot be had.
Judgement judge_all_again(const ObjectFacts& known, const Response& answer) {
  if (strong_etag_of(answer) != known.etag) return changed("its ETag is another one");
  if (facts_of(answer).length != known.length) return changed("its length is another one");
  return {Verdict::take, {}, any_end};
}

Judgement judge_first_part(const Asked& asked, const Response& answer) {
  const auto range = content_range_of(answer);
  // There is no version that it could be another one of. What the server says of ranges is not to
  // be built on: "bytes 0-0/0", of an empty object.
  if (!range || !has_asked(asked, *range)) return {Verdict::ask_for_all, {}};
  const bool is_all = range->total == range->last + 1 && range->first == 0;
  if (!range->total || (strong_etag_of(answer).empty() && !is_all))
    return {Verdict::ask_for_all, {}};
  return {Verdict::take, {}, range->last + 1};
}

}  // namespace

Judgement judge(const Asked& asked, const ObjectFacts* known, const Response& answer,
                std::string_view reason) {
  const int status = answer.status;
  if (is_redirect(status) && answer.header("Location")) return {Verdict::elsewhere, {}};
  const std::string says = "the server answers " + status_text(status, reason);
  if (is_transient(status)) return {Verdict::again, ": " + says};
  if ((status == ok || status == partial) && coding_of(answer) == Coding::other)
    return {Verdict::unreadable, ": the server sends it in a coding that is not read"};
  if ((status == ok || status == partial) && !unread_packing(answer).empty())
    return {Verdict::unreadable, ": the server sends it packed in a way that is not read"};
  const int wanted = asked.is_range ? partial : ok;
  if (known == nullptr) {
    if (asked.is_range && status == no_such_range) return {Verdict::ask_for_all, {}};
    if (status == ok) return {Verdict::take, {}, any_end};
    if (status != wanted) return {Verdict::refused, ": " + says};
    return judge_first_part(asked, answer);
  }
  if (status == other_version || status == no_such_range)
    return changed(says + " for the version that was begun with");
  if (status == not_found || status == gone) return changed("it is gone, " + says);
  if (asked.is_range && (status == partial || status == ok))
    return judge_next_part(asked, *known, answer);
  if (status != wanted) return {Verdict::refused, ": " + says};
  return judge_all_again(*known, answer);
}

ObjectFacts facts_of(const Response& answer) {
  ObjectFacts facts;
  facts.etag = strong_etag_of(answer);
  facts.is_page = is_page(answer);
  if (answer.status == partial) {
    const auto range = content_range_of(answer);
    if (range) facts.length = range->total;
    facts.has_ranges = !facts.etag.empty();
    return facts;
  }
  // Where a coding is told curl does not hold to the length: it is compared here.
  const Coding coding = coding_of(answer);
  facts.length = content_length_of(answer);
  facts.tells_end = coding == Coding::chunks || facts.length;
  // Of nothing there are no parts; in a coding there may be something all the same.
  facts.has_ranges = facts.length == std::uint64_t{0} && coding_text(answer).empty();
  return facts;
}

}  // namespace sluice::http
