#include <gtest/gtest.h>

#include "async/retry.hpp"
#include "base/identifier.hpp"
#include "load/attempt.hpp"
#include "load/history.hpp"
#include "writer/copy_writer.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Kind = load::Verdict::Kind;

TEST(Jobs, FollowTheCoresAndTheDistance) {
  EXPECT_EQ(2U, load::default_jobs(1, 100us));
  EXPECT_EQ(2U, load::default_jobs(2, 1ms));
  EXPECT_EQ(3U, load::default_jobs(2, 20ms));
  EXPECT_EQ(7U, load::default_jobs(4, 20ms));
  EXPECT_EQ(8U, load::default_jobs(64, 0ms));
  EXPECT_EQ(9U, load::default_jobs(2, 100ms));
  EXPECT_EQ(16U, load::default_jobs(8, 1s));
}

ledger::NewLoad file(const std::string& fingerprint, const std::string& options = R"({"null":""})",
                     const std::string& stamp = "s1") {
  ledger::NewLoad load;
  load.fingerprint = fingerprint;
  load.options = options;
  load.source_stamp = stamp;
  load.source_path = "/f.csv";
  return load;
}

ledger::LoadEntry entry(const ledger::NewLoad& what, const std::string& state,
                        std::uint64_t chunks = 3) {
  ledger::LoadEntry load;
  static_cast<ledger::NewLoad&>(load) = what;
  load.id = {7};
  load.state = state;
  load.totals.chunks = chunks;
  load.totals.rows_stored = chunks * 10;
  return load;
}

/// Its rows wait in a table of their own.
ledger::LoadEntry staged(ledger::LoadEntry load) {
  load.staged = true;
  return load;
}

struct HistoryCase {
  const char* name;
  ledger::LoadEntry before;
  ledger::NewLoad now;
  bool target_is_empty;
  bool again;
  bool is_file;
  Kind expected;
  std::size_t voided;
};

TEST(History, Judges) {
  const std::string other = R"({"null":"NA"})";
  const HistoryCase cases[] = {
      {"unfinished, same", entry(file("a"), "unfinished"), file("a"), false, false, true,
       Kind::resume, 0},
      {"unfinished, other options", entry(file("a"), "unfinished"), file("a", other), false, false,
       true, Kind::refuse_options, 0},
      {"unfinished, other options, nothing stored", entry(file("a"), "unfinished", 0),
       file("a", other), false, false, true, Kind::fresh, 1},
      {"unfinished, staged, other options", staged(entry(file("a"), "unfinished")),
       file("a", other), false, false, true, Kind::fresh, 1},
      {"unfinished, staged, target empty", staged(entry(file("a"), "unfinished")), file("a"), true,
       false, true, Kind::resume, 0},
      {"unfinished, other content", entry(file("a"), "unfinished"), file("b"), false, false, true,
       Kind::refuse_changed, 0},
      {"unfinished, other content, a stream", entry(file("a"), "unfinished"), file("b"), false,
       false, false, Kind::fresh, 0},
      {"unfinished, target emptied", entry(file("a"), "unfinished"), file("a"), true, false, true,
       Kind::fresh, 1},
      {"unfinished, again", entry(file("a"), "unfinished"), file("a"), false, true, true,
       Kind::fresh, 1},
      {"unfinished, nothing stored yet", entry(file("a"), "unfinished", 0), file("a"), true, false,
       true, Kind::resume, 0},
      {"finished, untouched", entry(file("a"), "finished"), file("a"), false, false, true,
       Kind::nothing_to_do, 0},
      {"finished, touched", entry(file("a"), "finished"), file("a", R"({"null":""})", "s2"), false,
       false, true, Kind::verify, 0},
      {"finished, a stream", entry(file("a", R"({"null":""})", ""), "finished"),
       file("a", R"({"null":""})", ""), false, false, false, Kind::verify, 0},
      {"finished, other options", entry(file("a"), "finished"), file("a", other), false, false,
       true, Kind::fresh, 0},
      {"finished, other content of that name", entry(file("a"), "finished"), file("b"), false,
       false, true, Kind::fresh, 0},
      {"finished, target emptied", entry(file("a"), "finished"), file("a"), true, false, true,
       Kind::fresh, 1},
      {"finished, again", entry(file("a"), "finished"), file("a"), false, true, true, Kind::fresh,
       0},
  };
  for (const HistoryCase& c : cases) {
    const load::Verdict verdict =
        load::judge({{c.before}, c.target_is_empty, c.again, c.is_file}, c.now);
    EXPECT_EQ(c.expected, verdict.kind) << c.name;
    EXPECT_EQ(c.voided, verdict.void_loads.size()) << c.name;
  }
}

TEST(History, NamesTheOptionThatDiffers) {
  EXPECT_EQ("--null: \"\" then, \"NA\" now; --limit: not given then, 5 now",
            load::difference_of_options(R"({"null":"","quote":"'"})",
                                        R"({"null":"NA","quote":"'","limit":5})"));
}

pg::PgError error(const std::string& state, pg::Phase phase = pg::Phase::copy) {
  return {phase, SqlState(state), "x"};
}

TEST(RetryPolicy, DecidesBySqlStateAndPhase) {
  const load::RetryPolicy policy{5min, {100ms, 15s}, true};
  for (const char* again :
       {"", "08006", "57P01", "57P02", "57P03", "40001", "40P01", "55P03", "53300", "53100"}) {
    EXPECT_TRUE(policy.next(error(again), 0, 0ms, 0.5)) << again;
  }
  for (const char* never :
       {"22P02", "23505", "42P01", "42501", "57014", "25006", "28P01", "P0001", "XX000"}) {
    EXPECT_FALSE(policy.next(error(never), 0, 0ms, 0.5)) << never;
  }
}

TEST(RetryPolicy, GivesUpWhenItsTimeIsOver) {
  const load::RetryPolicy policy{10s, {100ms, 15s}, true};
  EXPECT_TRUE(policy.next(error(""), 0, 9800ms, 0));
  EXPECT_FALSE(policy.next(error(""), 0, 10s, 0));
  const load::RetryPolicy never{0ms, {100ms, 15s}, true};
  EXPECT_FALSE(never.next(error(""), 0, 0ms, 0));
}

TEST(RetryPolicy, WithoutLedgerALostCommitIsNotTriedAgain) {
  const load::RetryPolicy policy{5min, {100ms, 15s}, false};
  EXPECT_FALSE(policy.next(error("", pg::Phase::copy), 0, 0ms, 0));
  EXPECT_TRUE(policy.next(error("", pg::Phase::connect), 0, 0ms, 0));
  EXPECT_TRUE(policy.next(error("40P01", pg::Phase::copy), 0, 0ms, 0));
}

TEST(Backoff, GrowsToItsBound) {
  const async::Backoff backoff{100ms, 15s};
  EXPECT_EQ(50ms, backoff.delay(0, 0));
  EXPECT_EQ(200ms, backoff.delay(2, 0));
  EXPECT_EQ(7500ms, backoff.delay(50, 0));
  EXPECT_LE(backoff.delay(50, 0.999), 15s);
}

TEST(CopyContext, FindsTheTupleNumberInAnyLanguage) {
  EXPECT_EQ(6U, writer::tuple_number_in("COPY trips, line 7, column fare: \"12x\"", "trips"));
  EXPECT_EQ(6U, writer::tuple_number_in("COPY trips, Zeile 7, Spalte fare", "trips"));
  EXPECT_EQ(
      2U, writer::tuple_number_in("PL/pgSQL function f() line 9 at RAISE\nCOPY t2, line 3", "t2"));
  EXPECT_EQ(std::nullopt,
            writer::tuple_number_in("SQL statement \"SELECT 1 FROM trips\"", "trips"));
  EXPECT_EQ(std::nullopt, writer::tuple_number_in("", "trips"));
}

TEST(Identifier, Quotes) {
  EXPECT_EQ("\"a\"\"b\"", quote_identifier("a\"b"));
  EXPECT_EQ("'it''s'", quote_literal("it's"));
  EXPECT_EQ(" E'a\\\\b'''", quote_literal("a\\b'"));
}

}  // namespace
}  // namespace sluice
