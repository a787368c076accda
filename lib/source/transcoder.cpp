#include "source/transcoder.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/endian.hpp"
#include "base/failure.hpp"

namespace sluice::source {
namespace {

static_assert(std::endian::native == std::endian::little, "words of UTF-16 are read as they lie");

constexpr unsigned char mark_lead = 0xff;
constexpr std::size_t mark_size = 3;

char* put_mark(char* out, unsigned char byte) {
  *out++ = static_cast<char>(mark_lead);
  *out++ = static_cast<char>(0x80U | (byte >> 4U));
  *out++ = static_cast<char>(0x80U | (byte & 15U));
  return out;
}

/// Writes a character. REQUIRES: it is one, so no surrogate.
char* put_character(char* out, std::uint32_t character) {
  const auto tail = [character](unsigned shift) {
    return static_cast<char>(0x80U | ((character >> shift) & 63U));
  };
  if (character < 0x80) {
    *out++ = static_cast<char>(character);
  } else if (character < 0x800) {
    *out++ = static_cast<char>(0xc0U | (character >> 6U));
    *out++ = tail(0);
  } else if (character < 0x10000) {
    *out++ = static_cast<char>(0xe0U | (character >> 12U));
    *out++ = tail(6);
    *out++ = tail(0);
  } else {
    *out++ = static_cast<char>(0xf0U | (character >> 18U));
    *out++ = tail(12);
    *out++ = tail(6);
    *out++ = tail(0);
  }
  return out;
}

bool is_surrogate(std::uint32_t unit) { return unit >= 0xd800 && unit < 0xe000; }

std::uint64_t word_at(const char* from) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// An open descriptor of iconv.
class Iconv {
 public:
  Iconv(const std::string& to, const std::string& from)
      : descriptor_(::iconv_open(to.c_str(), from.c_str())) {
    // iconv's own sign of failure.
    if (reinterpret_cast<std::intptr_t>(descriptor_) == -1)
      throw Failure(FailureKind::usage, "this system cannot convert " + from + " to " + to);
  }
  ~Iconv() { ::iconv_close(descriptor_); }
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;

  enum class End { all, no_room, cut_off, no_character };

  End convert(const char*& in, std::size_t in_size, char*& out, std::size_t room) {
    char* from = const_cast<char*>(in);  // iconv does not write there
    const std::size_t result = ::iconv(descriptor_, &from, &in_size, &out, &room);
    const int error = errno;
    in = from;
    if (result != static_cast<std::size_t>(-1)) return End::all;
    if (error == E2BIG) return End::no_room;
    return error == EINVAL ? End::cut_off : End::no_character;
  }

  /// Back to the state at the beginning; writes what it takes where there is an `out`.
  void reset(char*& out, std::size_t room) { ::iconv(descriptor_, nullptr, nullptr, &out, &room); }
  void reset() { ::iconv(descriptor_, nullptr, nullptr, nullptr, nullptr); }

 private:
  iconv_t descriptor_;
};

/// An encoding of one byte a character: a table of 256 texts.
class SingleByte final : public Transcoder {
 public:
  struct Entry {
    std::array<char, 4> bytes{};
    std::uint8_t size = 0;
  };
  using Table = std::array<Entry, 256>;

  explicit SingleByte(const Table& table) : table_(table) {
    for (std::size_t byte = 0; byte < 128; ++byte)
      keeps_ascii_ = keeps_ascii_ && table[byte].size == 1 && table[byte].bytes[0] == char(byte);
  }

  /// Nothing where some byte begins a longer character, or changes what others mean.
  static std::optional<Table> table_of(const std::string& iconv_name) {
    Iconv converter("UTF-8", iconv_name);
    Table table;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char in = static_cast<char>(byte);
      const char* from = &in;
      char* const begin = table[byte].bytes.data();
      char* to = begin;
      const Iconv::End end = converter.convert(from, 1, to, table[byte].bytes.size());
      if (end == Iconv::End::cut_off || end == Iconv::End::no_room) return std::nullopt;
      if (end == Iconv::End::no_character) to = put_mark(begin, static_cast<unsigned char>(byte));
      // iconv waits for an accent behind some letters, as PostgreSQL does not.
      converter.reset(to, table[byte].bytes.size() - static_cast<std::size_t>(to - begin));
      if (to == begin) return std::nullopt;  // it changes what others mean
      table[byte].size = static_cast<std::uint8_t>(to - begin);
    }
    return table;
  }

  Step convert(std::string_view in, bool, char* out, std::size_t room) override {
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    const char* from = in.data();
    const char* const end = from + in.size();
    char* to = out;
    // Eight bytes become at most 24, of which the last one writes one more.
    const char* const stop = out + room - std::min(room, std::size_t{32});
    while (end - from >= 8 && to < stop) {
      const std::uint64_t word = word_at(from);
      if (keeps_ascii_ && (word & high_bits) == 0) {
        std::memcpy(to, &word, sizeof word);
        to += sizeof word;
      } else {
        for (int i = 0; i < 8; ++i) to = put(to, from[i]);
      }
      from += 8;
    }
    while (from != end && room - static_cast<std::size_t>(to - out) >= sizeof(Entry::bytes))
      to = put(to, *from++);
    return {static_cast<std::size_t>(from - in.data()), static_cast<std::size_t>(to - out)};
  }

 private:
  char* put(char* to, char byte) const {
    const Entry& entry = table_[static_cast<unsigned char>(byte)];
    std::memcpy(to, entry.bytes.data(), entry.bytes.size());
    return to + entry.size;
  }

  Table table_;
  bool keeps_ascii_ = true;
};

enum class Order { little, big, by_mark };

/// UTF-16 and UTF-32. Which order the bytes of a unit have may be said by a byte-order mark;
/// without one it is little, as Windows writes it. The mark is no part of the text: with it and
/// without it is the same content.
class Wide final : public Transcoder {
 public:
  Wide(std::size_t unit, Order order) : unit_(unit), said_(order), order_(order) {}

  void reset() override {
    order_ = said_;
    is_at_start_ = true;
  }

  Step convert(std::string_view in, bool is_last, char* out, std::size_t room) override {
    const char* from = in.data();
    if (is_at_start_) {
      if (in.size() < unit_ && !is_last) return {};
      const auto is_mark = [this, in](bool is_big) {
        return in.size() >= unit_ && unit_at(in.data(), unit_, is_big) == byte_order_mark;
      };
      if (order_ == Order::by_mark) order_ = is_mark(true) ? Order::big : Order::little;
      if (is_mark(order_ == Order::big)) from += unit_;
      is_at_start_ = false;
    }
    const char* const end = in.data() + in.size();
    char* to = out;
    const char* const stop = out + room - std::min(room, made_max);
    while (to <= stop) {
      if (unit_ == 2) to = ascii(from, end, to, stop);
      const auto left = static_cast<std::size_t>(end - from);
      if (left == 0 || to > stop) break;
      const std::size_t taken = character(from, left, is_last, to);
      if (taken == 0) break;
      from += taken;
    }
    return {static_cast<std::size_t>(from - in.data()), static_cast<std::size_t>(to - out)};
  }

 private:
  static constexpr std::uint32_t byte_order_mark = 0xfeff;

  std::uint32_t unit_at(const char* at, std::size_t size, bool is_big) const {
    std::uint32_t unit = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = is_big ? i : size - 1 - i;
      unit = unit << 8U | static_cast<unsigned char>(at[place]);
    }
    return unit;
  }

  /// Four units of UTF-16 at a time, while they are ASCII.
  char* ascii(const char*& from, const char* end, char* to, const char* stop) const {
    const bool is_big = order_ == Order::big;
    const std::uint64_t others = is_big ? 0x80ff80ff80ff80ff : 0xff80ff80ff80ff80;
    while (end - from >= 8 && to <= stop) {
      std::uint64_t word = word_at(from);
      if ((word & others) != 0) break;
      if (is_big) word >>= 8U;
      word = (word | word >> 8U) & 0x0000ffff0000ffff;
      word |= word >> 16U;
      std::memcpy(to, &word, 4);
      to += 4;
      from += 8;
    }
    return to;
  }

  /// Converts the character at `from`, and says how many bytes it takes: 0 where it is cut off.
  std::size_t character(const char* from, std::size_t left, bool is_last, char*& to) const {
    const bool is_big = order_ == Order::big;
    if (left < unit_) {
      if (!is_last) return 0;
      for (std::size_t i = 0; i < left; ++i) to = put_mark(to, static_cast<unsigned char>(from[i]));
      return left;
    }
    const std::uint32_t first = unit_at(from, unit_, is_big);
    if (unit_ == 2 && first >= 0xd800 && first < 0xdc00) {
      if (left < 4 && !is_last) return 0;
      const std::uint32_t second = left < 4 ? 0 : unit_at(from + 2, 2, is_big);
      if (second >= 0xdc00 && second < 0xe000) {
        to = put_character(to, 0x10000 + ((first - 0xd800) << 10U) + (second - 0xdc00));
        return 4;
      }
    }
    if (is_surrogate(first) || first > 0x10ffff) {
      for (std::size_t i = 0; i < unit_; ++i)
        to = put_mark(to, static_cast<unsigned char>(from[i]));
    } else {
      to = put_character(to, first);
    }
    return unit_;
  }

  std::size_t unit_;
  Order said_;
  Order order_;
  bool is_at_start_ = true;
};

/// All else that iconv knows.
class ByIconv final : public Transcoder {
 public:
  explicit ByIconv(const std::string& name) : converter_("UTF-8", name) {}

  void reset() override { converter_.reset(); }

  Step convert(std::string_view in, bool is_last, char* out, std::size_t room) override {
    const char* from = in.data();
    const char* const end = from + in.size();
    char* to = out;
    while (from != end) {
      const std::size_t left = room - static_cast<std::size_t>(to - out);
      if (left < made_max) break;
      const char* const began = from;
      const auto had = converter_.convert(from, static_cast<std::size_t>(end - from), to, left);
      if (had == Iconv::End::all || (had == Iconv::End::no_room && from == began)) break;
      if (had == Iconv::End::no_room) continue;
      // No character has more bytes than that.
      const bool is_beginning = had == Iconv::End::cut_off && !is_last && end - from < 8;
      if (is_beginning) break;
      if (room - static_cast<std::size_t>(to - out) < mark_size) break;
      to = put_mark(to, static_cast<unsigned char>(*from++));
    }
    if (from == end && is_last) converter_.reset(to, room - static_cast<std::size_t>(to - out));
    return {static_cast<std::size_t>(from - in.data()), static_cast<std::size_t>(to - out)};
  }

 private:
  Iconv converter_;
};

struct WideForm {
  std::size_t unit;
  Order order;
};

std::optional<WideForm> wide_form_of(const std::string& name) {
  if (!Encoding{name, name}.is_wide()) return std::nullopt;
  const Order order = name.ends_with("LE")   ? Order::little
                      : name.ends_with("BE") ? Order::big
                                             : Order::by_mark;
  return WideForm{name.starts_with("UTF-16") ? 2U : 4U, order};
}

std::size_t character_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min(size, text.size());
}

}  // namespace

std::string mark_of(unsigned char byte) {
  std::string mark(mark_size, '\0');
  put_mark(mark.data(), byte);
  return mark;
}

std::optional<unsigned char> marked_byte(std::string_view text) {
  if (text.size() < mark_size || static_cast<unsigned char>(text[0]) != mark_lead)
    return std::nullopt;
  const auto high = static_cast<unsigned char>(text[1]);
  const auto low = static_cast<unsigned char>(text[2]);
  if ((high & 0xf0U) != 0x80 || (low & 0xf0U) != 0x80) return std::nullopt;
  return static_cast<unsigned char>((high & 15U) << 4U | (low & 15U));
}

std::string in_utf8(std::string_view bytes, const Encoding& encoding) {
  const auto transcoder = Transcoder::of(encoding);
  std::string text;
  std::array<char, 4096> room{};
  for (;;) {
    const auto step = transcoder->convert(bytes, true, room.data(), room.size());
    text.append(room.data(), step.made);
    bytes.remove_prefix(step.taken);
    if (step.taken == 0 && step.made == 0) return text;
  }
}

std::string with_marked_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::optional<unsigned char> byte = marked_byte(text);
    bytes += byte ? static_cast<char>(*byte) : text.front();
    text.remove_prefix(byte ? mark_size : 1);
  }
  return bytes;
}

std::unique_ptr<Transcoder> Transcoder::of(const Encoding& encoding) {
  if (const auto wide = wide_form_of(encoding.name))
    return std::make_unique<Wide>(wide->unit, wide->order);
  if (const auto table = SingleByte::table_of(encoding.iconv_name))
    return std::make_unique<SingleByte>(*table);
  return std::make_unique<ByIconv>(encoding.iconv_name);
}

struct Untranscoder::Converter : Iconv {
  using Iconv::Iconv;
};

namespace {

/// Of UTF-16 and UTF-32 whose order a byte-order mark has said, it is not known any more which:
/// what goes back is what a reader expects who has no mark.
std::string name_for_writing(const Encoding& encoding) {
  const auto wide = wide_form_of(encoding.name);
  if (wide && wide->order == Order::by_mark) return encoding.name + "LE";
  return encoding.iconv_name;
}

}  // namespace

Untranscoder::Untranscoder(const Encoding& encoding)
    : converter_(std::make_unique<Converter>(name_for_writing(encoding), "UTF-8")) {}

Untranscoder::~Untranscoder() = default;

void Untranscoder::append(std::string_view text, std::string& bytes) {
  std::array<char, 4096> room{};
  const char* from = text.data();
  const char* const end = from + text.size();
  while (from != end) {
    char* to = room.data();
    const auto had =
        converter_->convert(from, static_cast<std::size_t>(end - from), to, room.size());
    bytes.append(room.data(), to);
    if (had == Iconv::End::all || had == Iconv::End::no_room) continue;
    // What this encoding has no character for cannot have come out of it.
    from += character_size({from, end});
  }
  char* to = room.data();
  converter_->reset(to, room.size());
  bytes.append(room.data(), to);
}

std::string Untranscoder::bytes_of(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::size_t mark = std::min(text.find(static_cast<char>(mark_lead)), text.size());
    append(text.substr(0, mark), bytes);
    text.remove_prefix(mark);
    if (text.empty()) break;
    const std::optional<unsigned char> byte = marked_byte(text);
    if (byte) bytes += static_cast<char>(*byte);
    text.remove_prefix(byte ? mark_size : 1);
  }
  return bytes;
}

}  // namespace sluice::source
