#include <algorithm>
#include <random>

#include "support/database.hpp"
#include "support/dialect_cases.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

/// Loads in all dialects, compared with what the rules say (support/dialect_cases.py) and with
/// COPY.
class Dialects : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table stored (a text, b text); create table expected (a text, b text)");
  }

  plan::LoadOptions options_of(const nlohmann::json& one) {
    plan::LoadOptions o;
    o.path = folder_.write("case.csv", from_hex(one["text"]));
    o.table = "stored";
    o.dialect = dialect_of_case(one);
    o.wishes.delimiter = o.dialect.delimiter;
    o.header = plan::HeaderMode::none;
    o.header_given = true;
    o.newline = *value_named<csv::Newline>(one["newline"].get<std::string>());
    o.skip_lines = one["skip_lines"];
    o.skip_footer = one["footer"];
    o.record_lines_max = one["lines_max"];
    o.rejects.rejects_max = 1000;
    o.rejects_path = folder_ / "rejects.csv";
    o.again = true;
    o.truncate = true;
    return o;
  }

  std::vector<std::string> stored() {
    std::vector<std::string> rows;
    for (const auto& row : db().rows(
             "select encode(convert_to(coalesce(a, '<null>') || '|' || coalesce(b, '<null>'), "
             "'UTF8'), 'hex') from stored"))
      rows.push_back(row.front());
    std::ranges::sort(rows);
    return rows;
  }

  TemporaryFolder folder_;
};

std::string to_hex(const std::string& bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += digits[static_cast<unsigned char>(c) >> 4U];
    hex += digits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

struct Rows {
  std::vector<std::string> stored;
  std::uint64_t rejected = 0;
  bool is_open_to_doubt = false;  ///< whether a delimiter ends every line depends on a broken one
};

/// What two columns of text take of a case's records.
Rows rows_of(const nlohmann::json& one, tuple::Ragged ragged) {
  static const std::string null = "<null>";
  const std::string null_text = from_hex(one["null"]);
  const auto& records = one["records"];
  bool has_bad = false;
  bool trails = !records.empty();
  for (const auto& record : records) {
    has_bad = has_bad || record["fields"].is_null();
    trails = trails &&
             (record["fields"].is_null() || (record["fields"].size() == 3 && record["ends_blank"]));
  }
  const bool pads = ragged == tuple::Ragged::pad || ragged == tuple::Ragged::fit;
  const bool trims = ragged == tuple::Ragged::trim || ragged == tuple::Ragged::fit;
  Rows rows;
  rows.is_open_to_doubt = trails && has_bad;
  for (const auto& record : records) {
    if (record["fields"].is_null()) {
      ++rows.rejected;
      continue;
    }
    std::vector<std::string> values;
    std::vector<bool> blank;
    for (const auto& field : record["fields"]) {
      values.push_back(field.is_null() ? null : from_hex(field));
      blank.push_back(field.is_null() ? null_text.empty() : values.back().empty());
    }
    if (trails) values.pop_back();
    while (values.size() > 2 && (trims || (pads && blank[values.size() - 1]))) values.pop_back();
    while (values.size() < 2 && pads) values.push_back(null);
    if (values.size() != 2) {
      ++rows.rejected;
    } else {
      rows.stored.push_back(to_hex(values[0] + "|" + values[1]));
    }
  }
  std::ranges::sort(rows.stored);
  return rows;
}

/// A NUL is no text, and what a number of a byte stands for need not be UTF-8: those are the
/// server's to refuse.
bool has_odd_bytes(const nlohmann::json& one) {
  for (const auto& record : one["records"])
    for (const auto& field : record["fields"])
      if (!field.is_null() && from_hex(field).contains('\0')) return true;
  return false;
}

TEST_F(Dialects, StoreWhatTheRulesSayForEveryChunkSizeAndNumberOfConnections) {
  static constexpr tuple::Ragged policies[] = {tuple::Ragged::reject, tuple::Ragged::pad,
                                               tuple::Ragged::trim, tuple::Ragged::fit};
  const std::vector<nlohmann::json> cases = drawn_cases(4, 120);
  const std::vector<std::size_t> sizes = chunk_sizes_of_cases();
  std::size_t number = 0;
  std::size_t stored_rows = 0;
  Sample sample(3);
  for (const nlohmann::json& one : cases) {
    if (one["records"].is_null() || !one["cuts"] || has_odd_bytes(one)) continue;
    ++number;
    plan::LoadOptions options = options_of(one);
    options.record_policy.ragged = policies[number % 4];
    const Rows expected = rows_of(one, options.record_policy.ragged);
    if (expected.is_open_to_doubt) continue;
    for (const std::size_t jobs : {1UL, 4UL}) {
      for (const std::size_t size :
           {sizes[number % 4], sizes[4 + number % 74], std::size_t{4096}, std::size_t{1} << 20}) {
        if (!sample.takes()) continue;
        options.jobs = jobs;
        options.chunk_bytes = size;
        const Loaded loaded = run_load(url(), options);
        ASSERT_TRUE(loaded.ok()) << loaded.message << "\n" << one;
        ASSERT_EQ(expected.stored, stored()) << size << " " << name_of(policies[number % 4]) << "\n"
                                             << one << "\n"
                                             << from_hex(one["text"]);
        ASSERT_EQ(expected.rejected, loaded.report.rows_rejected) << one;
        ASSERT_EQ("", ledger_disagreement("stored"));
      }
    }
    stored_rows += expected.stored.size();
  }
  EXPECT_GT(number, 20U);
  EXPECT_GT(stored_rows, 50U);
}

/// A file of rejects is in the source's dialect: loaded with the same flags it has the same
/// records.
TEST_F(Dialects, RejectsLoadWithTheSameFlags) {
  std::size_t compared = 0;
  for (const nlohmann::json& one : drawn_cases(5, 60)) {
    if (one["records"].is_null() || !one["cuts"] || one["kind"] == "text" || has_odd_bytes(one))
      continue;
    plan::LoadOptions options = options_of(one);
    const Loaded loaded = run_load(url(), options);
    ASSERT_TRUE(loaded.ok()) << loaded.message << "\n" << one;
    // What has one value too few stays so; what is broken inside may be read otherwise alone.
    const bool all_ragged = std::ranges::none_of(
        one["records"], [](const auto& record) { return record["fields"].is_null(); });
    if (loaded.report.rows_rejected == 0 || !all_ragged) continue;
    const std::string rejects = read_file(loaded.report.rejects_path);
    options.path = folder_.write("again.csv", rejects);
    options.rejects_path = folder_ / "rejects2.csv";
    const Loaded again = run_load(url(), options);
    ASSERT_TRUE(again.ok()) << again.message << "\n" << one;
    EXPECT_EQ(loaded.report.rows_rejected, again.report.rows_rejected) << one << "\n" << rejects;
    EXPECT_EQ(0U, stored().size());
    ++compared;
  }
  EXPECT_GT(compared, 3U);
}

/// Bytes that were not made from rows: whatever COPY makes of them in its text format.
TEST_F(Dialects, TextIsAsCopyReadsIt) {
  const std::string pieces[] = {"a",   "b",     "\t",    "\t",    "\n",   "\n",  "\\N", "\\",
                                "\\t", "\\x41", "\\x4",  "\\101", "\\12", "\\7", "\"",  "\xc3\xa9",
                                ",",   "\\\n",  "\\\\n", "\\xg",  "\\e",  "7",   "\\f", "\\v"};
  std::mt19937 random(23);
  const auto pick = [&random](std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
  };
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 250; ++round) {
    std::string text = "x\ty\n";
    const std::size_t lines = 1 + pick(6);
    for (std::size_t line = 0; line < lines; ++line) {
      for (std::size_t i = pick(4); i > 0; --i) text += pieces[pick(std::size(pieces))];
      if (pick(8) > 0) text += "\t";
      for (std::size_t i = pick(4); i > 0; --i) text += pieces[pick(std::size(pieces))];
      text += "\n";
    }
    // Behind an escaped line end it is not alone, which versions of PostgreSQL take differently.
    if (pick(4) == 0 && !text.ends_with("\\\n")) text += "\\.\n";
    // Without a line end behind it COPY takes the marker for a broken one.
    if (pick(6) == 0 && !text.ends_with("\\.\n")) text.pop_back();
    db().run("truncate expected");
    const auto refusal = db().copy("expected", "format text", text);
    plan::LoadOptions options;
    options.path = folder_.write("case.txt", text);
    options.table = "stored";
    options.format = csv::Format::text;
    options.dialect = csv::dialect_of({}, csv::Format::text);
    options.header = plan::HeaderMode::none;
    options.again = options.truncate = true;
    for (const std::size_t size : {1UL, 3UL, 30UL + pick(70), 1UL << 20}) {
      options.chunk_bytes = size;
      options.jobs = 1 + 3 * pick(2);
      const Loaded loaded = run_load(url(), options);
      ASSERT_EQ(!refusal.has_value(), loaded.ok()) << text << "\n"
                                                   << loaded.message << "\n"
                                                   << (refusal ? refusal->message : "");
      if (!refusal) {
        ASSERT_EQ(content("expected"), content("stored")) << text;
      }
    }
    ++(refusal ? refused : accepted);
  }
  EXPECT_GT(accepted, 40U);
  EXPECT_GT(refused, 20U);
}

/// What COPY writes comes back, with every delimiter that it knows.
TEST_F(Dialects, TextThatCopyWroteComesBack) {
  db().run(
      "insert into expected select case when i % 7 = 0 then null else chr(1 + i % 300) || i end, "
      "repeat(chr(8 + i % 6), i % 4) || E'\\\\' || i from generate_series(1, 3000) i");
  for (const char delimiter : {'\t', '|', ';', ','}) {
    const std::string flags = std::string("format text, delimiter '") + delimiter + "'";
    plan::LoadOptions options;
    options.path = folder_.write("out.txt", db().copy_out("select * from expected", flags));
    options.table = "stored";
    options.format = csv::Format::text;
    options.wishes.delimiter = csv::Delimiter(delimiter);
    options.dialect = csv::dialect_of(options.wishes, csv::Format::text);
    options.header = plan::HeaderMode::none;
    options.again = options.truncate = true;
    options.chunk_bytes = 10'000;
    const Loaded loaded = run_load(url(), options);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(content("expected"), content("stored"));
  }
}

}  // namespace
}  // namespace sluice::test
