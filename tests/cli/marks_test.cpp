#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "base/limits.hpp"
#include "source/fingerprint.hpp"
#include "source/starts.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

const std::string mark = "\xef\xbb\xbf";

/// What a text comes as.
struct Form {
  const char* name;
  const char* command;
  bool is_stream = false;
  std::vector<std::string> flags = {};
};
const Form forms[] = {{"plain", "cat"},
                      {"gz", "gzip -c"},
                      {"zip", "cat > m.csv && zip -q a.zip m.csv && cat a.zip"},
                      {"stdin", "cat", true},
                      {"packed stdin", "zstd -q -c", true},
                      {"utf-8", "cat", false, {"--encoding", "utf-8"}},
                      {"utf-8-sig", "cat", false, {"--encoding", "utf-8-sig"}}};

/// Those that differ in what is read.
const std::span<const Form> of_bytes(forms, 5);

/// What may come behind a load of this one: itself, and the plain file, where that has no other
/// name.
std::vector<Form> forms_behind(const Form& first) {
  std::vector<Form> all{first};
  const bool is_member = std::string_view(first.command).contains("zip -q");
  if (first.name != forms[0].name && !is_member) all.push_back(forms[0]);
  return all;
}

/// A byte-order mark is no content of a text in UTF-8 either.
class Marks : public DatabaseTest {
 protected:
  static std::string content(int records) {
    std::string csv = "id,v\n";
    for (int i = 0; i < records; ++i) csv += std::to_string(i) + ",some text\n";
    return csv;
  }
  /// ... of so many bytes.
  static std::string content_of(std::size_t size) {
    std::string csv = content(static_cast<int>(size / 18));
    csv += "-3,";
    return csv + std::string(size - csv.size() - 1, 'x') + "\n";
  }
  void begin_anew() {
    db().run(
        "drop table if exists t; drop schema if exists pgsluice cascade; create table t (id int, v "
        "text)");
    // So that the ledger is there.
    ASSERT_EQ(0, load(forms[0], "other.csv", "id,v\n-7,x\n").exit_code);
  }
  Finished load(const Form& form, const std::string& name, const std::string& text,
                const std::vector<std::string>& more = {}) {
    const std::string file = folder_.write(name, piped(form.command, text));
    std::vector<std::string> all{"load",         form.is_stream ? "-" : file,
                                 "-t",           "t",
                                 "--progress",   "none",
                                 "-d",           url(),
                                 "--chunk-size", "64KiB"};
    all.insert(all.end(), form.flags.begin(), form.flags.end());
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all, {.input = form.is_stream ? file : ""});
  }
  std::int64_t rows() { return db().number("select count(*) from t where id >= -5"); }

  /// Makes the newest load one of a version that took the mark in front of this content for a part
  /// of it.
  void count_mark(const std::string& text, bool has_length,
                  const std::string& which = "(select max(load_id) from pgsluice.loads)") {
    const std::string marked = mark + text;
    const std::string beginning = marked.substr(0, limits::fingerprint_bytes);
    const std::string tail =
        marked.substr(marked.size() - std::min(marked.size(), limits::fingerprint_bytes));
    const std::string fingerprint =
        source::head_digest(has_length ? std::to_string(marked.size()) + "\n" + beginning + tail
                                       : "stream\n" + beginning);
    db().run("update pgsluice.loads set fingerprint = '" + fingerprint + "', head = '" +
             source::head_digest(beginning) + "', head_bytes = " +
             std::to_string(beginning.size()) + ", start = nullif('" + source::start_of(beginning) +
             "', ''), source_bytes = source_bytes + 3, options = jsonb_set(options, "
             "'{begins,0}', to_jsonb((options->'begins'->>0)::bigint + 3)) where "
             "load_id = " +
             which);
    db().run("update pgsluice.chunks set byte_offset = byte_offset + 3 where load_id = " + which);
  }
  bool has_length() {
    return db().value(
               "select source_bytes is not null from pgsluice.loads order by load_id desc limit "
               "1") == "t";
  }

  TemporaryFolder folder_;
};

TEST_F(Marks, AreNoContent) {
  Sample sample(5);
  for (const int records : {0, 1, 20'000}) {
    for (const Form& first : forms) {
      for (const bool is_first_marked : {true, false}) {
        for (const Form& second : forms_behind(first)) {
          if (!sample.takes()) continue;
          SCOPED_TRACE(std::to_string(records) + " " + first.name + " then " + second.name +
                       (is_first_marked ? ", first marked" : ", second marked"));
          begin_anew();
          const std::string text = content(records);
          ASSERT_EQ(0, load(first, "a.csv", is_first_marked ? mark + text : text).exit_code);
          EXPECT_EQ(records, rows());
          const Finished again = load(second, "b.csv", is_first_marked ? text : mark + text);
          const bool has_name = !first.is_stream && !second.is_stream && records > 0;
          EXPECT_EQ(has_name ? 7 : 0, again.exit_code) << again.err << again.out;
          EXPECT_EQ(records, rows());
          const Finished grown = load(second, "b.csv", mark + text + "-1,more\n");
          EXPECT_EQ(records > 0 ? 7 : 0, grown.exit_code) << grown.err;
        }
      }
    }
  }
}

/// Of ledgers in which the mark is a part of the content.
TEST_F(Marks, ThatWereContentAreKnown) {
  Sample sample(7);
  for (const std::size_t size : {40UL, 65'533UL, 65'535UL, 65'536UL, 400'000UL}) {
    for (const Form& first : of_bytes) {
      for (const bool is_marked : {true, false}) {
        for (const Form& second : forms_behind(first)) {
          if (!sample.takes()) continue;
          SCOPED_TRACE(std::to_string(size) + " " + first.name + " then " + second.name +
                       (is_marked ? ", marked" : ", unmarked"));
          begin_anew();
          const std::string text = content_of(size);
          const auto records = std::ranges::count(text, '\n') - 1;
          ASSERT_EQ(0, load(first, "a.csv", mark + text).exit_code);
          count_mark(text, has_length());
          const std::string now = is_marked ? mark + text : text;
          const Finished same = load(second, "a.csv", now);
          EXPECT_EQ(0, same.exit_code) << same.err;
          EXPECT_EQ(records, rows());
          const Finished refused = load(second, "a.csv", now + "-1,more\n");
          EXPECT_EQ(7, refused.exit_code) << refused.err;
          if (second.is_stream) continue;
          const Finished grown = load(second, "a.csv", now + "-1,more\n", {"--grown", "append"});
          EXPECT_EQ(0, grown.exit_code) << grown.err;
          EXPECT_EQ(records + 1, rows());
          // Behind the one that counts it is one that does not.
          const Finished known = load(forms[0], "b.csv", now + "-1,more\n");
          EXPECT_EQ(7, known.exit_code) << known.err;
          const Finished more =
              load(second, "a.csv", now + "-1,more\n-2,more\n", {"--grown", "append"});
          EXPECT_EQ(0, more.exit_code) << more.err;
          EXPECT_EQ(records + 2, rows());
        }
      }
    }
  }
}

TEST_F(Marks, ThatWereContentOfManyFilesAreKnown) {
  begin_anew();
  std::filesystem::create_directory(folder_ / "many");
  const auto text_of = [](int i) { return "id,v\n" + std::to_string(i) + ",x\n"; };
  for (int i = 0; i < 5; ++i)
    folder_.write("many/" + std::to_string(i) + ".csv", mark + text_of(i));
  const auto load_all = [this] {
    return pgsluice({"load", folder_ / "many", "-t", "t", "--progress", "none", "-d", url()});
  };
  ASSERT_EQ(0, load_all().exit_code);
  for (int i = 0; i < 5; ++i) {
    count_mark(text_of(i), true,
               "(select load_id from pgsluice.loads where source_path like '%many/" +
                   std::to_string(i) + ".csv')");
  }
  const Finished again = load_all();
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(5, rows());
  EXPECT_EQ(6, db().number("select count(*) from pgsluice.loads"));
}

TEST_F(Marks, ThatWereContentOfALoadThatIsNotFinished) {
  constexpr int records = 20'000;
  for (const Form& first : of_bytes) {
    for (const bool is_marked : {true, false}) {
      for (const Form& second : forms_behind(first)) {
        SCOPED_TRACE(std::string(first.name) + " then " + second.name +
                     (is_marked ? ", marked" : ", unmarked"));
        begin_anew();
        const std::string text = content(records) + "-1,last\n";
        db().run("alter table t add constraint c check (v <> 'last')");
        ASSERT_EQ(1, load(first, "a.csv", mark + text, {"-j", "1"}).exit_code);
        const std::int64_t before = rows();
        ASSERT_GT(before, 0);
        count_mark(text, has_length());
        db().run("alter table t drop constraint c");
        const Finished on = load(second, "a.csv", is_marked ? mark + text : text);
        EXPECT_EQ(0, on.exit_code) << on.err;
        EXPECT_THAT(on.err + on.out, HasSubstr("resum"));
        EXPECT_EQ(records + 1, rows());
        EXPECT_EQ("t", db().value("select count(*) filter (where c.byte_offset = p.e) = "
                                  "count(p.e) from (select *, lag(byte_offset + byte_count) over "
                                  "(partition by load_id order by chunk) e from pgsluice.chunks) "
                                  "p join pgsluice.chunks c using (load_id, chunk)"));
        const Finished known = load(second, "a.csv", text);
        EXPECT_EQ(0, known.exit_code) << known.err;
        EXPECT_EQ(records + 1, rows());
      }
    }
  }
}

/// Places of records are those in the file as it is.
TEST_F(Marks, CountWherePlacesAreTold) {
  for (const Form& form : forms) {
    for (const int records : {3, 20'000}) {
      SCOPED_TRACE(form.name);
      begin_anew();
      const std::string text = mark + content(records) + "x,bad\n-1,good\n";
      const Finished stopped = load(form, "a.csv", text, {"--output", "json"});
      const std::string place = "\"byte_offset\":" + std::to_string(text.find("x,bad"));
      EXPECT_EQ(1, stopped.exit_code);
      std::string report = stopped.out;
      std::erase(report, ' ');
      EXPECT_THAT(report, HasSubstr(place));
      const Finished rejected =
          load(form, "a.csv", text, {"--max-rejects", "1", "--rejects", folder_ / "r.csv"});
      EXPECT_EQ(3, rejected.exit_code) << rejected.err;
      EXPECT_THAT(read_file(folder_ / "r.jsonl"), HasSubstr(place));
      EXPECT_EQ("id,v\nx,bad\n", read_file(folder_ / "r.csv"));
      for (const char* name : {"r.csv", "r.jsonl"}) std::filesystem::remove(folder_ / name);
    }
  }
}

TEST_F(Marks, AreNoContentInAnyDatabase) {
  for (const char* encoding : {"LATIN1", "SQL_ASCII"}) {
    const std::string name = encoding == std::string("LATIN1") ? "marks_latin1" : "marks_ascii";
    db().run("drop database if exists " + name);
    db().run("create database " + name + " template template0 encoding '" + encoding +
             "' lc_collate 'C' lc_ctype 'C'");
    Session there(url_of_database(url(), name));
    there.run("create table t (id int, v text)");
    const auto load_there = [&](const std::string& text) {
      return pgsluice({"load", folder_.write("a.csv", text), "-t", "t", "--progress", "none", "-d",
                       url_of_database(url(), name)});
    };
    ASSERT_EQ(0, load_there(mark + "id,v\n1,\xc3\xa4\n").exit_code);
    EXPECT_EQ(0, load_there("id,v\n1,\xc3\xa4\n").exit_code);
    EXPECT_EQ(1, there.number("select count(*) from t"));
    there = Session(url());
    db().run("drop database " + name);
  }
}

}  // namespace
}  // namespace sluice::test
