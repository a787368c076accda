#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Action = Proxy::Action;
using Direction = Proxy::Direction;

/// Three chunks, one of them with bad records, by way of a proxy that does harm once.
class NetworkFaults : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int primary key check (id <> 450), v text)");
    std::string csv = "id,v\n";
    for (int i = 1; i <= rows_; ++i) csv += (i == 460 ? "x" : "") + std::to_string(i) + ",abc\n";
    options_.path = folder_.write("in.csv", csv);
    options_.table = "t";
    options_.chunk_bytes = 3000;
    options_.jobs = 2;
    options_.rejects.rejects_max = 10;
  }

  void begin_anew() {
    db().run(
        "truncate t; do $$ begin if to_regclass('pgsluice.loads') is not null then truncate "
        "pgsluice.loads, pgsluice.chunks, pgsluice.deferred_indexes restart identity cascade; end "
        "if; end "
        "$$");
    ::unlink((folder_ / "in.rejects.csv").c_str());
    ::unlink((folder_ / "in.rejects.jsonl").c_str());
  }

  void expect_all_is_well(const std::string& when) {
    ASSERT_EQ("898 898 404540", db().value("select count(*) || ' ' || count(distinct id) || ' ' || "
                                           "sum(id) from t where v = 'abc'"))
        << when;
    ASSERT_EQ("", ledger_disagreement("t")) << when;
    ASSERT_EQ("finished", db().value("select string_agg(state, ' ') from pgsluice.loads")) << when;
    ASSERT_EQ("id,v\n450,abc\nx460,abc\n", read_file(folder_ / "in.rejects.csv")) << when;
  }

  /// Does `action` once, at the byte of the whole dialogue in that direction.
  static Proxy::Judge at_byte(Direction direction, std::size_t at, Action action,
                              std::atomic<std::size_t>& seen, std::atomic<bool>& done) {
    return [=, &seen, &done](std::size_t, Direction d, const std::string& bytes) {
      if (d != direction || done) return Action::pass;
      seen += bytes.size();
      if (seen < at || done.exchange(true)) return Action::pass;
      return action;
    };
  }

  /// The bytes of the dialogue from one place at which it is cut to the next.
  struct Steps {
    std::size_t to_server;
    std::size_t to_client;
  };
  /// Cuts the dialogue at each of these places in turn, in both directions; `load`, which is given
  /// the URL of the proxy, is to end well all the same, with a second run without a proxy if it
  /// must. Returns at how many places that was.
  std::size_t cut_everywhere(Steps steps, const std::function<void(const std::string&)>& load) {
    std::size_t cuts = 0;
    for (const auto direction : {Direction::to_server, Direction::to_client}) {
      const bool is_to_server = direction == Direction::to_server;
      for (std::size_t at = 1; !HasFailure();
           at += is_to_server ? steps.to_server : steps.to_client) {
        SCOPED_TRACE((is_to_server ? "to the server at " : "to the client at ") +
                     std::to_string(at));
        begin_anew();
        std::atomic<std::size_t> seen = 0;
        std::atomic<bool> cut = false;
        const Action action = at % 2 == 0 ? Action::cut : Action::reset;
        Proxy proxy(url(), at_byte(direction, at, action, seen, cut));
        load(proxy.url(url()));
        if (!cut) break;  // the whole dialogue is shorter
        ++cuts;
      }
    }
    return cuts;
  }

  static constexpr int rows_ = 900;
  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

/// The ways in which rows get into a table.
enum class Way {
  copy,
  insert,
  upsert,
  atomic,
  staged,
  prepared,
  atomic_upsert,
  where,
  where_upsert,
  select,
  select_upsert,
  select_atomic
};

/// The dialogue is cut at every n-th byte, in both directions: this run or a second one stores each
/// good row once and keeps each reject once.
class CutFaults : public NetworkFaults, public ::testing::WithParamInterface<Way> {
 protected:
  void choose_way() {
    const Way way = GetParam();
    if (way == Way::insert) options_.writer = plan::WriterChoice::insert;
    options_.atomic = way == Way::atomic || way == Way::staged || way == Way::prepared ||
                      way == Way::atomic_upsert || way == Way::select_atomic;
    if (way == Way::prepared) options_.atomic_way = plan::AtomicWay::prepared;
    if (way == Way::staged) options_.atomic_way = plan::AtomicWay::resumable;
    if (way == Way::where || way == Way::where_upsert) options_.where = "id > 0 and v <> 'x'";
    if (way == Way::select || way == Way::select_upsert || way == Way::select_atomic)
      options_.select = "id::int, lower(upper(v)) as v";
    if (way == Way::upsert || way == Way::atomic_upsert || way == Way::where_upsert ||
        way == Way::select_upsert)
      options_.on_conflict = writer::OnConflict::update;
  }
};

TEST_P(CutFaults, CutAnywhere) {
  choose_way();
  if (GetParam() == Way::prepared && db().number("show max_prepared_transactions") == 0)
    GTEST_SKIP() << "the server prepares no transactions";
  // A retry of the default way is the other ways' too: these are cut at fewer places.
  const bool has_own_retry = GetParam() == Way::copy || GetParam() == Way::prepared;
  const std::size_t coarseness = has_own_retry ? every(10) : 8 * every(5);
  const Steps steps{211 * coarseness, 67 * coarseness};
  const std::size_t cuts = cut_everywhere(steps, [this](const std::string& by) {
    Loaded loaded = run_load(by, options_);
    if (!loaded.ok()) {
      ASSERT_TRUE(no_session_left());
      loaded = run_load(url(), options_);
    }
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    ASSERT_EQ(898U, loaded.report.total.rows());
    expect_all_is_well("");
  });
  EXPECT_GT(cuts, 150U / coarseness);
  EXPECT_TRUE(no_session_left());
  EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_'"));
  EXPECT_EQ(
      0, db().number("select count(*) from pg_prepared_xacts where database = current_database()"));
  std::printf("cut at %zu places\n", cuts);
}

INSTANTIATE_TEST_SUITE_P(Ways, CutFaults,
                         ::testing::Values(Way::copy, Way::insert, Way::upsert, Way::atomic,
                                           Way::staged, Way::prepared, Way::atomic_upsert,
                                           Way::where, Way::where_upsert, Way::select,
                                           Way::select_upsert, Way::select_atomic));

/// Small files that share transactions: whichever of these is cut, each row is there once.
TEST_F(NetworkFaults, CutAnywhereBetweenSmallFiles) {
  constexpr int files = 60;
  std::filesystem::create_directory(folder_ / "small");
  for (int i = 1; i <= files; ++i) {
    const std::string id = std::to_string(i);
    folder_.write("small/" + id + ".csv", "id,v\n" + id + ",abc\n");
  }
  const auto load_through = [this](const std::string& by) {
    return pgsluice({"load", folder_ / "small", "-t", "t", "-d", by, "--progress", "none", "--jobs",
                     "2", "--keep-going"});
  };
  const Steps steps{9001 * every(2), 701 * every(2)};
  const std::size_t cuts = cut_everywhere(steps, [&](const std::string& by) {
    Finished finished = load_through(by);
    if (finished.exit_code != 0) {
      ASSERT_TRUE(no_session_left());
      finished = load_through(url());
    }
    ASSERT_EQ(0, finished.exit_code) << finished.err;
    ASSERT_EQ("60 60", db().value("select count(*) || ' ' || count(distinct id) from t"));
    ASSERT_EQ("60 finished", db().value("select count(*) || ' ' || max(state) from "
                                        "pgsluice.loads"));
    ASSERT_EQ("", ledger_disagreement("t"));
  });
  EXPECT_GT(cuts, 10U);
  EXPECT_TRUE(no_session_left());
}

/// Nothing comes any more, and nobody says so; the server's side stays open, and its backend keeps
/// the claim on a chunk. The silence is noticed, the backend ended, the chunk sent again.
TEST_F(NetworkFaults, BlackHole) {
  std::size_t holes = 0;
  for (const auto direction : {Direction::to_server, Direction::to_client}) {
    for (std::size_t at = direction == Direction::to_server ? 4000 : 1500;
         at < (direction == Direction::to_server ? 24'000U : 6'000U);
         at += direction == Direction::to_server ? 5003 : 1511) {
      SCOPED_TRACE((direction == Direction::to_server ? "to the server at " : "to the client at ") +
                   std::to_string(at));
      begin_anew();
      std::atomic<std::size_t> seen = 0;
      std::atomic<bool> held = false;
      Proxy proxy(url(), at_byte(direction, at, Action::hold, seen, held));
      // A server that is slow is no silent one: what it does takes less.
      Loaded loaded = run_load(proxy.url(url()), options_, 2s);
      proxy.release();
      // Where the lock's connection or the ledger's dialogue was swallowed, the run gives up.
      if (!loaded.ok()) {
        ASSERT_TRUE(no_session_left());
        loaded = run_load(url(), options_);
      }
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      expect_all_is_well("");
      if (held) ++holes;
    }
  }
  EXPECT_GT(holes, 4U);
  EXPECT_TRUE(no_session_left());
}

TEST_F(NetworkFaults, SilenceIsAnErrorThatNamesItsFlag) {
  begin_anew();
  options_.retry_for = 0ms;
  const std::string copy_done("c\0\0\0\4", 5);
  std::atomic<bool> held = false;
  Proxy proxy(url(), [&](std::size_t, Direction direction, const std::string& bytes) {
    const bool here = direction == Direction::to_server && bytes.ends_with(copy_done);
    if (here) held = true;
    return here ? Action::hold : Action::pass;
  });
  const Loaded loaded = run_load(proxy.url(url()), options_, 5s);
  EXPECT_TRUE(held);
  EXPECT_EQ("08006", loaded.sql_state);
  EXPECT_THAT(loaded.message, HasSubstr("--stall-timeout"));
}

/// Slow is not broken.
TEST_F(NetworkFaults, Delay) {
  begin_anew();
  Proxy proxy(url(), [](std::size_t, Direction, const std::string&) {
    std::this_thread::sleep_for(15ms);
    return Action::pass;
  });
  const Loaded loaded = run_load(proxy.url(url()), options_);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(0U, loaded.report.retries);
  expect_all_is_well("delayed");
}

/// The answer to each message of a chunk's transaction is lost in turn.
TEST_F(NetworkFaults, SwallowedAnswers) {
  for (std::size_t message = 0; message < 30; ++message) {
    SCOPED_TRACE(message);
    begin_anew();
    std::atomic<std::size_t> messages = 0;
    std::atomic<bool> done = false;
    Proxy proxy(url(), [&](std::size_t, Direction direction, const std::string&) {
      if (direction != Direction::to_server || done) return Action::pass;
      if (messages++ < message || done.exchange(true)) return Action::pass;
      return Action::swallow;
    });
    Loaded loaded = run_load(proxy.url(url()), options_);
    if (!loaded.ok()) {
      ASSERT_TRUE(no_session_left());
      loaded = run_load(url(), options_);
    }
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    expect_all_is_well("");
  }
  EXPECT_TRUE(no_session_left());
}

TEST_F(NetworkFaults, WrongPasswordAndUnknownDatabaseFailAtOnce) {
  const Loaded unknown = run_load(url_of_database(url(), "no_such_database"), options_);
  EXPECT_EQ("3D000", unknown.sql_state) << unknown.message;
  EXPECT_THAT(unknown.message, HasSubstr("no_such_database"));
  EXPECT_EQ(std::string::npos, unknown.message.find("LOCATION")) << unknown.message;
  EXPECT_EQ(std::string::npos, unknown.message.find("3D000")) << unknown.message;
  EXPECT_EQ(0U, unknown.report.retries);
  const Loaded nobody = run_load("postgresql://127.0.0.1:1/nowhere", options_);
  EXPECT_FALSE(nobody.ok());
  EXPECT_EQ("", nobody.sql_state);
}

}  // namespace
}  // namespace sluice::test
