#include <gmock/gmock.h>

#include "script/directives.hpp"
#include "script/script_name.hpp"

namespace sluice::script {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// "V 7 add users", "R 0 views", "" for what is none, or the error.
std::string read_name(const std::string& file) {
  const auto script = parse_script_name(file);
  if (!script) return "error: " + script.error();
  if (!*script) return "";
  const char* kind = (*script)->kind == ScriptKind::versioned    ? "V"
                     : (*script)->kind == ScriptKind::repeatable ? "R"
                     : (*script)->kind == ScriptKind::scheduled  ? "S"
                                                                 : "U";
  return std::string(kind) + " " + (*script)->version.text() + " " + (*script)->name;
}

TEST(ScriptName, ReadsWhatToolsWrite) {
  const struct {
    const char* file;
    const char* is;
  } cases[] = {
      {"V20260131120000__add_users.sql", "V 20260131120000 add users"},
      {"V007__a.sql", "V 7 a"},
      {"001_init.sql", "V 1 init"},
      {"001__init.sql", "V 1 init"},
      {"000042_add_index.up.sql", "V 42 add index"},
      {"000042_add_index.down.sql", "U 42 add index"},
      {"V1.10__a.sql", "V 1.10 a"},
      {"V1_2_3__a.sql", "V 1.2.3 a"},
      {"V1.0__a.sql", "V 1 a"},
      {"V1__2_a.sql", "V 1 2 a"},
      {"U1.2__a.sql", "U 1.2 a"},
      {"20170101120000-add-users.sql", "V 20170101120000 add-users"},
      {"R__views.sql", "R 0 views"},
      {"S__nightly_refresh.sql", "S 0 nightly refresh"},
      {"README.md", ""},
      {".V1__hidden.sql", ""},
      {"V1__x.sql~", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(c.is, read_name(c.file)) << c.file;
  for (const char* wrong :
       {"V1_x.sql", "Vx__y.sql", "users.sql", "V__x.sql", "R7__x.sql", "V1__.sql", "S__x.up.sql",
        "B1__x.sql", "U1__x.down.sql", "U__x.sql", "1.2_x.sql", "V99999999999999999999__x.sql",
        "1.sql", "V1__x.SQL", "001_x.Sql"})
    EXPECT_THAT(read_name(wrong), HasSubstr("error: \"" + std::string(wrong) + "\"")) << wrong;
}

TEST(Directives, AreReadInFrontOfTheFirstStatement) {
  const auto d = read_directives(
      "-- Adds an index.\r\n"
      "/* Licence: /* nested */\n */\n"
      "\n"
      "--pgsluice: no-transaction\n"
      "-- pgsluice: lock-timeout 3s\n"
      "--  pgsluice:  statement-timeout 10m\n"
      "-- pgsluice: retries 7\n"
      "-- pgsluice: out-of-order\n"
      "-- pgsluice: placeholder schema\n"
      "-- pgsluice: schedule \"0 3 * * *\" tz=Europe/Berlin\n"
      "create index concurrently i on t (a);\n"
      "-- pgsluice: nonsense\n");
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_FALSE(d->in_transaction);
  EXPECT_EQ(3s, d->lock_timeout);
  EXPECT_EQ(10min, d->statement_timeout);
  EXPECT_EQ(7U, d->retries);
  EXPECT_TRUE(d->out_of_order);
  EXPECT_EQ("0 3 * * *", d->schedule);
  EXPECT_EQ("Europe/Berlin", d->time_zone);
  EXPECT_EQ(std::vector<std::string>{"schema"}, d->placeholders);
  EXPECT_TRUE(read_directives("select 1").value().in_transaction);
}

TEST(Directives, SayWhereAndWhatIsWrong) {
  const struct {
    const char* text;
    std::size_t line;
    const char* says;
  } cases[] = {
      {"\n-- pgsluice: no-transacton\n", 2, "did you mean no-transaction?"},
      {"-- pgsluice: lock-timeout soon", 1, "lock-timeout: "},
      {"-- pgsluice: retries -1", 1, "retries: \"-1\" is no number"},
      {"-- pgsluice: no-transaction yes", 1, "takes no value"},
      {"-- pgsluice: schedule 0 3 * * *", 1, "double quotes"},
      {"-- pgsluice: schedule \"@daily\" zone=UTC", 1, "only tz=ZONE"},
      {"-- pgsluice:", 1, "unknown directive"},
      {"/*\n*/ -- pgsluice: nonsense", 2, "unknown directive"},
  };
  for (const auto& c : cases) {
    const auto d = read_directives(c.text);
    ASSERT_FALSE(d) << c.text;
    EXPECT_EQ(c.line, d.error().place.line) << c.text;
    EXPECT_THAT(d.error().message, HasSubstr(c.says)) << c.text;
  }
}

}  // namespace
}  // namespace sluice::script
