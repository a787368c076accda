#include <gtest/gtest.h>

#include <map>

#include "base/identifier.hpp"
#include "source/encoding.hpp"
#include "source/transcoder.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using source::Encoding;

/// What PostgreSQL makes of bytes in its own encodings, and what the client does.
class EncodingsOfTheServer : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create function decoded(bytes bytea, encoding text) returns text language plpgsql as $$ "
        "begin return convert_from(bytes, encoding); exception when others then return null; end "
        "$$");
  }

  /// Of each of these texts, "hex" separated by blanks: the server's, "-" where it has none.
  std::vector<std::string> by_server(const std::string& encoding, const std::string& texts) {
    const std::string all =
        db().value("select string_agg(coalesce(encode(convert_to(decoded(decode(t, 'hex'), " +
                   quote_literal(encoding) +
                   "), 'UTF8'), 'hex'), '-'), ' ' order by n) from unnest(string_to_array(" +
                   quote_literal(texts) + ", ' ')) with ordinality u (t, n)");
    return split(all);
  }

  static std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      parts.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return parts;
  }

  static std::string hex(std::string_view bytes) {
    static constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
      text += digits[static_cast<unsigned char>(c) >> 4U];
      text += digits[static_cast<unsigned char>(c) & 15U];
    }
    return text;
  }

  static std::string by_us(const Encoding& encoding, std::string_view bytes) {
    const auto transcoder = source::Transcoder::of(encoding);
    std::string out(64, '\0');
    const auto step = transcoder->convert(bytes, true, out.data(), out.size());
    out.resize(step.made);
    return out.contains('\xff') ? "-" : hex(out);
  }

  std::size_t differing(const std::string& name, const std::vector<std::string>& inputs,
                        std::string& examples) {
    const auto encoding = source::encoding_named(name);
    EXPECT_TRUE(encoding) << name;
    if (!encoding) return 0;
    EXPECT_EQ(name, encoding->name);
    std::string texts;
    for (const std::string& input : inputs) texts += (texts.empty() ? "" : " ") + hex(input);
    const std::vector<std::string> theirs = by_server(name, texts);
    EXPECT_EQ(inputs.size(), theirs.size());
    std::size_t count = 0;
    for (std::size_t i = 0; i < std::min(inputs.size(), theirs.size()); ++i) {
      const std::string ours = by_us(*encoding, inputs[i]);
      // What PostgreSQL has no character for is refused there; here more may be known.
      if (ours == theirs[i] || theirs[i] == "-") continue;
      if (++count <= 5) examples += " " + hex(inputs[i]) + ":" + theirs[i] + "/" + ours;
    }
    return count;
  }
};

TEST_F(EncodingsOfTheServer, OfOneByteAreTheSameForEachByte) {
  std::vector<std::string> inputs;
  for (int byte = 1; byte < 256; ++byte) inputs.emplace_back(1, static_cast<char>(byte));
  for (const char* name :
       {"LATIN1",  "LATIN2",  "LATIN3",  "LATIN4",     "LATIN5",     "LATIN6",     "LATIN7",
        "LATIN8",  "LATIN9",  "LATIN10", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8",
        "WIN1250", "WIN1251", "WIN1252", "WIN1253",    "WIN1254",    "WIN1255",    "WIN1256",
        "WIN1257", "WIN1258", "WIN866",  "WIN874",     "KOI8R",      "KOI8U"}) {
    std::string examples;
    EXPECT_EQ(0U, differing(name, inputs, examples)) << name << examples;
  }
}

TEST_F(EncodingsOfTheServer, OfTwoBytesAreTheSame) {
  std::vector<std::string> inputs;
  for (int lead = 0x80; lead < 256; ++lead)
    for (int tail = 0x30; tail < 256; ++tail)
      inputs.push_back({static_cast<char>(lead), static_cast<char>(tail)});
  // PostgreSQL's BIG5 is of an old table, with U+FFFD in places; GB18030 of 2005 has characters
  // where that of 2000 had private ones; glibc's UHC has no private ones; EUC_JIS_2004 has the wide
  // forms of an overline and of a yen sign.
  const std::map<std::string, std::size_t> known{
      {"SJIS", 0},   {"BIG5", 267}, {"GBK", 0},    {"UHC", 189},  {"GB18030", 25},
      {"EUC_JP", 0}, {"EUC_CN", 0}, {"EUC_KR", 0}, {"EUC_TW", 0}, {"EUC_JIS_2004", 2}};
  for (const auto& [name, count] : known) {
    std::string examples;
    EXPECT_EQ(count, differing(name, inputs, examples)) << name << examples;
  }
}

/// A file in some encoding comes to what the same file in UTF-8 does.
class EncodedLoads : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, a text, b text); create table u (id int, a text, b text)");
  }

  /// Records with each of these characters, in quotes and not, with line ends in quotes.
  static std::string records_with(const std::vector<std::string>& characters) {
    std::string text = "id,a,b\r\n";
    int id = 0;
    for (const std::string& c : characters) {
      text += std::to_string(++id) + "," + c + c + ",\"x" + c + "\r\n, " + c + "\"\r\n";
      if (id % 7 == 0) text += std::to_string(++id) + ",plain,\"\"\"\"\r\n";
    }
    return text;
  }

  Loaded load(const std::string& table, const std::string& bytes, const std::string& encoding,
              std::size_t chunk_bytes) {
    plan::LoadOptions options;
    options.path = folder_.write(table + ".csv", bytes);
    options.table = table;
    options.encoding = encoding;
    options.chunk_bytes = chunk_bytes;
    options.again = true;
    return run_load(url(), options);
  }

  std::string difference() {
    return db().value(
        "select count(*) from (select * from t full join u using (id, a, b) where t is null or u "
        "is null) x");
  }

  TemporaryFolder folder_;
};

/// What the encoding has, as far as it is known to go there and back.
std::vector<std::string> characters_of(const Encoding& encoding) {
  const std::string sample =
      "äöüßéèñçøåÆœŒ€ŠžÿĄęłőţğİşАяЖщЁЄїґΑωάΞשלוםمرحباสวัสดีẢđơ東京都漢字カタカナ表示ソ能ﾊﾝｶｸ中华人民"
      "共和国繁體中文한글조합완성、。「」";
  std::vector<std::string> found;
  source::Untranscoder back(encoding);
  for (std::size_t at = 0; at < sample.size();) {
    std::size_t size = 1;
    while (at + size < sample.size() &&
           (static_cast<unsigned char>(sample[at + size]) & 0xc0U) == 0x80)
      ++size;
    std::string c = sample.substr(at, size);
    at += size;
    const std::string bytes = back.bytes_of(c);
    if (!bytes.empty() && source::in_utf8(bytes, encoding) == c) found.push_back(std::move(c));
  }
  return found;
}

TEST_F(EncodedLoads, AreTheSameAsInUtf8) {
  const char* const names[] = {
      "LATIN1",  "LATIN2",     "LATIN3",   "LATIN4",     "LATIN5",     "LATIN6",     "LATIN7",
      "LATIN8",  "LATIN9",     "LATIN10",  "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8",
      "WIN1250", "WIN1251",    "WIN1252",  "WIN1253",    "WIN1254",    "WIN1255",    "WIN1256",
      "WIN1257", "WIN1258",    "WIN866",   "WIN874",     "KOI8R",      "KOI8U",      "EUC_JP",
      "EUC_CN",  "EUC_KR",     "EUC_TW",   "SJIS",       "BIG5",       "GBK",        "UHC",
      "GB18030", "UTF-16LE",   "UTF-16BE", "UTF-32LE",   "UTF-32BE",   "cp437",      "mac_roman",
      "cp850",   "ISO-2022-JP"};
  std::size_t round = 0;
  for (const char* name : names) {
    SCOPED_TRACE(name);
    const auto encoding = source::encoding_named(name);
    ASSERT_TRUE(encoding);
    const std::vector<std::string> characters = characters_of(*encoding);
    EXPECT_GT(characters.size(), 3U);
    const std::string text = records_with(characters);
    const std::string bytes = source::Untranscoder(*encoding).bytes_of(text);
    const std::size_t chunk_bytes = std::vector<std::size_t>{64, 100, 333, 4096}[round++ % 4];
    db().run("truncate t, u");
    const Loaded plain = load("u", text, "", 1 << 20);
    ASSERT_TRUE(plain.ok()) << plain.message;
    const Loaded encoded = load("t", bytes, name, chunk_bytes);
    ASSERT_TRUE(encoded.ok()) << encoded.message;
    EXPECT_EQ(plain.report.total.rows_stored, encoded.report.total.rows_stored);
    EXPECT_EQ("0", difference());
  }
}

TEST_F(EncodedLoads, WideTextIsRecognised) {
  const std::string text = records_with({"ä", "東", "😀"});
  for (const char* name : {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"}) {
    for (const char* mark : {"", "\xef\xbb\xbf"}) {
      SCOPED_TRACE(name);
      db().run("truncate t, u");
      ASSERT_TRUE(load("u", text, "", 1 << 20).ok());
      const std::string bytes =
          source::Untranscoder(*source::encoding_named(name)).bytes_of(mark + text);
      const Loaded encoded = load("t", bytes, "", 64);
      ASSERT_TRUE(encoded.ok()) << encoded.message;
      EXPECT_EQ("0", difference());
    }
  }
}

TEST_F(EncodedLoads, ABadRecordIsNamedInTheFilesOwnBytes) {
  // 0x81 is nothing in WIN1252; the records before it have a byte for each character.
  const std::string bytes = "id,a,b\n1,\xe4\xe4,\xfc\n2,caf\xe9\x81,x\n3,y,z\n";
  plan::LoadOptions options;
  options.path = folder_.write("w.csv", bytes);
  options.table = "t";
  options.encoding = "cp1252";
  const Loaded stopped = run_load(url(), options);
  ASSERT_TRUE(stopped.bad_record) << stopped.message;
  EXPECT_EQ(bytes.find("2,caf"), stopped.bad_record->reject().position.byte_offset);
  EXPECT_EQ(3U, stopped.bad_record->reject().position.line);
  EXPECT_NE(std::string::npos,
            stopped.message.find("invalid byte sequence for encoding \"WIN1252\": 0x81"))
      << stopped.message;

  options.rejects.rejects_max = 5;
  options.again = true;
  const Loaded loaded = run_load(url(), options);
  EXPECT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ("id,a,b\n2,caf\xe9\x81,x\n", read_file(loaded.report.rejects_path));
  EXPECT_EQ("1ääü 3yz", db().value("select string_agg(id || a || b, ' ' order by id) from t"));
}

TEST_F(EncodedLoads, RejectsOfWideTextAreWideTextAgain) {
  const Encoding encoding = *source::encoding_named("UTF-16LE");
  source::Untranscoder back(encoding);
  const std::string mark = "\xef\xbb\xbf";
  plan::LoadOptions options;
  options.path = folder_.write(
      "w.csv", back.bytes_of(mark + "id,a,b\r\n1,ä,b\r\nx,東,b\r\n3,c,d\r\ny,\"e\r\nf\",g\r\n"));
  options.table = "t";
  options.rejects.rejects_max = 5;
  const Loaded loaded = run_load(url(), options);
  EXPECT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(2U, loaded.report.rows_rejected);
  EXPECT_EQ(back.bytes_of(mark + "id,a,b\r\nx,東,b\r\ny,\"e\r\nf\",g\r\n"),
            read_file(loaded.report.rejects_path));
  const std::string reasons = read_file(
      loaded.report.rejects_path.substr(0, loaded.report.rejects_path.size() - 4) + ".jsonl");
  const std::size_t begin = back.bytes_of(mark + "id,a,b\r\n1,ä,b\r\n").size();
  EXPECT_NE(std::string::npos, reasons.find("\"byte_offset\":" + std::to_string(begin) + ","))
      << reasons;
}

TEST_F(EncodedLoads, WhatIsNoUtf8IsSaidWithWhatItMayBe) {
  const Loaded latin = load("t", "id,a,b\n1,caf\xe9,M\xfcller\n", "", 1 << 20);
  EXPECT_NE(std::string::npos, latin.message.find("--encoding WIN1252: 1,café,Müller"))
      << latin.message;
}

}  // namespace
}  // namespace sluice::test
