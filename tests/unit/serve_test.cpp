#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "serve/database_metrics.hpp"
#include "serve/digest.hpp"
#include "serve/field.hpp"
#include "serve/file_name.hpp"
#include "serve/load_flags.hpp"
#include "serve/metrics.hpp"
#include "serve/outcome.hpp"
#include "serve/rate_floor.hpp"
#include "serve/seldom.hpp"
#include "serve/table_name.hpp"
#include "serve/target.hpp"
#include "serve/tokens.hpp"

namespace sluice::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

template <class Call>
int status_refused(Call call) {
  try {
    call();
  } catch (const Refused& refused) {
    return refused.status;
  }
  return 0;
}

TEST(ServeTarget, IsTakenApart) {
  const Target target = target_of("/v1/tables/sales.%22Trips%2F1%22/loads?null=%5CN&trim&null=a+b");
  EXPECT_THAT(target.path, ElementsAre("v1", "tables", "sales.\"Trips/1\"", "loads"));
  EXPECT_THAT(target.query,
              ElementsAre(Pair("null", "\\N"), Pair("trim", ""), Pair("null", "a b")));
  EXPECT_TRUE(target_of("/").path.empty());
  EXPECT_THAT(target_of("/?a=b=c").query, ElementsAre(Pair("a", "b=c")));
  EXPECT_THAT(target_of("/a%2Bb?c=%2B").path, ElementsAre("a+b"));
}

TEST(ServeTarget, WhatIsNoneIsRefused) {
  for (const char* text : {"", "*", "http://a/b", "/v1//loads", "/v1/", "/../etc", "/v1/%2e%2e/x",
                           "/a%", "/a%2", "/a%zz", "/a%00b", "/a%ff", "/x?a=%f"})
    EXPECT_EQ(400, status_refused([text] { target_of(text); })) << text;
}

TEST(ServeFileName, IsThatOfContentDisposition) {
  const auto name_in = [](const std::string& field) {
    return file_name_of({.headers = {{"content-disposition", field}}});
  };
  EXPECT_EQ("trips.csv", name_in("attachment; filename=trips.csv"));
  EXPECT_EQ("a; b=\"c\".csv", name_in(R"(form-data; FileName = "a; b=\"c\".csv" ; x=y)"));
  EXPECT_EQ("naïve €.csv", name_in("attachment; filename*=utf-8''na%c3%afve%20%e2%82%ac.csv"));
  EXPECT_EQ("é.csv", name_in("attachment; filename=e.csv; filename*=UTF-8'fr'%C3%A9.csv"));
  EXPECT_EQ("e.csv", name_in("attachment; filename*=ISO-8859-1''%E9.csv; filename=e.csv"));
  EXPECT_EQ("passwd", name_in("attachment; filename=../../etc/passwd"));
  EXPECT_EQ("b.csv", name_in(R"(attachment; filename="C:\\a\\b.csv")"));
  EXPECT_EQ("b.csv", name_in(R"(attachment; filename="C:\fakepath\b.csv")"));
  for (const char* none :
       {"", "attachment", "filename=x", "attachment; filename=", "attachment; filename=a/",
        "attachment; filename=\"\\", "attachment; filename=\"\x01.csv\"",
        "attachment; filename=\xff", "attachment; filename=..",
        "attachment; filename*=UTF-8''a%c2%9bb", "attachment; filename*=UTF-8''%e2%80%ae.csv",
        "attachment; filename*=UTF-8''a%00b", "attachment; filename*=UTF-8''a%0ab",
        "attachment; filename*=UTF-8''%zz", "attachment; filename*=UTF-8", ";;;=;\"", "a;=b;*=c"})
    EXPECT_EQ("", name_in(none)) << none;
  EXPECT_EQ("", name_in("attachment; filename=" + std::string(256, 'a')));
  EXPECT_EQ("", file_name_of({}));
}

TEST(ServeField, HasParameters) {
  EXPECT_THAT(parameters_of("text/csv; Charset = latin1;x=\"a;\\\"b\"; y"),
              ElementsAre(Pair("charset", "latin1"), Pair("x", "a;\"b"), Pair("y", "")));
  EXPECT_TRUE(parameters_of("text/csv").empty());
  EXPECT_TRUE(parameters_of("").empty());
  EXPECT_THAT(parameters_of(";;=\""), ElementsAre(Pair("", ""), Pair("", "")));
}

TEST(ServeSeldom, IsToldOnceASecond) {
  Seldom seldom;
  const auto now = Seldom::Clock::now();
  EXPECT_EQ(0U, seldom.note(now));
  for (const int ms : {0, 500, 999}) EXPECT_FALSE(seldom.note(now + std::chrono::milliseconds(ms)));
  EXPECT_EQ(3U, seldom.note(now + std::chrono::seconds(1)));
  EXPECT_EQ(0U, seldom.note(now + std::chrono::seconds(3)));
}

TEST(ServeTarget, MayNameTheServer) {
  const auto form = absolute_form_of("HTTP://localhost:8432/v1/loads?count=1");
  ASSERT_TRUE(form);
  EXPECT_EQ("localhost:8432", form->host);
  EXPECT_EQ("/v1/loads?count=1", form->target);
  EXPECT_EQ("/", absolute_form_of("https://[::1]")->target);
  EXPECT_EQ("/?count=1", absolute_form_of("http://a?count=1")->target);
  for (const char* text : {"/v1/loads", "/x?y=http://a/b", "*", "ftp://a/b", "a:80", ""})
    EXPECT_FALSE(absolute_form_of(text)) << text;
  for (const char* text : {"http://", "http:///v1/loads", "http://?x", "http://me:pw@a/b"})
    EXPECT_EQ(400, status_refused([text] { absolute_form_of(text); })) << text;
}

TEST(ServeTable, IsReadAsSqlDoes) {
  EXPECT_EQ((TableName{"", "trips"}), table_name_of("Trips"));
  EXPECT_EQ((TableName{"sales", "Tr.\"ips"}), table_name_of("SALES.\"Tr.\"\"ips\""));
  for (const char* text : {"", ".", "a.", ".a", "a.b.c", "\"", "\"a", "a b", "a;drop", "a--",
                           "\"\"", "a\"b\"", "../a", "-t"})
    EXPECT_EQ(400, status_refused([text] { table_name_of(text); })) << text;
}

TEST(ServeTable, PatternsMeanWhatTheySay) {
  const TableName table{"raw", "trips_2026"};
  for (const char* pattern : {"*", "raw.*", "raw.trips_*", "*.trips_2026", "trips_*"})
    EXPECT_TRUE(matches(pattern, table)) << pattern;
  for (const char* pattern : {"", "ra.*", "raw.trips", "sales.*", "raw"})
    EXPECT_FALSE(matches(pattern, table)) << pattern;
  // A name with a dot in it is not another schema's.
  EXPECT_FALSE(matches("raw.*", {"raw.x", "t"}));
}

// printf %s secret | sha256sum
constexpr const char* secret_digest =
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

TEST(ServeTokens, SayWhoMay) {
  const Tokens tokens = Tokens::read(std::string("# who may\n\nshop ") + secret_digest +
                                         " loader raw.*,sales.trips truncate,where # x\n",
                                     "tokens");
  EXPECT_EQ(nullptr, tokens.find("Secret"));
  EXPECT_EQ(nullptr, tokens.find(""));
  const Permission* const shop = tokens.find("secret");
  ASSERT_NE(nullptr, shop);
  EXPECT_EQ("shop", shop->name);
  EXPECT_EQ("loader", shop->role);
  EXPECT_TRUE(shop->may_use({"raw", "x"}));
  EXPECT_TRUE(shop->may_use({"sales", "trips"}));
  EXPECT_FALSE(shop->may_use({"sales", "other"}));
  EXPECT_FALSE(shop->may_use({"", "trips"})) << "whichever schema it would be in";
  EXPECT_THAT(shop->flags, ElementsAre("truncate", "where"));
}

TEST(ServeTokens, AWrongLineIsNamed) {
  const auto problem = [](const std::string& text) {
    try {
      Tokens::read(text, "who.txt");
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_THAT(problem("a e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 - * -\n"),
              HasSubstr("SHA-256 of nothing"));
  EXPECT_THAT(problem("\na b c\n"), HasSubstr("who.txt:2: a line has a name"));
  EXPECT_THAT(problem("a secret - * -\n"), HasSubstr("who.txt:1: the second word is no SHA-256"));
  const std::string line = std::string("a ") + secret_digest + " - * ";
  EXPECT_THAT(problem(line + "after_sql\n"), HasSubstr("\"after_sql\" is no flag"));
  EXPECT_THAT(problem(line + "-\n" + line + "-\n"), HasSubstr("who.txt:2: this token has a line"));
  EXPECT_EQ("", problem(line + "-"));
}

TEST(ServeFlags, AreArgumentsOfALoad) {
  const Permission anybody;
  EXPECT_THAT(arguments_of({{"on_conflict", "update"},
                            {"key", "a,b"},
                            {"null", ""},
                            {"null", "-"},
                            {"atomic", ""},
                            {"analyze", "false"},
                            {"trim", ""},
                            {"dry_run", "true"}},
                           anybody),
              ElementsAre("--on-conflict=update", "--key=a,b", "--null=", "--null=-", "--atomic",
                          "--trim", "--dry-run"));
}

TEST(ServeFlags, NoneReachesMoreThanItMay) {
  const Permission anybody;
  const auto status = [&anybody](const std::vector<std::pair<std::string, std::string>>& query) {
    return status_refused([&] { arguments_of(query, anybody); });
  };
  for (const char* name : {"table", "rejects", "after_sql", "dbname", "host", "set", "no_ledger",
                           "ca_file", "http_header", "output", "jobs", "--truncate", "on-conflict",
                           "", "d", "after", "accept_at_least_once"})
    EXPECT_EQ(400, status({{name, "x"}})) << name;
  for (const char* name : {"where", "select", "truncate", "create", "replace", "delete_missing",
                           "add_columns", "again", "same_content", "max_rate"})
    EXPECT_EQ(403, status({{name, "true"}})) << name;
  EXPECT_EQ(400, status({{"atomic", "yes"}}));
  EXPECT_EQ(400, status({{"key", "a"}, {"key", "b"}}));
  Permission more;
  more.flags = {"where"};
  EXPECT_THAT(arguments_of({{"where", "a > 1"}}, more), ElementsAre("--where=a > 1"));
}

TEST(ServeFlags, AreSaidInTheWordsOfTheQuery) {
  EXPECT_EQ("see on_conflict", in_words_of_query("see --on-conflict"));
  EXPECT_EQ("(see max_rejects), or add.\nkey",
            in_words_of_query("(see --max-rejects), or --add.\n--key"));
  // What an upload cannot say stays a flag, and so does what stands in a value.
  for (const char* text :
       {"--no-ledger", "-- --", "--", "a--key", "--keys", "not a number: \"--key\"", ""})
    EXPECT_EQ(text, in_words_of_query(text));
}

TEST(ServeRate, CountsTheTimeInWhichBytesWereWaitedFor) {
  using namespace std::chrono_literals;
  RateFloor floor(100, 10s);
  EXPECT_TRUE(floor.add(1, 9s)) << "the window is not over";
  EXPECT_FALSE(floor.add(1, 1s)) << "2 bytes in 10 s";
  EXPECT_TRUE(floor.add(1'000, 10s)) << "a window begins anew";
  EXPECT_FALSE(floor.add(999, 10s));
  EXPECT_FALSE(floor.add(1'500, 20s)) << "a long wait is a long window";
  // What comes at once is never too slow, however long whoever takes it needs for it.
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(floor.add(1, 0s));
  RateFloor none(0, 10s);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(none.add(0, 60s));
}

TEST(ServeMetrics, LabelsAreEscaped) {
  EXPECT_EQ(R"(a\\b\"c\nd{}=, ä)", label_value("a\\b\"c\nd{}=, ä"));
}

TEST(ServeOutcome, EachEndHasItsStatus) {
  const auto status = [](int exit_code, const std::string& load) {
    return answer_of_command(exit_code, R"({"command":"load","loads":[)" + load + "]}", "").status;
  };
  EXPECT_EQ(201, status(0, R"({"status":"stored","load":7})"));
  EXPECT_EQ(201, status(3, R"({"status":"stored","load":7,"rows_rejected":1})"));
  EXPECT_EQ(200, status(0, R"({"status":"nothing to do","load":7})"));
  EXPECT_EQ(200, status(0, R"({"status":"dry run","load":null})"));
  EXPECT_EQ(422, status(1, R"({"error":{"message":"m","record":{"line":2}}})"));
  EXPECT_EQ(404, status(1, R"({"error":{"message":"m","sqlstate":"42P01"}})"));
  EXPECT_EQ(403, status(1, R"({"error":{"message":"m","sqlstate":"42501"}})"));
  EXPECT_EQ(400, status(2, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(503, status(4, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(422, status(5, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(409, status(6, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(409, status(7, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(503, status(143, R"({"error":{"message":"m"}})"));
  EXPECT_EQ(503, answer_of_command(137, "", "").status);
  EXPECT_EQ(500, answer_of_command(127, "", "no such").status);
  EXPECT_EQ(500, answer_of_command(3, R"({"checks":[{"status":"checked","rej)", "").status)
      << "a report that was cut says nothing";
}

TEST(ServeOutcome, WhereTheDatabaseIsIsForTheLog) {
  const std::string report =
      R"({"loads":[{"error":{"message":"server at \"10.1.2.3\" refused","sqlstate":"42501"}}]})";
  const Answer answer = answer_of_command(4, report, "");
  EXPECT_EQ(403, answer.status);
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("10.1.2.3")));
  EXPECT_EQ("server at \"10.1.2.3\" refused", error_of_command(report));
  EXPECT_EQ(503, answer_of_command(4, R"({"error":{"message":"at 10.1.2.3"}})", "").status);
  EXPECT_EQ("", error_of_command("no JSON"));
  const Answer denied = answer_of_command(
      1, R"({"loads":[{"error":{"message":"closed\n  Grant it\n  Or use --no-ledger: it\n  x"}}]})",
      "");
  EXPECT_EQ("closed\n  Grant it\n  x", nlohmann::json::parse(denied.body)["detail"]);
}

TEST(ServeOutcome, SaysWhatAndWhereAndNoPathOfTheHost) {
  const Answer answer = answer_of_command(
      1,
      R"({"loads":[{"source":"-","status":"failed","load":9,"rejects_path":"/var/x.csv",
        "error":{"message":"bad","sqlstate":"22P02","record":{"line":3,"column":"a"}}}]})",
      "");
  const auto json = nlohmann::json::parse(answer.body);
  EXPECT_EQ("application/problem+json", answer.type);
  EXPECT_EQ("bad", json["detail"]);
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_EQ(3, json["record"]["line"]);
  EXPECT_EQ(9, json["load"]["load"]);
  EXPECT_FALSE(json["load"].contains("rejects_path"));
  EXPECT_THAT(answer.headers, ElementsAre(Pair("Location", "/v1/loads/9")));
}

TEST(ServeDigest, IsThatOfTheBytes) {
  // printf %s 'a,b\n' in Python: hashlib.sha256(b"a,b\n")
  const auto is_right = [](const std::string& field, const std::string& bytes) {
    DigestCheck check(field);
    check.add(bytes.substr(0, 2));
    check.add(bytes.substr(2));
    return check.is_right();
  };
  const std::string field =
      "unixsum=:MTIz:, sha-256=:PIhhDXLqTH4uhxtVKs2uS2QbqOrhcjj34Oe07bZl8xE=:";
  EXPECT_TRUE(is_right("", "abc"));
  EXPECT_EQ(400, status_refused([] { DigestCheck check("unixsum=:MTIz:"); })) << "nothing is known";
  EXPECT_FALSE(is_right(field, "a,c\n"));
  EXPECT_TRUE(is_right("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:", "abc"));
  EXPECT_TRUE(
      is_right("sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1E"
               "I2Q86A4qmslPpUyknw==:",
               "abc"));
  for (const char* wrong : {"sha-256", "sha-256=abc", "sha-256=::", "sha-256=:*:", "sha-256=:abc:"})
    EXPECT_EQ(400, status_refused([wrong] { DigestCheck check(wrong); })) << wrong;
}

TEST(ServeMetrics, AreCounted) {
  Metrics metrics;
  metrics.note_answer(201);
  metrics.note_load(0,
                    R"({"loads":[{"rows_stored_by_this_run":7,"rows_rejected":2,"retries":1,)"
                    R"("bottleneck":{"limit":"wal"}},{"bottleneck":{"limit":"\n"}}]})",
                    std::chrono::milliseconds(700));
  metrics.note_load(1, "no json", std::chrono::seconds(9999));
  const std::string text = metrics.text({.connections = 3, .running = 2, .waiting = 1});
  for (const char* line :
       {"pgsluice_connections 3\n", "pgsluice_loads_running 2\n", "pgsluice_loads_waiting 1\n",
        "pgsluice_http_answers_total{status=\"201\"} 1\n",
        "pgsluice_loads_total{exit_code=\"0\"} 1\n", "pgsluice_loads_total{exit_code=\"1\"} 1\n",
        "pgsluice_rows_stored_total 7\n", "pgsluice_rows_rejected_total 2\n",
        "pgsluice_loads_limited_total{limit=\"wal\"} 1\n", "pgsluice_retries_total 1\n",
        "pgsluice_load_seconds_bucket{le=\"0.5\"} 0\n",
        "pgsluice_load_seconds_bucket{le=\"1\"} 1\n",
        "pgsluice_load_seconds_bucket{le=\"+Inf\"} 2\n", "pgsluice_load_seconds_count 2\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace sluice::serve
