#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/endian.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "tuple/check.hpp"
#include "tuple/codec.hpp"

namespace sluice::test {
namespace {

/// What a CHECK says of a value is guessed without the server, so that it need not refuse whole
/// COPYs.
class Checks : public DatabaseTest {
 protected:
  /// The conditions as the server has them.
  std::vector<std::string> conditions(const std::string& table) {
    std::vector<std::string> found;
    const auto rows = db().rows(
        "select pg_get_expr(conbin, conrelid) from pg_constraint where contype = 'c' and conrelid "
        "= '" +
        table + "'::regclass order by conname");
    for (const auto& row : rows) found.push_back(row.front());
    return found;
  }
  tuple::Table table_of(const std::string& type) {
    db().run("drop table if exists c; create table c (v " + type + ", w int)");
    tuple::Table table;
    const auto type_of = [this](const std::string& column) {
      return static_cast<std::uint32_t>(
          db().number("select atttypid::bigint from pg_attribute where attrelid = 'c'::regclass "
                      "and attname = '" +
                      column + "'"));
    };
    for (const char* name : {"v", "w"}) {
      tuple::Column column{.name = name};
      column.base_type.id = type_of(name);
      table.columns.push_back(std::move(column));
    }
    return table;
  }
  /// A tuple of v and w: 1.
  static std::string tuple_of(const tuple::Table& table, std::string value) {
    const tuple::Encode encode = tuple::codec_of(table.columns[0].base_type, {});
    const std::size_t size = value.size();
    value += std::string(tuple::codec_padding, '\0');
    std::string tuple(2 + 4 + size * 2 + tuple::codec_slack + 8, '\0');
    char* const begin = store_big_endian(tuple.data(), std::int16_t{2});
    char* const end = encode(value.data(), size, begin + 4);
    EXPECT_NE(nullptr, end) << value;
    if (end == nullptr) return {};
    store_big_endian(begin, static_cast<std::int32_t>(end - begin - 4));
    store_big_endian(store_big_endian(end, std::int32_t{4}), std::int32_t{1});
    return tuple;
  }
};

struct Case {
  const char* type;
  const char* condition;
  std::vector<std::string> values;
};

/// The guess is the server's verdict.
TEST_F(Checks, AreGuessedAsTheServerJudges) {
  const std::vector<std::string> numbers{"0", "1", "-1", "5", "10", "11", "-100"};
  const std::vector<std::string> reals{"0", "0.1",  "-0.5", "1e3", "-1e9",
                                       "5", "9.99", "10",   "1e-9"};
  // Without exponents, which numeric's codec leaves to the server.
  const std::vector<std::string> decimals{"0",           "0.1",         "-0.5",  "1000",
                                          "-1000000000", "5",           "9.99",  "10",
                                          "0.00000001",  "-0.00000001", "10000", "9999.9999"};
  const std::vector<std::string> words{"",     "a",   "b",    "A", "new",
                                       "paid", "a b", "it's", "ä", "longer text"};
  const std::vector<std::string> days{"2000-01-01", "1999-12-31", "2024-02-29", "2030-01-01"};
  const std::vector<std::string> times{"2000-01-01 00:00:00", "1999-12-31 23:59:59.999999",
                                       "2024-02-29 12:00:00"};
  const std::vector<Case> cases{
      {"int", "v > 0", numbers},
      {"int", "0 < v", numbers},
      {"smallint", "v between -1 and 10", numbers},
      {"bigint", "v <> 5 and not v is null and v <= 10", numbers},
      {"int", "(v >= 0 and (v < 11 and v <> 1)) and w > 0", numbers},
      {"int", "v = 5", numbers},
      {"float8", "v > -1e8", reals},
      {"float8", "v > 0.1 and v < 10", reals},
      {"real", "v <= 5", reals},
      {"numeric(20,10)", "v >= 0", decimals},
      {"numeric", "v > -0.5 and v <= 9.99", decimals},
      {"numeric", "v <> 10.0", decimals},
      {"date", "v >= '2000-01-01'", days},
      {"date", "v between date '2000-01-01' and date '2024-12-31'", days},
      {"timestamp", "v >= '2000-01-01'", times},
      {"text", "v in ('a', 'b', 'it''s')", words},
      {"text", "v not in ('a', 'new')", words},
      {"text", "v = 'ä'", words},
      {"text", "v <> ''", words},
      {"varchar(20)", "v in ('a', 'b', 'paid')", words},
      {"varchar(20)", "char_length(v) <= 3", words},
      {"text", "length(v) > 0 and length(v) < 5", words},
      {"char(6)", "v in ('a', 'b', 'new')", {"a", "b", "c", "new", "newer"}},
      {"text", "v is not null and v <> 'b'", words},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(std::string(each.type) + ": " + each.condition);
    const tuple::Table table = table_of(each.type);
    db().run("alter table c add check (" + std::string(each.condition) + ")");
    const auto checks = tuple::checks_of(conditions("c"), table, {"v", "w"});
    EXPECT_FALSE(checks.empty()) << conditions("c").front();
    for (const std::string& value : each.values) {
      const std::string quoted = "$v$" + value + "$v$";
      const bool is_right =
          db().value("select (" + std::string(each.condition) + ") is not false from (select " +
                     quoted + "::" + each.type + " as v, 1 as w) c") == "t";
      const std::string tuple = tuple_of(table, value);
      EXPECT_EQ(is_right, tuple::are_met(checks, tuple.data())) << value;
    }
  }
}

/// What is not understood is left to the server, and nothing is in doubt for it.
TEST_F(Checks, OfOthersNothingIsSaid) {
  const tuple::Table table = table_of("int");
  for (const char* condition :
       {"v > 0 or w > 0", "v > w", "not (v > 0)", "v % 2 = 0", "v + 1 > 0", "abs(v) > 5",
        "(v > 0) is true", "(v > 0) = (w > 0)", "case when v > 0 then true else false end",
        "v in (1, 2, 3)", "coalesce(v, 0) > 0", "v::text like '1%'", "v::text > e'\\\\'",
        "v is distinct from 5", "v is null", "true"}) {
    db().run(
        "alter table c drop constraint if exists one; alter table c add constraint one check (" +
        std::string(condition) + ")");
    EXPECT_TRUE(tuple::checks_of(conditions("c"), table, {"v", "w"}).empty())
        << conditions("c").front();
  }
  for (const char* odd :
       {"", "(", ")", "((v > 0)", "v >", "> 0", "v > '", "(v = ANY (ARRAY[", "v ]",
        "v > 0) AND (v < 1", "v::::int > 0", "v > (0", "\"v", "v = ANY", "is", "v is not"})
    tuple::checks_of({odd}, table, {"v", "w"});
  EXPECT_EQ(1U, tuple::checks_of({"(v > 0)"}, table, {"w", "v"}).size());
  EXPECT_TRUE(tuple::checks_of({"(v > 0)"}, table, {"w"}).empty()) << "it is not fed";
}

/// Whatever is guessed, the same records are rejected for the same reasons: of a table where
/// nothing is guessed, as a trigger might change a record first, and of one where it is.
TEST_F(Checks, SameRejectsAsWithoutAGuess) {
  TemporaryFolder folder;
  std::string csv = "id,n,kind\n";
  for (int i = 0; i < 40'000; ++i) {
    const bool is_negative = i % 701 == 5 || (i > 20'000 && i < 20'300 && i % 2 == 0);
    const bool is_odd = i % 997 == 6;
    const bool is_none = i % 2'003 == 7;
    csv += std::to_string(i) + "," + (is_none ? "x" : std::to_string(is_negative ? -i : i)) + "," +
           (is_odd       ? "c"
            : i % 2 == 0 ? "a"
                         : "b") +
           "\n";
  }
  std::vector<std::string> all;
  for (const bool has_trigger : {false, true}) {
    for (const bool is_atomic : {false, true}) {
      SCOPED_TRACE(std::to_string(has_trigger) + std::to_string(is_atomic));
      db().run(
          "drop table if exists t; create table t (id int primary key, n int check (n >= 0), kind "
          "text check (kind in ('a', 'b')), check (id + n < 79000))");
      if (has_trigger)
        db().run(
            "create or replace function same() returns trigger language plpgsql as $$ begin return "
            "new; end $$; create trigger same before insert on t for each row execute function "
            "same()");
      plan::LoadOptions options;
      options.path = folder.write("in.csv", csv);
      options.table = "t";
      options.again = true;
      options.atomic = is_atomic;
      options.chunk_bytes = 64 * 1024;
      options.rejects.rejects_max = 5'000;
      options.rejects_path = folder / ("r" + std::to_string(all.size()) + ".csv");
      const Loaded loaded = run_load(url(), options);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_GT(loaded.report.rows_rejected, 200U);
      std::string reasons = loaded.report.rejects_path;
      reasons.replace(reasons.rfind(".csv"), 4, ".jsonl");
      all.push_back(content("t") + read_file(loaded.report.rejects_path));
      std::istringstream lines(read_file(reasons));
      for (std::string line; std::getline(lines, line);) {
        const auto reason = nlohmann::json::parse(line);
        for (const char* name : {"line", "sqlstate", "column", "constraint"})
          all.back() += reason.value(name, nlohmann::json()).dump() + " ";
      }
      EXPECT_EQ(all.front(), all.back());
    }
  }
}

}  // namespace
}  // namespace sluice::test
