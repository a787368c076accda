#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// --add COLUMN=:line, :record and :load: where a record stands, as errors and rejects say it.
class AddedPlaces : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int primary key, v text, line bigint, record bigint, load bigint)");
    options_.table = "t";
    options_.values.added = {"line=:line", "record=:record", "load=:load"};
    options_.dialect.comment = "#";
    options_.skip_lines = 2;
  }

  /// Records of one line and of several, comments between them, blank lines inside of quotes.
  static std::string csv(int records, const std::string& end) {
    std::string text = "made by" + end + "a tool" + end + "# id is the key" + end + "id,v" + end;
    for (int i = 1; i <= records; ++i) {
      if (i % 7 == 0) text += "# " + std::to_string(i) + ", \"odd" + end;
      text += std::to_string(i) + ",";
      text += i % 3 == 0   ? "\"a\n\n#b\""
              : i % 5 == 0 ? "\"x\ny" + std::string(i % 40, 'z') + "\""
                           : "plain \xc3\xa4";
      text += end;
    }
    return text;
  }

  /// What the rules say.
  std::string expected(const std::string& text) const {
    const std::string path = folder_.write("plain.csv", text);
    std::string lines =
        piped("python3 " PGSLUICE_SOURCE_DIR "/tests/support/places.py " + path + " 2", "");
    return lines.substr(0, lines.size() - 1);
  }
  std::string stored() {
    return db().value(
        "select string_agg(concat_ws(' ', id, line, record), e'\\n' order by record) from t");
  }

  void expect_places(const std::string& bytes, const std::string& wanted,
                     const std::string& encoding = "") {
    for (const std::size_t chunk_bytes : {1U, 7U, 100U, 4096U, 8U << 20}) {
      for (const std::size_t jobs : {1U, 4U}) {
        SCOPED_TRACE(std::to_string(chunk_bytes) + " bytes, " + std::to_string(jobs) + " jobs");
        db().run("truncate t");
        options_.path = folder_.write("in.csv", bytes);
        options_.chunk_bytes = chunk_bytes;
        options_.jobs = jobs;
        options_.encoding = encoding;
        const Loaded loaded = run_load(url(), options_);
        ASSERT_TRUE(loaded.ok()) << loaded.message;
        EXPECT_EQ(wanted, stored());
        EXPECT_EQ(std::to_string(loaded.report.load->value),
                  db().value("select string_agg(distinct load::text, ',') from t"));
      }
    }
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

TEST_F(AddedPlaces, AreThoseOfTheFile) {
  for (const std::string end : {"\n", "\r\n"}) {
    const std::string text = csv(60, end);
    expect_places(text, expected(text));
  }
}

/// Whatever it is packed with, and in whatever it is written: the lines are those of its text.
TEST_F(AddedPlaces, AreThoseOfTheTextInside) {
  const std::string text = csv(40, "\n");
  const std::string wanted = expected(text);
  for (const char* packing : {"gzip", "xz", "zstd -q"}) {
    SCOPED_TRACE(packing);
    expect_places(piped(packing, text), wanted);
  }
  for (const char* encoding : {"UTF-16", "LATIN1"}) {
    SCOPED_TRACE(encoding);
    expect_places(piped(std::string("iconv -f UTF-8 -t ") + encoding, text), wanted, encoding);
  }
}

/// However the rows get into the table.
TEST_F(AddedPlaces, AreTheSameForEachWriter) {
  const std::string text = csv(60, "\n");
  const std::string wanted = expected(text);
  options_.writer = plan::WriterChoice::insert;
  expect_places(text, wanted);
  options_.writer = plan::WriterChoice::automatic;
  for (const writer::OnConflict how : {writer::OnConflict::update, writer::OnConflict::nothing}) {
    options_.on_conflict = how;
    expect_places(text, wanted);
  }
  options_.on_conflict = writer::OnConflict::error;
  options_.atomic = true;
  expect_places(text, wanted);
}

/// A record that is found again by its tuple is in the lane that its places have put it in, and its
/// number is the load's from the first run to the last.
TEST_F(AddedPlaces, StayOverRejectsAndResuming) {
  db().run("alter table t alter line type smallint, add check (id % 10 <> 0)");
  const std::string text = csv(200, "\n");
  options_.path = folder_.write("in.csv", text);
  options_.chunk_bytes = 300;
  options_.rejects.rejects_max = 3;
  Loaded loaded = run_load(url(), options_);
  EXPECT_EQ(FailureKind::budget, loaded.failure);
  options_.rejects.rejects_max = 1000;
  loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_TRUE(loaded.report.resumed);
  EXPECT_EQ(20U, loaded.report.rows_rejected);
  EXPECT_EQ("1", db().value("select string_agg(distinct load::text, ',') from t"));
  std::string wanted;
  std::istringstream lines(expected(text));
  for (std::string line; std::getline(lines, line);)
    if (std::stoi(line) % 10 != 0) wanted += (wanted.empty() ? "" : "\n") + line;
  EXPECT_EQ(wanted, stored());
}

/// What stands behind an earlier load has the lines of the whole file, and is another load.
TEST_F(AddedPlaces, GoOnBehindAnEarlierLoad) {
  options_.path = folder_.write("in.csv", csv(20, "\n"));
  ASSERT_TRUE(run_load(url(), options_).ok());
  const std::string text = csv(50, "\n");
  folder_.write("in.csv", text);
  options_.grown = plan::Grown::append;
  const Loaded loaded = run_load(url(), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(expected(text), stored());
  EXPECT_EQ("1:20 2:30", db().value("select string_agg(load || ':' || n, ' ' order by load) from "
                                    "(select load, count(*) n from t group by load) by_load"));
}

TEST_F(AddedPlaces, NeedALedgerForTheNumberOfTheLoad) {
  const std::string path = folder_.write("in.csv", "id\n1\n");
  const std::vector<std::string> load{"load", path, "-t", "t", "-d", url(), "--add", "load=:load"};
  std::vector<std::string> without = load;
  without.emplace_back("--no-ledger");
  const Finished refused = pgsluice(without);
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("leave out --no-ledger"));
  EXPECT_EQ(0, pgsluice({"check", path, "-t", "t", "-d", url(), "--add", "load=:load"}).exit_code);
  EXPECT_EQ(0, pgsluice(load).exit_code);
  EXPECT_EQ("1", db().value("select load from t"));
  EXPECT_EQ("{\"load\": \":load\"}", db().value("select options -> 'add' from pgsluice.loads"));
}

}  // namespace
}  // namespace sluice::test
