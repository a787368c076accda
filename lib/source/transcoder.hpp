#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/encoding.hpp"

namespace sluice::source {

/// Turns text of another encoding into UTF-8, piece by piece.
///
/// Nothing is refused here and nothing gets lost: a byte that is no character, or no part of one,
/// becomes a mark of three bytes (0xff and its two halves, see mark_of) that is not UTF-8, has no
/// ASCII in it, and can be turned back. So the record that it is in is refused where all are
/// judged.
class Transcoder {
 public:
  static std::unique_ptr<Transcoder> of(const Encoding& encoding);
  virtual ~Transcoder() = default;

  struct Step {
    std::size_t taken = 0;  ///< bytes of `in`
    std::size_t made = 0;   ///< bytes of `out`
  };

  /// Converts what there is room for. The beginning of a character at the end of `in` is left,
  /// unless that is the end of all. REQUIRES: room for made_max bytes at least.
  virtual Step convert(std::string_view in, bool is_last, char* out, std::size_t room) = 0;

  /// Begins again.
  virtual void reset() {}

  /// The most bytes that one step of any encoding writes without looking whether there is room.
  static constexpr std::size_t made_max = 16;
};

/// What stands for a byte that is no character.
std::string mark_of(unsigned char byte);

/// The byte that a mark stands for; nothing where `text` does not begin with one.
std::optional<unsigned char> marked_byte(std::string_view text);

/// A short text of that encoding, with marks where it is none.
std::string in_utf8(std::string_view bytes, const Encoding& encoding);

/// A text with the bytes that its marks stand for in their place.
std::string with_marked_bytes(std::string_view text);

/// Turns text that came out of a Transcoder back into the bytes that went in: marks too. Exact for
/// encodings in which a character is written in one way only, which are all that PostgreSQL has; a
/// byte-order mark is no part of it.
class Untranscoder {
 public:
  explicit Untranscoder(const Encoding& encoding);
  ~Untranscoder();
  Untranscoder(const Untranscoder&) = delete;
  Untranscoder& operator=(const Untranscoder&) = delete;

  std::string bytes_of(std::string_view text);

 private:
  struct Converter;
  void append(std::string_view text, std::string& bytes);

  std::unique_ptr<Converter> converter_;
};

}  // namespace sluice::source
