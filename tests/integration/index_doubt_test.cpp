#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A text that no compression makes shorter.
std::string noise(std::size_t length) {
  std::string text;
  std::uint32_t state = 12345;
  while (text.size() < length) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>('a' + (state >> 16) % 26);
  }
  return text;
}

/// What an index refuses is a reject, whether the index is there while the rows come or not: the
/// same table, the same rejects, and the index in the end.
class IndexDoubt : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create extension if not exists pg_trgm; create domain small as int; create domain word as "
        "text; create type colour as enum ('red', 'blue');"
        "create function picky(int) returns int immutable language plpgsql as $$ begin if $1 = 7 "
        "then raise 'seven'; end if; return $1; end $$");
  }

  static std::string csv() {
    const std::string wide = noise(9000);
    std::string text = "id,d,n,s,w,v,c,j,a,ia,ts,h\n";
    const auto add = [&text](int id, const std::string& d, const std::string& n,
                             const std::string& s, const std::string& j, const std::string& a) {
      text += std::to_string(id) + "," + d + "," + n + "," + s + "," + s + "," + s.substr(0, 15) +
              ",red," + j + "," + a + ",\"{1,2}\",2026-01-0" + std::to_string(1 + id % 9) + ",\"" +
              s.substr(0, 100) + "\"\n";
    };
    for (int id = 1; id <= 60; ++id)
      add(id, std::to_string(id), std::to_string(id) + ".5", "s" + std::to_string(id), "{}",
          "\"{x,y}\"");
    add(61, "0", "1", "zero", "{}", "{}");
    add(62, "7", "1", "seven", "{}", "{}");
    add(63, "2147483647", "1", "much", "{}", "{}");
    add(64, "1", "1", wide, "{}", "{}");
    add(65, "1", "1e9000", "n", "{}", "{}");
    add(66, "1", "0." + std::string(9000, '7'), "n", "{}", "{}");
    add(67, "1", "1", "j", "\"{\"\"k\"\": \"\"" + wide + "\"\"}\"", "{}");
    add(68, "1", "1", "a", "{}", "\"{" + wide + "}\"");
    add(69, "1", "1", "İ", "{}", "{}");
    // Just about as long as a third of a page, which the index decides.
    for (int length = 2680; length < 2720; length += 4)
      add(100 + length, "1", "1", noise(static_cast<std::size_t>(length)), "{}", "{}");
    for (int id = 70; id <= 90; ++id) add(id, "1", "1", "late", "{}", "{}");
    return text;
  }

  Finished load(const std::string& path, bool deferred) {
    db().run("truncate t");
    std::vector<std::string> command{"load",
                                     path,
                                     "-t",
                                     "t",
                                     "-d",
                                     url(),
                                     "--again",
                                     "--max-rejects",
                                     "40",
                                     "--rejects",
                                     folder_ / "r.csv",
                                     "--chunk-size",
                                     "4KiB"};
    if (deferred) command.emplace_back("--defer-indexes");
    return pgsluice(command);
  }

  TemporaryFolder folder_;
};

TEST_F(IndexDoubt, ChangesNothingForAnyKindOfIndex) {
  const std::vector<std::string> definitions{"(d)",
                                             "((10 / d))",
                                             "((d + 1))",
                                             "(picky(d))",
                                             "(d) where 10 / d > 1",
                                             "(d) where d > 3",
                                             "(d) where n > 3 and s <> 'x' and ts is not null",
                                             "(n)",
                                             "(s)",
                                             "(lower(s))",
                                             "(upper(w))",
                                             "(w)",
                                             "(v)",
                                             "(s, w)",
                                             "(d) include (s)",
                                             "(d) include (j)",
                                             "(d, v, c, ts)",
                                             "(s collate \"C\" text_pattern_ops desc)",
                                             "using hash (s)",
                                             "using hash (a)",
                                             "using gin (a)",
                                             "using gin (ia)",
                                             "using gin (j)",
                                             "using gin (j jsonb_path_ops)",
                                             "using gin (to_tsvector('simple', s))",
                                             "using gin (s gin_trgm_ops)",
                                             "using gist (s gist_trgm_ops)",
                                             "using brin (d)",
                                             "using brin (ts, d)",
                                             "using spgist (s)",
                                             "(j)",
                                             "(a)",
                                             "((s || w))",
                                             "((j ->> 'k'))",
                                             "((ts::date))",
                                             "(h)",
                                             "((n::int))"};
  const std::string path = folder_.write("in.csv", csv());
  int deferred = 0;
  for (const std::string& definition : definitions) {
    db().run(
        "drop table if exists t; create table t (id int, d small, n numeric, s text, w word, v "
        "varchar(20), c colour, j jsonb, a text[], ia int[], ts timestamp, h char(200)) with "
        "(autovacuum_enabled = off)");
    db().run("create index i on t " + definition);
    const Finished plain = load(path, false);
    const std::string expected = content("t");
    const Finished later = load(path, true);
    EXPECT_EQ(plain.exit_code, later.exit_code) << definition << "\n" << plain.err << later.err;
    EXPECT_TRUE(plain.exit_code == 0 || plain.exit_code == 3) << plain.err;
    EXPECT_EQ(expected, content("t")) << definition;
    EXPECT_EQ("t", db().value("select indisvalid from pg_index where indexrelid = 'i'::regclass"))
        << definition;
    EXPECT_EQ(0, db().number("select count(*) from pgsluice.deferred_indexes")) << definition;
    if (later.err.find("dropped 1 index") != std::string::npos) ++deferred;
  }
  EXPECT_LE(18, deferred) << "what is safe, or safe but for long values, is built at the end";
}

TEST_F(IndexDoubt, OfALongValueEndsOnlyWhenOneComes) {
  db().run("create table t (id int, s text); create index by_s on t (s)");
  std::string text = "id,s\n";
  for (int i = 0; i < 200; ++i) text += std::to_string(i) + ",short\n";
  const std::string narrow = folder_.write("narrow.csv", text);
  const std::string wide = folder_.write("wide.csv", text + "1000," + noise(9000) + "\n1001,x\n");
  const Finished first = load(narrow, true);
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ(std::string::npos, first.err.find("before the end"));
  const Finished second = load(wide, true);
  EXPECT_EQ(3, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("built public.by_s again before the end"));
  EXPECT_THAT(read_file(folder_ / "r.2.jsonl") + read_file(folder_ / "r.jsonl"),
              HasSubstr("\"line\":202"));
  EXPECT_EQ(201, db().number("select count(*) from t"));
}

/// Of several files in one command, the index that the first has dropped is watched for all.
TEST_F(IndexDoubt, OfALongValueHoldsForLaterFilesToo) {
  db().run("create table t (id int, s text); create index by_s on t (s)");
  const std::string first = folder_.write("1.csv", "id,s\n1,a\n");
  const std::string second = folder_.write("2.csv", "id,s\n2," + noise(9000) + "\n3,b\n");
  const Finished loaded = pgsluice(
      {"load", first, second, "-t", "t", "-d", url(), "--defer-indexes", "--max-rejects", "5"});
  EXPECT_EQ(3, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1,3", db().value("select string_agg(id::text, ',' order by id) from t"));
  EXPECT_EQ("t", db().value("select to_regclass('by_s') is not null"));
}

/// A default, or a trigger, gives values that the source does not have.
TEST_F(IndexDoubt, OfValuesThatAreNotTheSources) {
  const std::string path = folder_.write("in.csv", "id\n1\n2\n");
  db().run(
      "create table t (id int, s text default repeat(md5('x'), 3)); create index by_s on t "
      "(s)");
  const Finished by_default = load(path, true);
  EXPECT_EQ(0, by_default.exit_code) << by_default.err;
  EXPECT_THAT(by_default.err, HasSubstr("built public.by_s again before the end"));
  db().run(
      "create function widen() returns trigger language plpgsql as $$ begin new.s := (select "
      "string_agg(md5(i::text), '') from generate_series(1, 300) i where new.id = 2); return "
      "new; end $$; create trigger widen before insert on t for each row execute function "
      "widen()");
  const Finished by_trigger = load(path, true);
  EXPECT_EQ(3, by_trigger.exit_code) << by_trigger.err;
  EXPECT_THAT(by_trigger.err, HasSubstr("kept 1 index of public.t"));
  EXPECT_EQ(1, db().number("select id from t"));
}

}  // namespace
}  // namespace sluice::test
