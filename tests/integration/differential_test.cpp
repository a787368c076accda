#include <random>

#include "integration/edge_values.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/thorough.hpp"
#include "tuple/codec.hpp"

namespace sluice::test {
namespace {

/// The property that chunks rest on: the table is \copy's, for every chunk size and every number of
/// connections. What
/// \copy refuses is refused, naming the same record.
class Differential : public DatabaseTest {
 protected:
  /// Makes one table with a column of each type, and learns from the server which texts each column
  /// takes.
  void SetUp() override {
    db().run(edge_types_sql);
    make_tables(true);
  }

  /// `only_fast`: without the types that have no codec, one of which sends all records as text.
  void make_tables(bool only_fast) {
    good_.clear();
    fast_.clear();
    columns_.clear();
    std::string columns;
    for (const EdgeValues& values : edge_values()) {
      db().run("drop table if exists probe; create table probe (v " + values.type + ")");
      const tuple::Encode encode = codec_of_probe();
      const bool is_composite = kind_of_probe() == "c";
      if (only_fast && encode == nullptr && !is_composite) continue;
      std::vector<std::string> good;
      std::vector<std::string> fast;
      for (const std::string& text : values.texts) {
        if (text.size() > 3000) continue;
        if (db().copy("probe", "format csv", quoted(text) + "\n")) continue;
        good.push_back(text);
        const std::string padded = text + std::string(tuple::codec_padding, ' ');
        std::string out(text.size() * tuple::array_growth + tuple::codec_slack, ' ');
        // Roughly: its codec asks the catalogs.
        if (is_composite && text.starts_with('(') && text.find_first_of("\\ ") == text.npos)
          fast.push_back(text);
        if (encode != nullptr && encode(padded.data(), text.size(), out.data()) != nullptr)
          fast.push_back(text);
      }
      good_.push_back(std::move(good));
      fast_.push_back(std::move(fast));
      columns_.push_back(values);
      columns += (columns.empty() ? "c" : ", c") + std::to_string(good_.size()) + " " + values.type;
    }
    db().run("drop table probe; drop table if exists expected, stored; create table expected (" +
             columns + "); create table stored (" + columns + ")");
  }

  std::string kind_of_probe() { return type_of_probe()[2]; }
  std::vector<std::string> type_of_probe() {
    return db()
        .rows(
            "with recursive types (type, modifier) as (select atttypid, atttypmod from "
            "pg_attribute where attrelid = 'probe'::regclass and attnum = 1 union all select "
            "typbasetype, typtypmod from types join pg_type on oid = type where typtype = 'd') "
            "select type::bigint, modifier, typtype from types join pg_type on oid = type "
            "where "
            "typtype <> 'd'")
        .front();
  }

  tuple::Encode codec_of_probe() {
    const auto row = type_of_probe();
    return tuple::codec_of({.id = static_cast<std::uint32_t>(std::stoul(row[0])),
                            .kind = row[2].front(),
                            .modifier = std::stoi(row[1])},
                           {});
  }

  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  /// A value as a field: bare where that means the same, else quoted, now and then with quotes in
  /// odd places.
  std::string field(const std::string& text) {
    const bool needs_quotes = text.empty() || text.find_first_of(",\"\r\n") != std::string::npos;
    if (!needs_quotes && pick(3) > 0) return text;
    const bool ascii =
        std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!needs_quotes && ascii && pick(4) == 0)
      return text.substr(0, text.size() / 2) + "\"" + text.substr(text.size() / 2) + "\"";
    return quoted(text);
  }

  std::string record() {
    std::string line;
    // One unusual value sends the record down the slow lane, so half of them have none.
    const bool fast = pick(2) == 0;
    for (std::size_t i = 0; i < good_.size(); ++i) {
      const std::vector<std::string>& texts = fast ? fast_[i] : good_[i];
      if (i > 0) line += ',';
      if (pick(8) > 0 && !texts.empty()) line += field(texts[pick(texts.size())]);  // else NULL
    }
    return line;
  }

  std::string corpus(std::size_t records, const std::string& line_end) {
    std::string text;
    for (std::size_t i = 0; i < records; ++i) text += record() + line_end;
    return text;
  }

  Loaded load(const std::string& csv, std::size_t chunk_bytes, std::size_t jobs,
              csv::Scanner::Form scanner = csv::Scanner::Form::automatic) {
    plan::LoadOptions options;
    options.path = folder_.write("corpus.csv", csv);
    options.table = "stored";
    options.header = plan::HeaderMode::none;
    options.chunk_bytes = chunk_bytes;
    options.jobs = jobs;
    options.scanner = scanner;
    options.again = true;
    options.truncate = true;
    options.writer = writer_;
    options.batch_rows = batch_rows_;
    return run_load(url(), options);
  }

  static std::vector<std::size_t> chunk_sizes() {
    std::vector<std::size_t> sizes{1, 2, 3, 7};
    for (std::size_t size = 27; size <= 100; ++size) sizes.push_back(size);
    sizes.push_back(4096);
    sizes.push_back(1 << 20);
    return sizes;
  }

  void expect_same(const std::string& csv, const std::vector<std::size_t>& sizes) {
    db().run("truncate expected");
    const auto refusal = db().copy("expected", "format csv", csv);
    ASSERT_FALSE(refusal) << refusal->message;
    const std::string expected = content("expected");
    for (const std::size_t size : sizes) {
      for (const std::size_t jobs : {1UL, 4UL}) {
        const auto form = jobs == 1 ? csv::Scanner::Form::portable : csv::Scanner::Form::automatic;
        const Loaded loaded = load(csv, size, jobs, form);
        ASSERT_TRUE(loaded.ok()) << "chunks of " << size << ", " << jobs
                                 << " jobs: " << loaded.message;
        ASSERT_EQ(expected, content("stored")) << "chunks of " << size << ", " << jobs << " jobs";
        ASSERT_EQ("", ledger_disagreement("stored"));
      }
    }
  }

  std::mt19937 random_{11};
  plan::WriterChoice writer_ = plan::WriterChoice::automatic;
  std::size_t batch_rows_ = limits::batch_rows_default;
  std::vector<std::vector<std::string>> good_;  ///< of each column: what the server takes
  std::vector<std::vector<std::string>> fast_;  ///< and of these what its codec takes
  std::vector<EdgeValues> columns_;
  TemporaryFolder folder_;
};

TEST_F(Differential, SameTableForEveryChunkSizeAndNumberOfConnections) {
  expect_same(corpus(25, "\n"), chunk_sizes());
  EXPECT_TRUE(no_session_left());
}

TEST_F(Differential, SameTableForEveryLineEnd) {
  expect_same(corpus(60, "\r\n"), {1, 7, 64, 1000, 4096, 1 << 20});
  std::string cr = corpus(60, "\r");
  expect_same(cr, {1, 7, 64, 1000, 4096, 1 << 20});
  cr.pop_back();
  expect_same(cr, {1, 7, 64, 1000, 4096, 1 << 20});
}

/// INSERT with arrays stores what COPY stores, however many rows an INSERT has.
TEST_F(Differential, SameTableByInsert) {
  writer_ = plan::WriterChoice::insert;
  const std::string csv = corpus(60, "\n");
  for (const std::size_t rows : {1UL, 2UL, 7UL, 1000UL}) {
    batch_rows_ = rows;
    expect_same(csv, {1, 64, 1000, 4096, 1 << 20});
  }
  batch_rows_ = 100;
  expect_same(corpus(3000, "\n"), {65536, 1 << 20});
  EXPECT_TRUE(no_session_left());
}

TEST_F(Differential, LargerCorpus) { expect_same(corpus(3000, "\n"), {1000, 65536, 1 << 20}); }

TEST_F(Differential, TypesWithoutCodec) {
  make_tables(false);
  expect_same(corpus(500, "\n"), {100, 4096, 1 << 20});
}

/// Bytes that were not made from records: whatever \copy makes of them, text columns show it.
TEST_F(Differential, AnyBytes) {
  db().run(
      "drop table expected, stored; create table expected (a text, b text); create table stored (a "
      "text, b text)");
  const std::string pieces[] = {"a",        "b",  ",",        ",",       "\"", "\"\"",
                                "\n",       "\n", "\"x\ny\"", "\"p,q\"", "\\", "\\.",
                                "\xc3\xa9", "\t", "\r\n",     "\r"};
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 700 / static_cast<int>(every(3)); ++round) {
    std::string csv = "a,b\n";  // COPY miscounts newlines in the quotes of the very first record
    const std::size_t length = 1 + pick(12);
    // Most rounds are rows of two fields; odd line ends are rarer.
    const std::size_t kinds = round % 10 == 0 ? std::size(pieces) : std::size(pieces) - 2;
    for (std::size_t i = 0; i < length; ++i)
      csv += pick(3) == 0 ? "a,\"b\"\n" : pieces[pick(kinds)];
    // COPY ... FROM STDIN of versions before 18 takes a lone backslash-dot for the end of the data;
    // for us it is data.
    if (csv.find("\\.") != std::string::npos) continue;
    db().run("truncate expected");
    const auto refusal = db().copy("expected", "format csv", csv);
    const std::size_t chunk_bytes = 1 + pick(12);
    const Loaded loaded = load(csv, chunk_bytes, 1 + pick(2));
    if (!refusal) {
      ++accepted;
      ASSERT_TRUE(loaded.ok()) << csv << "\n" << loaded.message;
      ASSERT_EQ(content("expected"), content("stored")) << csv;
      continue;
    }
    ++refused;
    ASSERT_TRUE(loaded.bad_record)
        << csv << "\naccepted what COPY refuses: " << refusal->message << "\n"
        << loaded.message;
    const tuple::Reject& reject = loaded.bad_record->reject();
    EXPECT_EQ(refusal->sql_state, reject.sql_state) << csv << "\n"
                                                    << loaded.message << "\n"
                                                    << refusal->message;
    // COPY counts to the line where the record ends, or where it noticed.
    const auto lines = static_cast<std::uint64_t>(
        std::ranges::count(csv.substr(reject.position.byte_offset), '\n'));
    EXPECT_LE(reject.position.line, refusal->line) << csv << "\n" << loaded.message;
    EXPECT_GE(reject.position.line + lines, refusal->line) << csv << "\n" << loaded.message;
  }
  EXPECT_GT(accepted, 50U / every(3));
  EXPECT_GT(refused, 50U / every(3));
}

/// One record of many is bad: it is the one that is named, by line, record, column and value.
TEST_F(Differential, NamesTheRecordThatCopyNames) {
  const auto& all = columns_;
  for (int round = 0; round < 60; ++round) {
    const std::size_t column = pick(all.size());
    std::vector<std::string> bad;
    for (const std::string& text : all[column].texts) {
      if (text.size() < 3000 && std::ranges::find(good_[column], text) == good_[column].end())
        bad.push_back(text);
    }
    if (bad.empty()) continue;
    const std::string value = bad[pick(bad.size())];
    const std::size_t records = 30;
    const std::size_t bad_record = pick(records);
    std::string csv = std::string(all.size() - 1, ',') +
                      "\n";  // COPY miscounts newlines in the quotes of the first record
    std::string bad_text;
    for (std::size_t i = 0; i < records; ++i) {
      if (i != bad_record) {
        csv += record() + "\n";
        continue;
      }
      for (std::size_t c = 0; c < all.size(); ++c)
        bad_text += (c == 0 ? "" : ",") + (c == column ? quoted(value) : std::string());
      csv += bad_text + "\n";
    }
    const auto refusal = db().copy("expected", "format csv", csv);
    ASSERT_TRUE(refusal) << value;
    for (const std::size_t chunk_bytes : {500UL, 3000UL, 1UL << 20}) {
      const Loaded loaded = load(csv, chunk_bytes, 1 + pick(4));
      ASSERT_TRUE(loaded.bad_record) << loaded.message;
      const tuple::Reject& reject = loaded.bad_record->reject();
      EXPECT_EQ(bad_record + 2, reject.position.record) << loaded.message;
      EXPECT_EQ(refusal->sql_state, reject.sql_state) << loaded.message;
      EXPECT_EQ(bad_text, csv.substr(reject.position.byte_offset, reject.size));
      // COPY checks the encoding of a whole buffer ahead of its lines.
      if (refusal->sql_state == "22021") continue;
      EXPECT_EQ(refusal->line, reject.position.line +
                                   static_cast<std::uint64_t>(std::ranges::count(bad_text, '\n')));
      if (!reject.column.empty()) {
        EXPECT_EQ("c" + std::to_string(column + 1), reject.column) << loaded.message;
        EXPECT_EQ(value, reject.value);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
