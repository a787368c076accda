#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.hpp"

/// Whether the bytes of an answer are those that were asked for, of the version that was begun
/// with. Pure.
namespace sluice::http {

/// The status of an answer to If-Match, where it does not.
inline constexpr int other_version = 412;

/// What the first answer tells of an object.
struct ObjectFacts {
  std::optional<std::uint64_t> length;
  std::string etag;         ///< by which bytes are known to be of the same version; may be empty
  bool has_ranges = false;  ///< it can be fetched in parts, which needs the etag
  bool tells_end = true;    ///< else only the content can say whether it is whole
  bool is_page = false;     ///< the server calls it text/html
};

struct Asked {
  std::uint64_t first = 0;
  std::uint64_t end = 0;  ///< behind the last byte
  bool is_range = false;  ///< else all of it, whatever first and end are
};

enum class Verdict {
  take,
  ask_for_all,  ///< in one answer: it cannot be read in parts
  elsewhere,    ///< a redirect
  again,        ///< the same may be answered otherwise later
  changed,      ///< it is another version
  refused,
  unreadable,  ///< it is coded in a way that is not read
};

struct Judgement {
  Verdict verdict = Verdict::refused;
  std::string why;        ///< behind "https://host/a.csv", unless it is taken
  std::uint64_t end = 0;  ///< behind the last byte that the answer has of a range
};

/// `known` is what the first answer has told; nullptr before it. `reason` is that of the status
/// line.
Judgement judge(const Asked& asked, const ObjectFacts* known, const Response& answer,
                std::string_view reason);

/// REQUIRES: the answer, the first one, is taken.
ObjectFacts facts_of(const Response& answer);

}  // namespace sluice::http
