#include "source/transcoder.hpp"

#include <gmock/gmock.h>
#include <iconv.h>

#include <random>

#include "source/encoding.hpp"

namespace sluice::source {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

Encoding named(std::string_view name) {
  auto found = encoding_named(name);
  EXPECT_TRUE(found) << name;
  return found.value_or(Encoding{});
}

/// All of it, with inputs of `piece` bytes into outputs of `room`.
std::string decoded(const Encoding& encoding, std::string_view bytes, std::size_t piece = 1 << 16,
                    std::size_t room = 1 << 16) {
  const auto transcoder = Transcoder::of(encoding);
  std::string out(room, '\0');
  std::string text;
  std::string waiting;
  for (std::size_t at = 0;;) {
    const std::size_t more = std::min(piece, bytes.size() - at);
    waiting += bytes.substr(at, more);
    at += more;
    const bool is_last = at == bytes.size();
    for (;;) {
      const auto step = transcoder->convert(waiting, is_last, out.data(), out.size());
      EXPECT_LE(step.made, room);
      text.append(out.data(), step.made);
      waiting.erase(0, step.taken);
      if (step.taken == 0 && step.made == 0) break;
    }
    if (is_last) {
      EXPECT_EQ("", waiting);
      return text;
    }
  }
}

/// What iconv makes of it, which knows no marks.
std::string by_iconv(const std::string& to, const std::string& from, std::string text) {
  const iconv_t converter = ::iconv_open(to.c_str(), from.c_str());
  std::string out(text.size() * 8 + 16, '\0');
  char* in = text.data();
  char* into = out.data();
  std::size_t left = text.size();
  std::size_t room = out.size();
  EXPECT_EQ(0U, ::iconv(converter, &in, &left, &into, &room)) << to << " " << from;
  ::iconv_close(converter);
  out.resize(out.size() - room);
  return out;
}

TEST(Encodings, TakeEverybodysNames) {
  const std::vector<std::pair<std::string, std::string>> names{{"utf-8", "UTF8"},
                                                               {"UTF8", "UTF8"},
                                                               {"utf_8_sig", "UTF8"},
                                                               {"cp1252", "WIN1252"},
                                                               {"Windows-1252", "WIN1252"},
                                                               {"win1252", "WIN1252"},
                                                               {"latin-1", "LATIN1"},
                                                               {"ISO-8859-1", "LATIN1"},
                                                               {"iso8859_15", "LATIN9"},
                                                               {"latin9", "LATIN9"},
                                                               {"CP949", "UHC"},
                                                               {"shift_jis", "SJIS"},
                                                               {"cp932", "SJIS"},
                                                               {"gb2312", "EUC_CN"},
                                                               {"cp936", "GBK"},
                                                               {"GB18030", "GB18030"},
                                                               {"big5", "BIG5"},
                                                               {"koi8-r", "KOI8R"},
                                                               {"euc_jp", "EUC_JP"},
                                                               {"utf-16", "UTF-16"},
                                                               {"utf_16_le", "UTF-16LE"},
                                                               {"UTF16BE", "UTF-16BE"},
                                                               {"UCS-2LE", "UTF-16LE"},
                                                               {"utf-32-be", "UTF-32BE"},
                                                               {"cp866", "WIN866"},
                                                               {"mac_roman", "MACINTOSH"},
                                                               {"IBM037", "IBM037"},
                                                               {"cp437", "CP437"},
                                                               {"us-ascii", "ASCII"},
                                                               {"iso_8859_5", "ISO_8859_5"},
                                                               {"ISO-8859-5", "ISO_8859_5"}};
  for (const auto& [name, known] : names) EXPECT_EQ(known, named(name).name) << name;
  for (const char* name : {"", "klingon", "utf-9", "UTF-8//TRANSLIT", "latin1//IGNORE", "-", "\0a"})
    EXPECT_FALSE(encoding_named(name)) << name;
  EXPECT_EQ("UTF8", encoding_like("utf-9"));
  EXPECT_EQ("KOI8R", encoding_like("koi8-x").value_or(""));
}

TEST(Encodings, AreSeenInTheFirstBytes) {
  const std::string text = "id,name,at\r\n1,Müller,2025-01-01\r\n2,東京,\r\n3,😀,x\r\n";
  for (const char* name : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"}) {
    const std::string bytes = by_iconv(name, "UTF-8", text);
    const std::string marked = by_iconv(name, "UTF-8", "\xef\xbb\xbf" + text);
    EXPECT_EQ(name, encoding_of_beginning(bytes).value_or(Encoding{}).name);
    EXPECT_EQ(name, encoding_of_beginning(marked).value_or(Encoding{}).name);
  }
  for (const std::string& bytes :
       {""s, "a"s, "id,name\n1,M\xfcller\n"s, text, "a\0b"s, std::string(400, '\0')})
    EXPECT_FALSE(encoding_of_beginning(bytes)) << bytes;
}

TEST(Encodings, AreGuessedByTheLettersOfAText) {
  const std::vector<std::pair<std::string, std::string>> texts{
      {"WIN1252", "1,Müller,Straße,2\n2,Fräulein Käthe,Größe,9\n"},
      {"WIN1251", "1,Москва,Россия\n2,Санкт-Петербург,улица\n"},
      {"KOI8R", "1,Москва,Россия\n2,Санкт-Петербург,улица\n"},
      {"SJIS", "1,東京都,株式会社\n2,ありがとうございます,テスト\n"},
      {"GBK", "1,北京市,中华人民共和国\n2,上海,有限公司\n"},
      {"WIN1253", "1,Αθήνα,Ελλάδα\n2,Θεσσαλονίκη,δρόμος\n"}};
  for (const auto& [name, text] : texts) {
    const std::string bytes = by_iconv(named(name).iconv_name, "UTF-8", text);
    const auto likely = likely_encodings(bytes, 2);
    std::vector<std::string> names;
    for (const Encoding& encoding : likely) names.push_back(encoding.name);
    EXPECT_THAT(names, ::testing::Contains(name)) << ::testing::PrintToString(names);
  }
}

const char* const all_kinds[] = {"LATIN1",   "WIN1252",  "UTF-16LE", "UTF-16BE",   "UTF-16",
                                 "UTF-32LE", "UTF-32BE", "SJIS",     "GB18030",    "EUC_JP",
                                 "BIG5",     "UHC",      "KOI8R",    "ISO-2022-JP"};

TEST(Transcoders, DoNotCareHowBytesCome) {
  std::mt19937 random(7);
  for (const char* name : all_kinds) {
    SCOPED_TRACE(name);
    const Encoding encoding = named(name);
    std::string bytes;
    for (int i = 0; i < 600; ++i) bytes += static_cast<char>(random() % (i < 300 ? 128U : 256U));
    const std::string whole = decoded(encoding, bytes);
    for (const std::size_t piece : {1, 2, 3, 7, 64})
      for (const std::size_t room : {16, 17, 33, 100})
        ASSERT_EQ(whole, decoded(encoding, bytes, piece, room)) << piece << " " << room;
  }
}

/// Whatever the bytes are, they come back.
TEST(Transcoders, LoseNothing) {
  std::mt19937 random(11);
  for (const char* name : {"LATIN1", "WIN1252", "UTF-16LE", "UTF-16BE", "UTF-32LE", "KOI8R",
                           "EUC_KR", "ISO_8859_8", "WIN1258", "WIN1255"}) {
    SCOPED_TRACE(name);
    const Encoding encoding = named(name);
    Untranscoder back(encoding);
    for (int round = 0; round < 50; ++round) {
      std::string bytes;
      for (int i = 0; i < 64; ++i) bytes += static_cast<char>(random() % 256U);
      ASSERT_EQ(bytes, back.bytes_of(decoded(encoding, bytes)));
    }
  }
}

TEST(Transcoders, AreIconvsWhereTextIsSound) {
  const std::string latin = "Zürich, 12 €, naïve œuvre; \"x\"\r\n";
  const std::string all = latin + "Ω≈ж東京😀\u0301\n";
  const std::string japanese =
      "東京,カタカナ,ﾊﾝｶｸ,表示,ソ\n";  // the second bytes of the last are ASCII's
  for (int repeat = 1; repeat < 40; ++repeat) {
    std::string text;
    for (int i = 0; i < repeat; ++i) text += all + "plain ascii text of some length\n";
    for (const char* name : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "GB18030"})
      ASSERT_EQ(text, decoded(named(name), by_iconv(name, "UTF-8", text))) << name;
  }
  EXPECT_EQ(latin, decoded(named("WIN1252"), by_iconv("CP1252", "UTF-8", latin)));
  EXPECT_EQ(japanese, decoded(named("SJIS"), by_iconv("CP932", "UTF-8", japanese)));
  EXPECT_EQ(japanese,
            decoded(named("ISO-2022-JP-3"), by_iconv("ISO-2022-JP-3", "UTF-8", japanese)));
}

TEST(Transcoders, MarkWhatIsNoCharacter) {
  EXPECT_EQ("a" + mark_of(0x81) + ",b", decoded(named("WIN1252"), "a\x81,b"));
  EXPECT_EQ("a" + mark_of(0x00) + mark_of(0xd8) + "b", decoded(named("UTF-16LE"),
                                                               "a\0\0\xd8"
                                                               "b\0"s));
  EXPECT_EQ("a" + mark_of(0x00) + mark_of(0xdc) + "b", decoded(named("UTF-16LE"),
                                                               "a\0\0\xdc"
                                                               "b\0"s));
  EXPECT_EQ("a" + mark_of('b'), decoded(named("UTF-16LE"), "a\0b"s));  // cut off
  EXPECT_EQ("a" + mark_of(0x00) + mark_of(0xd8), decoded(named("UTF-16LE"), "a\0\0\xd8"s));
  EXPECT_EQ(mark_of(0) + mark_of(0) + mark_of(0x11) + mark_of(0),
            decoded(named("UTF-32LE"), "\0\0\x11\0"s));
  EXPECT_EQ(mark_of(0x81) + "\n", decoded(named("SJIS"), "\x81\n"));
  EXPECT_EQ(mark_of(0x81), decoded(named("SJIS"), "\x81"));
  EXPECT_EQ(std::nullopt, marked_byte("\xff\x80"));
  EXPECT_EQ(std::nullopt, marked_byte("\xff\x80\x7f"));
  EXPECT_EQ(0xab, marked_byte(mark_of(0xab) + "x").value_or(0));
}

/// With the mark and without it is the same text.
TEST(Transcoders, LeaveOutAByteOrderMark) {
  for (std::size_t piece = 1; piece < 8; ++piece) {
    EXPECT_EQ("hi", decoded(named("UTF-16"), "\xff\xfeh\0i\0"s, piece));
    EXPECT_EQ("hi", decoded(named("UTF-16"), "\xfe\xff\0h\0i"s, piece));
    EXPECT_EQ("hi", decoded(named("UTF-16"), "h\0i\0"s, piece));
    EXPECT_EQ("hi", decoded(named("UTF-16LE"), "\xff\xfeh\0i\0"s, piece));
    EXPECT_EQ("hi", decoded(named("UTF-16BE"), "\xfe\xff\0h\0i"s, piece));
    EXPECT_EQ("h", decoded(named("UTF-32"), "\0\0\xfe\xff\0\0\0h"s, piece));
    EXPECT_EQ("h", decoded(named("UTF-32LE"), "\xff\xfe\0\0h\0\0\0"s, piece));
    EXPECT_EQ("h\xef\xbb\xbf", decoded(named("UTF-16LE"), "h\0\xff\xfe"s, piece))
        << "elsewhere it is a character";
  }
  EXPECT_EQ("", decoded(named("UTF-16"), "\xff\xfe"s));
  EXPECT_EQ("", decoded(named("UTF-16"), ""));
}

}  // namespace
}  // namespace sluice::source
