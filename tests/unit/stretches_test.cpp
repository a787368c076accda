#include "script/stretches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "support/files.hpp"

namespace sluice::script {
namespace {

/// Everything that can stand across the end of a part.
const std::string all_kinds =
    "\xEF\xBB\xBF-- pgsluice: placeholder name\r\n-- pgsluice: placeholder value secret\n"
    "/* a /* ; */ nested ; */ select 1;;\n;select ';', \";\", 'it''s; so', E'\\';', $$ ; $$, "
    "$a$ $$;$$ $b$ $a$ -- don't; stop\r\n, $1, a$b$ ;\n"
    "create rule r as on insert to t do also (insert into a values (1); insert into b values (2));"
    "create or replace function f() returns int begin atomic select 1; select case when true then "
    "1 "
    "else 2 end; end;select :'value', :\"name\", ${name}, '${name}', a::text, ':''name''';\r\n"
    "\tselect\n\n2 ; select E'\\\\';\n-- the end; of it\nselect 3 /* behind";

const std::string in_blocks =
    "-- pgsluice: no-transaction\ncreate index concurrently i on t (a);\nbegin;\n select 1; select "
    "';';\ncommit;vacuum t;begin;end;\nstart transaction; select 2; rollback;\nselect 3";

struct Found {
  std::vector<std::string> units;  ///< place, words and text of each, and as it is written
  std::vector<std::string> whole;  ///< all of the text, as it is sent and as it is written
  std::string refusal;

  bool operator==(const Found&) const = default;
};

void PrintTo(const Found& found, std::ostream* out) {
  *out << ::testing::PrintToString(found.units) << ::testing::PrintToString(found.whole)
       << found.refusal;
}

class StretchesOf : public ::testing::Test {
 protected:
  /// The same text twice: kept, and to be read again.
  void take(const std::string& bytes) {
    path_ = folder_.write("V1__a.sql", bytes);
    kept_ = make_script(path_, bytes);
    read_ = kept_;
    read_.is_kept = false;
    read_.text.clear();
  }

  static Found found(const Script& script, std::size_t part_bytes) {
    Found all{.units = {}, .whole = {"", ""}, .refusal = ""};
    try {
      Stretches stretches(script, {{"name", "a b"}, {"split", "a;b"}, {"value", "it's"}},
                          part_bytes);
      while (const auto stretch = stretches.next()) {
        all.whole[0] += stretch->sql;
        all.whole[1] += stretch->written.empty() ? stretch->sql : stretch->written;
        EXPECT_EQ(all.units.size(), stretch->units_before);
        for (std::size_t i = 0; i < stretch->units.size(); ++i)
          all.units.push_back(told(*stretch, i));
      }
      EXPECT_TRUE(stretches.is_as_it_was());
    } catch (const Failure& failure) {
      all.refusal = failure.what();
    }
    return all;
  }

  static std::string told(const Stretch& stretch, std::size_t i) {
    const Unit& unit = stretch.units[i];
    std::string text = std::to_string(unit.place.line) + ":" + std::to_string(unit.place.column);
    for (const std::string& word : unit.words) text += " " + word;
    text += " | " + std::string(stretch.unit(i)) + " | ";
    return text + std::string(stretch.written_unit(i).value_or("other units"));
  }

  void expect_the_same_in_parts() {
    const Found whole = found(kept_, 3);
    for (std::size_t bytes = 3; bytes <= kept_.text.size() + 1; ++bytes)
      ASSERT_EQ(whole, found(read_, bytes)) << "parts of " << bytes;
  }

  test::TemporaryFolder folder_;
  std::string path_;
  Script kept_;
  Script read_;
};

TEST_F(StretchesOf, AFileAreThoseOfItsTextWhateverThePartsAre) {
  take(all_kinds + " */");
  expect_the_same_in_parts();
  const Found all = found(read_, 16);
  EXPECT_THAT(all.units, ::testing::SizeIs(8));
  EXPECT_EQ(kept_.text, all.whole[1]);
  EXPECT_THAT(all.whole[0], ::testing::HasSubstr("'it''s', \"a b\", a b, 'a b'"));
}

TEST_F(StretchesOf, AFileWithoutATransactionKeepItsBlocksWhole) {
  take(in_blocks);
  expect_the_same_in_parts();
  EXPECT_THAT(found(read_, 16).units, ::testing::SizeIs(6));
}

TEST_F(StretchesOf, AFileRefuseWhatItsTextDoes) {
  const char* const cases[] = {
      "select 'no end; select 1;",
      "select 1; /* no end ; select 1",
      "select 1;\n do $x$ ; $y$;",
      "select 1;\n\\i other.sql\nselect 2;",
      "copy t from stdin;\n1\tit's\nselect 1;",
      "copy t from stdin (format csv);\n1\tit's\n\\.\nselect 1;",
      "select 1;\nbegin; select 2; commit;",
      "select 1;\n-- pgsluice: no-transaction\nselect 2;",
      "select 1;\n-- +goose Down\nselect 2;",
      "-- pgsluice: no-transaction\nbegin; select 1; begin; commit;",
      "-- pgsluice: no-transaction\nselect 1; commit; select 2;",
      "-- pgsluice: no-transaction\nselect 1; begin; select 2; select 3;",
      "-- pgsluice: no-transaction\n-- pgsluice: placeholder split\nselect 1; select ${split}; "
      "select 2;",
      "-- pgsluice: placeholder other\nselect :'other';",
  };
  for (const char* const text : cases) {
    take(text);
    const Found whole = found(kept_, 3);
    EXPECT_NE("", whole.refusal) << text;
    for (std::size_t bytes = 3; bytes <= kept_.text.size() + 1; ++bytes)
      ASSERT_EQ(whole.refusal, found(read_, bytes).refusal) << text << " in parts of " << bytes;
  }
}

TEST_F(StretchesOf, AFileCountForTheHistoryAsThoseOfItsText) {
  take(in_blocks);
  const std::vector<std::string> checksums = checksums_of_units(kept_.text);
  for (std::size_t count = 0; count < checksums.size(); ++count)
    EXPECT_EQ(checksums[count], checksum_of_units(read_, count));
  EXPECT_EQ(std::nullopt, checksum_of_units(read_, checksums.size()));
}

TEST_F(StretchesOf, AFileThatWasChangedAreNotWhatTheyWere) {
  take("select 1;\nselect 2;");
  folder_.write("V1__a.sql", "select 1;\nselect 3;");
  EXPECT_THROW(checked_units(read_, {}), Failure);
  EXPECT_EQ(2U, checked_units(kept_, {}));
}

TEST_F(StretchesOf, AStatementThatIsTooLongIsRefusedWithItsPlace) {
  const std::string text = "select 1;\n  select '" + std::string(65U << 20U, 'x') + "';";
  const Script script = read_script(folder_.write("long.sql", text));
  ASSERT_FALSE(script.is_kept);
  EXPECT_THAT(found(script, limits::script_part_bytes).refusal,
              ::testing::StartsWith(script.path + ":2:10: what begins here has no end within"));
}

/// What is read in parts is read as what comes whole.
TEST(ScriptTextOf, PartsIsThatOfTheWhole) {
  const std::string bytes =
      "\xEF\xBB\xBF"
      "a\r\nb\r\r\nc\r";
  for (std::size_t first = 3; first <= bytes.size(); ++first) {
    ScriptText parts("x.sql");
    std::string text;
    parts.add(std::string_view(bytes).substr(0, first), text);
    parts.add(std::string_view(bytes).substr(first), text);
    parts.end(text);
    EXPECT_EQ("a\nb\r\nc\r", text) << first;
    EXPECT_EQ(sha256(text), parts.checksum());
  }
}

TEST(ScriptTextOf, AFileIsKeptOnlyWhereItIsShort) {
  const test::TemporaryFolder folder;
  const std::string line = "select '" + std::string(1000, 'x') + "';\n";
  std::string text;
  while (text.size() < limits::script_kept_bytes_max / 2) text += line;
  for (int i = 1; i <= 40; ++i) folder.write("V" + std::to_string(i) + "__a.sql", text);
  std::size_t kept = 0;
  for (const Script& script : read_folder(folder.path()).versioned) {
    kept += script.text.size();
    EXPECT_EQ(sha256(text), script.checksum);
  }
  EXPECT_GT(kept, limits::scripts_kept_bytes_max / 2);
  EXPECT_LE(kept, limits::scripts_kept_bytes_max);
}

/// What stands between the lines of data, and the data.
std::string with_data(const Script& script, std::size_t part_bytes) {
  Stretches stretches(script, {}, part_bytes);
  std::string all;
  while (const std::optional<Stretch> stretch = stretches.next()) {
    all += stretch->sql;
    if (!stretch->has_data) continue;
    const Unit& copy = stretch->units.back();
    all += "[" + std::to_string(copy.place.line) + " ";
    for (std::string_view data = stretches.data(); !data.empty(); data = stretches.data())
      all += data;
    all += "]";
  }
  return all;
}

TEST_F(StretchesOf, AFileGiveOutTheDataOfItsCopies) {
  take(
      "create table t (a int);\ncopy t from stdin;\n1\tit's;\n\\N\n\\\\.\n\\.\n\ncopy t (a) from "
      "stdin;\n\\.\nselect 1;\n-- end");
  const std::string whole = with_data(kept_, 3);
  EXPECT_EQ(
      "create table t (a int);\ncopy t from stdin;\n[2 1\tit's;\n\\N\n\\\\.\n]\ncopy t (a) from "
      "stdin;\n[8 ]select 1;\n-- end",
      whole);
  for (std::size_t bytes = 3; bytes <= kept_.text.size() + 1; ++bytes) {
    ASSERT_EQ(whole, with_data(read_, bytes)) << "parts of " << bytes;
    ASSERT_EQ(whole, with_data(kept_, bytes)) << "parts of " << bytes;
  }
}

}  // namespace
}  // namespace sluice::script
