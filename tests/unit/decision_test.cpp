#include <gtest/gtest.h>

#include "async/retry.hpp"
#include "base/identifier.hpp"
#include "load/attempt.hpp"
#include "plan/meaning.hpp"
#include "resume/history.hpp"
#include "writer/copy_writer.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Kind = resume::Verdict::Kind;

TEST(Jobs, FollowTheCoresAndTheDistance) {
  EXPECT_EQ(2U, plan::default_jobs(1, 100us));
  EXPECT_EQ(2U, plan::default_jobs(2, 1ms));
  EXPECT_EQ(3U, plan::default_jobs(2, 20ms));
  EXPECT_EQ(7U, plan::default_jobs(4, 20ms));
  EXPECT_EQ(8U, plan::default_jobs(64, 0ms));
  EXPECT_EQ(9U, plan::default_jobs(2, 100ms));
  EXPECT_EQ(16U, plan::default_jobs(8, 1s));
}

using resume::Candidate;
using resume::History;
using resume::Match;

constexpr const char* usual = R"({"null":""})";
constexpr const char* other = R"({"null":"NA"})";

/// A file of 1,000 bytes whose content is `fingerprint`.
ledger::NewLoad file(const std::string& fingerprint, const std::string& options = usual,
                     const std::string& stamp = "host 1:2 x") {
  ledger::NewLoad load;
  load.fingerprint = fingerprint;
  load.head = "head of " + fingerprint;
  load.options = options;
  load.source_stamp = stamp;
  load.source_path = "/f.csv";
  load.source_bytes = 1'000;
  load.target = "t";
  return load;
}

ledger::NewLoad named(const std::string& path, ledger::NewLoad load) {
  load.source_path = path;
  load.source_stamp = "host 1:" + path + " x";
  return load;
}

/// A stream's fingerprint is another one, even of the same content.
ledger::NewLoad stream(const std::string& fingerprint, const std::string& options = usual) {
  ledger::NewLoad load = file(fingerprint, options, "");
  load.fingerprint += " as a stream";
  load.source_path = "stdin";
  load.source_bytes.reset();
  return load;
}

ledger::NewLoad updating(ledger::NewLoad load) {
  load.updates = true;
  return load;
}

ledger::NewLoad longer(ledger::NewLoad load) {
  load.fingerprint += ", grown";
  load.source_bytes = 2'000;
  load.source_stamp = "host 1:2 y";
  return load;
}

Candidate entry(const ledger::NewLoad& what, const std::string& state, std::uint64_t chunks = 3,
                std::int64_t id = 7) {
  Candidate c;
  static_cast<ledger::NewLoad&>(c.load) = what;
  c.load.id = {id};
  c.load.state = state;
  c.load.totals.chunks = chunks;
  c.load.totals.counts.rows_stored = chunks * 10;
  c.load.totals.records_read = chunks * 10;
  c.load.content_end = chunks > 0 ? 1'000 : 0;
  return c;
}

Candidate matched(Match match, Candidate c) {
  c.match = match;
  return c;
}

/// Its rows wait in a table of their own.
Candidate staged(Candidate c) {
  c.load.staged = true;
  return c;
}

Candidate changed_since(Candidate c) {
  c.load.changed_since = true;
  return c;
}

struct HistoryCase {
  const char* name;
  std::vector<Candidate> before;  ///< newest first
  ledger::NewLoad now;
  Kind expected;
  std::size_t voided = 0;
  History how = {};
};

History emptied() {
  History h;
  h.target_is_empty = true;
  return h;
}
History again() {
  History h;
  h.again = true;
  return h;
}
History truncating() {
  History h;
  h.truncate = true;
  return h;
}
History with(plan::SameContent same) {
  History h;
  h.same_content = same;
  return h;
}
History with(plan::Grown grown) {
  History h;
  h.grown = grown;
  return h;
}

void expect_all(const std::vector<HistoryCase>& cases) {
  for (const HistoryCase& c : cases) {
    History history = c.how;
    history.loads = c.before;
    const resume::Verdict verdict = resume::judge(history, c.now);
    EXPECT_EQ(c.expected, verdict.kind) << c.name;
    EXPECT_EQ(c.voided, verdict.void_loads.size()) << c.name;
  }
}

TEST(History, JudgesUnfinishedLoads) {
  const ledger::NewLoad atomic = [] {
    ledger::NewLoad load = file("a");
    load.staged = true;
    return load;
  }();
  expect_all({
      {"same", {entry(file("a"), "unfinished")}, file("a"), Kind::resume},
      {"other options", {entry(file("a"), "unfinished")}, file("a", other), Kind::refuse_options},
      {"other options, nothing stored",
       {entry(file("a"), "unfinished", 0)},
       file("a", other),
       Kind::fresh,
       1},
      {"staged, same", {staged(entry(file("a"), "unfinished"))}, atomic, Kind::resume},
      {"staged, other options",
       {staged(entry(file("a"), "unfinished"))},
       file("a", other),
       Kind::fresh,
       1},
      {"staged, target empty",
       {staged(entry(file("a"), "unfinished"))},
       atomic,
       Kind::resume,
       0,
       emptied()},
      {"staged, and not any more",
       {staged(entry(file("a"), "unfinished"))},
       file("a"),
       Kind::fresh,
       1},
      {"other content", {entry(file("a"), "unfinished")}, file("b"), Kind::refuse_changed},
      {"other content, a stream", {entry(stream("a"), "unfinished")}, stream("b"), Kind::fresh},
      {"other content, another name",
       {entry(named("/g.csv", file("a")), "unfinished")},
       file("b"),
       Kind::fresh},
      {"target emptied", {entry(file("a"), "unfinished")}, file("a"), Kind::fresh, 1, emptied()},
      {"again", {entry(file("a"), "unfinished")}, file("a"), Kind::fresh, 1, again()},
      {"nothing stored yet",
       {entry(file("a"), "unfinished", 0)},
       file("a"),
       Kind::resume,
       0,
       emptied()},
      {"a stream of the file's content",
       {entry(file("a"), "unfinished")},
       stream("a"),
       Kind::resume},
  });
}

/// A file of which all was not there yet when its load began.
TEST(History, JudgesUnfinishedLoadsOfWhatHasGrown) {
  Candidate part = entry(file("a"), "unfinished");
  part.load.content_end = 600;
  const auto grown = [](Candidate c) {
    c.match = Match::prefix;
    c.begins_with_file = true;
    return c;
  };
  Candidate running = grown(part);
  running.is_running = true;
  Candidate replaced = matched(Match::other, part);
  replaced.begins_with_file = true;
  ledger::NewLoad moved = longer(file("a"));
  moved.source_path = "/moved.csv";
  ledger::NewLoad atomic = longer(file("a"));
  atomic.staged = true;
  expect_all({
      {"not looked at", {part}, longer(file("a")), Kind::compare},
      {"grown", {grown(part)}, longer(file("a")), Kind::resume},
      {"grown and moved", {grown(part)}, moved, Kind::resume},
      {"grown, other options", {grown(part)}, longer(file("a", other)), Kind::refuse_options},
      {"grown, with the end of then stored",
       {grown(entry(file("a"), "unfinished"))},
       longer(file("a")),
       Kind::refuse_all_stored},
      {"grown, nothing stored",
       {grown(entry(file("a"), "unfinished", 0))},
       longer(file("a")),
       Kind::fresh,
       1},
      {"longer, and what is stored differs", {replaced}, longer(file("a")), Kind::refuse_changed},
      {"longer, and the end of then differs",
       {matched(Match::prefix, part)},
       longer(file("a")),
       Kind::refuse_changed},
      {"longer, and another from its beginning", {part}, longer(file("b")), Kind::refuse_changed},
      {"grown, and a run is at work on it", {running}, longer(file("a")), Kind::refuse_running},
      {"grown, staged", {staged(grown(part))}, atomic, Kind::resume},
      {"grown, staged, and not any more", {staged(grown(part))}, longer(file("a")), Kind::fresh, 1},
      {"grown, staged, and not any more, beside a finished one",
       {staged(grown(part)), entry(file("a"), "finished", 3, 6)},
       longer(file("a")),
       Kind::compare},
      {"grown, again", {grown(part)}, longer(file("a")), Kind::fresh, 1, again()},
      {"grown, truncated", {grown(part)}, longer(file("a")), Kind::fresh, 1, truncating()},
      {"grown, of a table that is empty", {part}, longer(file("a")), Kind::fresh, 1, emptied()},
  });
}

/// Loads of another file or stream that are not finished, and a longer copy of it.
TEST(History, JudgesCopiesOfUnfinishedLoads) {
  const Candidate begun = entry(named("/g.csv", file("a")), "unfinished");
  const Candidate begins = matched(Match::prefix, begun);
  const auto running = [](Candidate c) {
    c.is_running = true;
    return c;
  };
  const Candidate empty = entry(named("/g.csv", file("a")), "unfinished", 0);
  ledger::NewLoad shorter = longer(file("a"));
  shorter.source_bytes = 900;
  ledger::NewLoad short_one = longer(file("b"));
  short_one.short_heads = {"head of c", "head of a"};
  ledger::NewLoad as_stream = stream("b");
  as_stream.short_heads = {"head of a"};
  expect_all({
      {"not looked at", {begun}, longer(file("a")), Kind::compare},
      {"short, not looked at", {begun}, short_one, Kind::compare},
      {"short, a stream", {begun}, as_stream, Kind::compare},
      {"begins with it", {begins}, longer(file("a")), Kind::refuse_begun},
      {"short, begins with it", {begins}, short_one, Kind::refuse_begun},
      {"is what it has stored",
       {matched(Match::same, begun)},
       longer(file("a")),
       Kind::refuse_begun},
      {"is another", {matched(Match::other, begun)}, longer(file("a")), Kind::fresh},
      {"is shorter", {begun}, shorter, Kind::fresh},
      {"running", {running(begins)}, longer(file("a")), Kind::refuse_running},
      {"running, without a chunk", {running(empty)}, longer(file("a")), Kind::compare},
      {"running, without a chunk, begins with it",
       {running(matched(Match::prefix, empty))},
       longer(file("a")),
       Kind::refuse_running},
      {"died without a chunk", {matched(Match::prefix, empty)}, longer(file("a")), Kind::fresh},
      {"staged", {staged(begins)}, longer(file("a")), Kind::fresh},
      {"its rows are gone", {begun}, longer(file("a")), Kind::fresh, 1, emptied()},
      {"its rows are gone, a stream", {begun}, stream("a"), Kind::fresh, 1, emptied()},
      {"its rows are gone, and it brings more",
       {running(begins)},
       longer(file("a")),
       Kind::refuse_running,
       0,
       emptied()},
      {"again", {begins}, longer(file("a")), Kind::fresh, 0, again()},
      {"load", {begins}, longer(file("a")), Kind::fresh, 0, with(plan::Grown::load)},
      {"append", {begins}, longer(file("a")), Kind::refuse_begun, 0, with(plan::Grown::append)},
      {"a finished load has it all",
       {begins, matched(Match::same, entry(longer(file("a")), "finished", 3, 8))},
       longer(file("a")),
       Kind::nothing_to_do},
  });
}

TEST(History, JudgesFinishedLoads) {
  expect_all({
      {"untouched", {entry(file("a"), "finished")}, file("a"), Kind::nothing_to_do},
      {"touched", {entry(file("a"), "finished")}, file("a", usual, "host 1:2 y"), Kind::compare},
      {"touched, and the same",
       {matched(Match::same, entry(file("a"), "finished"))},
       file("a", usual, "host 1:2 y"),
       Kind::nothing_to_do},
      {"touched, and changed",
       {matched(Match::other, entry(file("a"), "finished"))},
       file("a", usual, "host 1:2 y"),
       Kind::fresh},
      {"a stream", {entry(stream("a"), "finished")}, stream("a"), Kind::compare},
      {"a stream, the same",
       {matched(Match::same, entry(stream("a"), "finished"))},
       stream("a"),
       Kind::nothing_to_do},
      {"a stream of a file's content",
       {matched(Match::same, entry(file("a"), "finished"))},
       stream("a"),
       Kind::nothing_to_do},
      {"a file of a stream's content",
       {matched(Match::same, entry(stream("a"), "finished"))},
       file("a"),
       Kind::nothing_to_do},
      {"other content of that name",
       {entry(named("/f.csv", file("a")), "finished")},
       [] {
         ledger::NewLoad now = file("b");
         now.source_bytes = 900;
         return now;
       }(),
       Kind::fresh},
      {"target emptied", {entry(file("a"), "finished")}, file("a"), Kind::fresh, 1, emptied()},
      {"again", {entry(file("a"), "finished")}, file("a"), Kind::fresh, 0, again()},
      {"truncated, the same",
       {entry(file("a"), "finished")},
       file("a"),
       Kind::nothing_to_do,
       0,
       truncating()},
      {"unlogged, and crashed since",
       {[] {
         Candidate c = entry(file("a"), "finished");
         c.load.is_emptied = true;
         return c;
       }()},
       file("a"),
       Kind::fresh,
       1,
       [] {
         History h;
         h.target_is_unlogged = true;
         return h;
       }()},
  });
}

/// Partitions, of which only some are unlogged.
TEST(History, ACrashThatTookAPartIsRefused) {
  Candidate lost = entry(file("a"), "finished");
  lost.load.is_emptied = true;
  Candidate cut = entry(file("a"), "unfinished");
  cut.load.is_emptied = true;
  Candidate anew = matched(Match::same, entry(file("a"), "finished", 3, 8));
  const auto history = [](bool again, bool truncate) {
    History h;
    h.target_is_unlogged = h.target_has_logged_part = true;
    h.again = again;
    h.truncate = truncate;
    return h;
  };
  History emptied = history(false, false);
  emptied.target_is_empty = true;
  expect_all({
      {"finished", {lost}, file("a"), Kind::refuse_part_gone, 0, history(false, false)},
      {"unfinished", {cut}, file("a"), Kind::refuse_part_gone, 0, history(false, false)},
      {"loaded again", {anew, lost}, file("a"), Kind::nothing_to_do, 0, history(false, false)},
      {"truncated", {lost}, file("a"), Kind::fresh, 1, history(false, true)},
      {"again", {lost}, file("a"), Kind::fresh, 0, history(true, false)},
      {"all is gone", {lost}, file("a"), Kind::fresh, 1, emptied},
  });
}

TEST(History, RefusesOtherOptionsAndOtherNames) {
  const Candidate same = matched(Match::same, entry(file("a"), "finished"));
  const Candidate empty = matched(Match::same, entry(file("a"), "finished", 0));
  const ledger::NewLoad copy = named("/copy.csv", file("a"));
  expect_all({
      {"other options", {same}, file("a", other), Kind::refuse_other_options},
      {"other options, again", {same}, file("a", other), Kind::fresh, 0, again()},
      {"other options, truncated", {same}, file("a", other), Kind::fresh, 0, truncating()},
      {"another name", {same}, copy, Kind::refuse_same_content},
      {"another name, truncated", {same}, copy, Kind::fresh, 0, truncating()},
      {"another name, load", {same}, copy, Kind::fresh, 0, with(plan::SameContent::load)},
      {"another name, skip", {same}, copy, Kind::nothing_to_do, 0, with(plan::SameContent::skip)},
      {"another name, no record", {empty}, copy, Kind::nothing_to_do},
      {"another name of the inode",
       {same},
       [] {
         ledger::NewLoad now = file("a", usual, "host 1:2 y");
         now.source_path = "/moved.csv";
         return now;
       }(),
       Kind::nothing_to_do},
      {"both names are there, the copy is newer",
       {matched(Match::same, entry(copy, "finished", 3, 8)), same},
       file("a"),
       Kind::nothing_to_do},
      {"loaded both ways",
       {matched(Match::same, entry(file("a", other), "finished", 3, 8)), same},
       file("a", usual, "host 1:2 y"),
       Kind::nothing_to_do},
  });
}

TEST(History, AppliesAnUpsertAgainBehindAnother) {
  const Candidate once = entry(updating(file("a")), "finished");
  expect_all({
      {"no other since", {once}, updating(file("a")), Kind::nothing_to_do},
      {"another since", {changed_since(once)}, updating(file("a")), Kind::fresh},
      {"another since, and this is no upsert",
       {changed_since(entry(file("a"), "finished"))},
       file("a"),
       Kind::nothing_to_do},
  });
}

TEST(History, AppliesAgainWhatTakesRowsAway) {
  ledger::NewLoad now = file("a");
  now.deletes = true;
  const Candidate once = entry(file("a"), "finished");
  expect_all({
      {"no other since", {once}, now, Kind::nothing_to_do},
      {"another since", {changed_since(once)}, now, Kind::fresh},
  });
}

TEST(History, LoadsNothingBesideWhatIsHalfTakenOut) {
  const Candidate half = entry(file("a"), "undoing");
  expect_all({
      {"the same", {half}, file("a"), Kind::refuse_half_undone},
      {"other content", {half}, file("b"), Kind::fresh},
      {"grown", {half}, longer(file("a")), Kind::refuse_half_undone},
      {"again", {half}, file("a"), Kind::fresh, 0, again()},
      {"truncated", {half}, file("a"), Kind::fresh, 0, truncating()},
      {"of a table that is empty", {half}, file("a"), Kind::fresh, 0, emptied()},
      {"and brought again by another",
       {matched(Match::same, entry(file("a"), "finished", 3, 8)), half},
       file("a"),
       Kind::refuse_half_undone},
  });
}

TEST(History, RefusesWhatHasGrown) {
  const Candidate before = entry(file("a"), "finished");
  const Candidate begins = matched(Match::prefix, before);
  Candidate further = matched(Match::prefix, entry(file("a"), "finished", 3, 6));
  further.load.content_end = 1'500;
  expect_all({
      {"not looked at", {before}, longer(file("a")), Kind::compare},
      {"grown", {begins}, longer(file("a")), Kind::refuse_grown},
      {"grown, append", {begins}, longer(file("a")), Kind::append, 0, with(plan::Grown::append)},
      {"grown, load", {begins}, longer(file("a")), Kind::fresh, 0, with(plan::Grown::load)},
      {"grown, other options, append",
       {begins},
       longer(file("a", other)),
       Kind::refuse_other_options,
       0,
       with(plan::Grown::append)},
      {"grown, truncated", {begins}, longer(file("a")), Kind::fresh, 0, truncating()},
      {"a file that goes on from no record",
       {matched(Match::prefix, entry(file("a"), "finished", 0))},
       longer(file("a")),
       Kind::fresh},
  });
  History history = with(plan::Grown::append);
  history.loads = {begins, further};
  EXPECT_EQ(6, resume::judge(history, longer(file("a"))).load->id.value) << "the longest one";
}

TEST(Options, AreComparedByMeaning) {
  EXPECT_TRUE(resume::same_options(R"({"null":"","atomic":true})", usual));
  EXPECT_TRUE(resume::same_options(R"({"null":"","header":"match","skip-lines":0})",
                                   R"({"null":"","fields":["a"],"begins":[2,2,1]})"))
      << "written by a version that knew no fields";
  EXPECT_FALSE(resume::same_options(R"({"null":"","fields":["a"],"begins":[2,2,1]})",
                                    R"({"null":"","fields":["b"],"begins":[2,2,1]})"));
  EXPECT_TRUE(resume::same_options(R"({"fields":["a"],"begins":[2,2,1]})",
                                   R"({"fields":["a"],"begins":[9,3,2]})", false));
  for (const char* spelling : {"utf8", "UTF8", "utf-8", "Unicode", "UTF_8"})
    EXPECT_EQ("utf8", plan::canonical_encoding(spelling)) << spelling;
  EXPECT_EQ(plan::canonical_encoding("ISO-8859-1"), plan::canonical_encoding("latin1"));
  EXPECT_NE(plan::canonical_encoding("latin2"), plan::canonical_encoding("latin1"));
  EXPECT_FALSE(plan::decides_rows("synchronous_commit"));
  EXPECT_FALSE(plan::decides_rows("idle_in_transaction_session_timeout"));
  EXPECT_TRUE(plan::decides_rows("datestyle"));
  EXPECT_TRUE(plan::decides_rows("my.tenant"));
}

TEST(History, NamesTheOptionThatDiffers) {
  EXPECT_EQ("--null: \"\" then, \"NA\" now; --limit: not given then, 5 now",
            resume::difference_of_options(R"({"null":"","quote":"'"})",
                                          R"({"null":"NA","quote":"'","limit":5})"));
}

pg::PgError error(const std::string& state, pg::Phase phase = pg::Phase::storing) {
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

/// A server that says ERROR has not ended the session: what it raised there may be a row's fault,
/// whatever the code, but for what is of the server and its other users.
TEST(RetryPolicy, CodesInASessionThatGoesOn) {
  const load::RetryPolicy policy{5min, {100ms, 15s}, false};
  const auto living = [](const std::string& state) {
    pg::PgError e = error(state);
    e.session_goes_on = true;
    return e;
  };
  for (const char* again : {"40000", "40001", "40P01", "53100", "53300", "55P03", "57P01"})
    EXPECT_TRUE(policy.next(living(again), 0, 0ms, 0.5)) << again;
  for (const char* never : {"57014", "57P04", "58030", "XX001", "XX002"}) {
    EXPECT_FALSE(policy.next(living(never), 0, 0ms, 0.5)) << never;
    EXPECT_EQ(ErrorNature::permanent, living(never).nature()) << never;
  }
  for (const char* data : {"08006", "08P01", "0A000", "22P02", "25006", "42501", "42P01", "54000",
                           "55000", "P0001", "XX000", "XY123"}) {
    EXPECT_FALSE(policy.next(living(data), 0, 0ms, 0.5)) << data;
    EXPECT_EQ(ErrorNature::data, living(data).nature()) << data;
  }
  pg::PgError refused_by_server = living("25006");
  refused_by_server.session_only_reads = true;
  EXPECT_EQ(ErrorNature::permanent, refused_by_server.nature());
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
  EXPECT_FALSE(policy.next(error("", pg::Phase::storing), 0, 0ms, 0));
  EXPECT_TRUE(policy.next(error("", pg::Phase::connect), 0, 0ms, 0));
  EXPECT_TRUE(policy.next(error("40P01", pg::Phase::storing), 0, 0ms, 0));
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
