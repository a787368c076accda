#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Encodings of text that a file may be in: what people call them, and what they are called here.
namespace sluice::source {

/// One of them. Its name is PostgreSQL's where PostgreSQL has it (LATIN1, WIN1252, SJIS), else that
/// of iconv in capitals (UTF-16LE, IBM037).
struct Encoding {
  std::string name = "UTF8";
  std::string iconv_name = "UTF-8";

  bool is_utf8() const { return name == "UTF8"; }
  /// Its units are of two or four bytes.
  bool is_wide() const { return name.starts_with("UTF-16") || name.starts_with("UTF-32"); }
  /// Which order its bytes have, the text has to say.
  bool needs_mark() const { return name == "UTF-16" || name == "UTF-32"; }
  bool operator==(const Encoding&) const = default;
};

/// The encoding of that name: PostgreSQL's, Python's or iconv's, whatever its case and whatever
/// stands between its parts (cp1252, latin-1, Windows-1252, utf_16_le). Nothing where none of them
/// knows it, or this system cannot convert it.
std::optional<Encoding> encoding_named(std::string_view name);

/// The name that was probably meant.
std::optional<std::string> encoding_like(std::string_view name);

/// What the first bytes say: a byte-order mark, or the zero bytes of UTF-16 and UTF-32 text that is
/// mostly ASCII. Nothing where they say nothing, as in UTF-8.
std::optional<Encoding> encoding_of_beginning(std::string_view bytes);

/// Which encodings text that is not UTF-8 may be in, the likelier one first; at most `count`. They
/// are all that fit: a person decides.
std::vector<Encoding> likely_encodings(std::string_view bytes, std::size_t count);

}  // namespace sluice::source
