#include "source/encoding.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>

#include "base/suggestion.hpp"

namespace sluice::source {
namespace {

using namespace std::string_view_literals;

struct Known {
  std::string_view name;        ///< PostgreSQL's, where it has one
  std::string_view iconv_name;  ///< the one whose characters are PostgreSQL's
  std::string_view others;      ///< with a blank around each: capitals and digits alone
};

/// Names that do not follow from a rule. PostgreSQL's SJIS and EUC_JP are Microsoft's, as its
/// tables are. SHIFT_JIS_2004 and JOHAB are not among them: iconv has other characters than ASCII's
/// for some of their bytes.
constexpr Known known[] = {
    {"UTF8", "UTF-8", " UNICODE U8 UTF UTF8SIG CP65001 "},
    {"UTF-16", "UTF-16", " U16 UCS2 "},
    {"UTF-16LE", "UTF-16LE", " UCS2LE UNICODELITTLE UTF16LITTLE "},
    {"UTF-16BE", "UTF-16BE", " UCS2BE UNICODEBIG UTF16BIG "},
    {"UTF-32", "UTF-32", " U32 UCS4 "},
    {"UTF-32LE", "UTF-32LE", " UCS4LE "},
    {"UTF-32BE", "UTF-32BE", " UCS4BE "},
    {"LATIN1", "ISO-8859-1", " LATIN L1 8859 CP819 IBM819 ISO88591 "},
    {"LATIN2", "ISO-8859-2", " L2 ISO88592 "},
    {"LATIN3", "ISO-8859-3", " L3 ISO88593 "},
    {"LATIN4", "ISO-8859-4", " L4 ISO88594 "},
    {"LATIN5", "ISO-8859-9", " L5 ISO88599 "},
    {"LATIN6", "ISO-8859-10", " L6 ISO885910 "},
    {"LATIN7", "ISO-8859-13", " L7 ISO885913 "},
    {"LATIN8", "ISO-8859-14", " L8 ISO885914 "},
    {"LATIN9", "ISO-8859-15", " L9 ISO885915 "},
    {"LATIN10", "ISO-8859-16", " L10 ISO885916 "},
    {"ISO_8859_5", "ISO-8859-5", " CYRILLIC "},
    {"ISO_8859_6", "ISO-8859-6", " ARABIC "},
    {"ISO_8859_7", "ISO-8859-7", " GREEK GREEK8 "},
    {"ISO_8859_8", "ISO-8859-8", " HEBREW "},
    {"WIN1250", "CP1250", ""},
    {"WIN1251", "CP1251", " WIN "},
    {"WIN1252", "CP1252", " ANSI "},
    {"WIN1253", "CP1253", ""},
    {"WIN1254", "CP1254", ""},
    {"WIN1255", "CP1255", ""},
    {"WIN1256", "CP1256", ""},
    {"WIN1257", "CP1257", ""},
    {"WIN1258", "CP1258", " ABC TCVN TCVN5712 VSCII "},
    {"WIN866", "CP866", " ALT "},
    {"WIN874", "CP874", ""},
    {"KOI8R", "KOI8-R", " KOI8 "},
    {"KOI8U", "KOI8-U", ""},
    {"EUC_JP", "EUC-JP-MS", " EUCJP UJIS "},
    {"EUC_CN", "EUC-CN", " EUCCN GB2312 "},
    {"EUC_KR", "EUC-KR", " EUCKR KSC5601 KSX1001 "},
    {"EUC_TW", "EUC-TW", ""},
    {"EUC_JIS_2004", "EUC-JISX0213", " EUCJISX0213 EUCJIS2004 "},
    {"SJIS", "CP932", " SHIFTJIS MSKANJI WINDOWS31J CP932 MS932 WIN932 WINDOWS932 "},
    {"BIG5", "CP950", " BIG5TW CP950 MS950 WIN950 WINDOWS950 "},
    {"GBK", "GBK", " CP936 MS936 WIN936 WINDOWS936 "},
    {"UHC", "UHC", " CP949 MS949 WIN949 WINDOWS949 "},
    {"GB18030", "GB18030", " GB180302000 "},
    {"MACINTOSH", "MACINTOSH", " MACROMAN "},
    {"MAC-CYRILLIC", "MAC-CYRILLIC", " MACCYRILLIC "},
    {"ASCII", "ASCII", " USASCII 646 "},
};

/// Capitals and digits alone.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') text += static_cast<char>(c - 'a' + 'A');
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) text += c;
  }
  return text;
}

bool can_convert(const std::string& iconv_name) {
  const iconv_t converter = ::iconv_open("UTF-8", iconv_name.c_str());
  // iconv's own sign of failure.
  if (reinterpret_cast<std::intptr_t>(converter) == -1) return false;
  ::iconv_close(converter);
  return true;
}

/// Windows' code pages have four prefixes.
std::string without_prefix(const std::string& text) {
  for (const std::string_view prefix : {"WINDOWS"sv, "WIN"sv, "CP"sv, "MS"sv}) {
    if (text.starts_with(prefix) && text.size() > prefix.size())
      return "WIN" + text.substr(prefix.size());
  }
  return text;
}

std::optional<Encoding> known_as(const std::string& text) {
  for (const Known& one : known) {
    const std::string name = plain(one.name);
    const bool is_it = name == text || plain(one.iconv_name) == text ||
                       one.others.contains(" " + text + " ") || name == without_prefix(text);
    if (!is_it) continue;
    Encoding found{std::string(one.name), std::string(one.iconv_name)};
    if (can_convert(found.iconv_name)) return found;
  }
  return std::nullopt;
}

std::optional<Encoding> known_to_iconv(std::string_view name) {
  std::string spelt(name);
  for (char& c : spelt) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  // A suffix such as //TRANSLIT would change what is converted.
  if (spelt.empty() || spelt.contains('/') || spelt.contains('\0')) return std::nullopt;
  for (const bool with_hyphens : {false, true}) {
    if (with_hyphens) std::ranges::replace(spelt, '_', '-');
    if (can_convert(spelt)) return Encoding{spelt, spelt};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Encoding> encoding_named(std::string_view name) {
  const std::string text = plain(name);
  if (text.empty()) return std::nullopt;
  if (auto found = known_as(text)) return found;
  return known_to_iconv(name);
}

std::optional<std::string> encoding_like(std::string_view name) {
  std::vector<std::string> names;
  for (const Known& one : known) {
    names.emplace_back(one.name);
    names.emplace_back(plain(one.iconv_name));
  }
  const auto found = nearest(plain(name), names);
  if (!found) return std::nullopt;
  const auto encoding = encoding_named(*found);
  return encoding ? encoding->name : *found;
}

}  // namespace sluice::source
