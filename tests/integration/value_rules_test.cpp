#include <array>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/dialect_cases.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

/// Files whose values are written as people write them, compared with what the rules say of them
/// (support/value_cases.py), loaded by the server's own COPY.
class ValueRules : public DatabaseTest {
 protected:
  plan::LoadOptions options_of(const nlohmann::json& one) {
    plan::LoadOptions o;
    o.path = folder_.write("case.csv", one["text"].get<std::string>());
    o.table = "stored";
    o.header = plan::HeaderMode::none;
    o.header_given = true;
    const auto nulls = one["nulls"].get<std::vector<std::string>>();
    o.dialect.null_text = nulls.front();
    o.dialect.more_null_texts.assign(nulls.begin() + 1, nulls.end());
    if (!one["null_for"].is_null())
      o.values.nulls_for = {"v=" + one["null_for"].get<std::string>()};
    o.values.null_quoted = one["null_quoted"];
    const std::string trim = one["trim"];
    if (!trim.empty()) o.values.trim = *value_named<tuple::Trim>(trim);
    o.values.decimal = one["decimal"];
    o.values.thousands = one["thousands"];
    o.values.booleans = one["booleans"].get<std::vector<std::string>>();
    const std::string format = one["date_format"];
    if (!format.empty()) o.values.date_formats = {format};
    o.rejects.rejects_max = 1000;
    o.rejects_path = folder_ / "rejects.csv";
    o.again = true;
    return o;
  }

  TemporaryFolder folder_;
};

TEST_F(ValueRules, StoreWhatCopyMakesOfTheSameFileRewritten) {
  std::size_t rejected = 0;
  std::size_t stored = 0;
  std::size_t number = 0;
  for (const nlohmann::json& one : drawn_cases(3, 140, {}, "value_cases.py")) {
    const std::string type = one["type"];
    db().run("drop table if exists stored, expected; create table stored (id int, v " + type +
             "); create table expected (id int, v " + type + ")");
    const auto refusal = db().copy("expected", "format csv", one["copy"]);
    ASSERT_FALSE(refusal) << refusal->message << refusal->line << one;
    plan::LoadOptions options = options_of(one);
    options.jobs = 1 + number % 3;
    options.chunk_bytes = std::array{std::size_t{64}, std::size_t{1} << 20}[number % 2];
    options.writer = number % 5 == 0 ? plan::WriterChoice::insert : plan::WriterChoice::automatic;
    ++number;
    const Loaded loaded = run_load(url(), options);
    ASSERT_TRUE(loaded.ok()) << loaded.message << "\n" << one;
    EXPECT_EQ(one["rejected"].get<std::uint64_t>(), loaded.report.rows_rejected) << one;
    ASSERT_EQ("",
              db().value("select coalesce(string_agg(concat_ws(' ', id, s.v, e.v), '; '), '') "
                         "from stored s full join expected e using (id) where s is null or e is "
                         "null or s.v is distinct from e.v"))
        << one;
    rejected += one["rejected"].get<std::size_t>();
    stored += static_cast<std::size_t>(db().number("select count(*) from stored"));
  }
  EXPECT_LT(1000U, rejected);
  EXPECT_LT(3000U, stored);
}

}  // namespace
}  // namespace sluice::test
