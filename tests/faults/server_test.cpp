#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Owns the server before the database test connects to it.
struct OwnServer {
  explicit OwnServer(const std::string& settings) : server(settings) {}
  PrivateServer server;
};

/// A load that takes a while, into a server that bad things happen to.
class ServerFaults : private OwnServer, public DatabaseTest {
 protected:
  explicit ServerFaults(const std::string& settings = "max_connections=30")
      : OwnServer(settings), DatabaseTest(server.url()) {}

  void SetUp() override {
    std::string csv = "id,v\n";
    for (int i = 1; i <= rows_; ++i)
      csv += (i % 997 == 0 ? "x" : "") + std::to_string(i) + ",\"value\n" + std::to_string(i * 7) +
             "\"\n";
    path_ = folder_.write("in.csv", csv);
    db().run(
        "create table t (id int, v text); "
        "create function slow() returns trigger language plpgsql as $$ begin perform "
        "pg_sleep(0.00005); return new; end $$; "
        "create trigger slow before insert on t for each row execute function slow()");
    gate_ = std::make_unique<Gate>(url(), "t", "id >= " + std::to_string(rows_ / 2));
  }

  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{
        "load",       path_,  "--table", "t", "-d",       url(),  "--chunk-size",  "16K",
        "--progress", "none", "--jobs",  "4", "--output", "json", "--max-rejects", "1000"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  PrivateServer& own_server() { return server; }
  /// No load gets beyond the middle of its file before it is opened, or the server has crashed.
  Gate& gate() { return *gate_; }

  /// Every good row once, every bad one in the reject file once, the ledger agrees, nobody is left.
  void expect_all_is_well() {
    const int bad = rows_ / 997;
    EXPECT_EQ(rows_ - bad, db().number("select count(*) from t"));
    EXPECT_EQ(rows_ - bad, db().number("select count(distinct id) from t"));
    EXPECT_EQ(
        0, db().number("select count(*) from t where id % 997 = 0 or v <> E'value\\n' || id * 7"));
    EXPECT_EQ("", ledger_disagreement("t"));
    std::string expected = "id,v\n";
    for (int i = 997; i <= rows_; i += 997)
      expected += "x" + std::to_string(i) + ",\"value\n" + std::to_string(i * 7) + "\"\n";
    EXPECT_EQ(expected, read_file(folder_ / "in.rejects.csv"));
    EXPECT_TRUE(no_session_left());
  }

  static nlohmann::json report(const Finished& finished) {
    return nlohmann::json::parse(finished.out)["loads"][0];
  }

  static constexpr int rows_ = 20000;
  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<Gate> gate_;
};

TEST_F(ServerFaults, OneBackendIsKilledAndTheServerRecovers) {
  Process process(command());
  wait_for_chunks(4);
  const pid_t victim = static_cast<pid_t>(
      db().number("select pid from pg_stat_activity where query like '/* pgsluice load%' limit 1"));
  ASSERT_GT(victim, 1);
  ASSERT_EQ(0, ::kill(victim, SIGKILL));
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_GT(report(finished)["retries"].get<int>(), 0);
  connect_again();
  expect_all_is_well();
}

TEST_F(ServerFaults, ServerCrashesAndComesBack) {
  Process process(command());
  wait_for_chunks(4);
  own_server().stop("immediate");
  std::this_thread::sleep_for(300ms);
  own_server().start();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_GT(report(finished)["retries"].get<int>(), 0);
  connect_again();
  expect_all_is_well();
}

/// The staging table is not logged: the crash empties it, and all is sent again.
TEST_F(ServerFaults, ServerCrashesUnderALoadThatIsAllOrNothing) {
  db().run("drop trigger slow on t");
  Process process(command({"--atomic", "--max-rate", "200KB/s"}));
  wait_for_chunks(4);
  EXPECT_EQ(0, db().number("select count(*) from t"));
  own_server().stop("immediate");
  std::this_thread::sleep_for(300ms);
  own_server().start();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  connect_again();
  expect_all_is_well();
  EXPECT_EQ(0, db().number("select count(*) from pg_class where relname ~ '^stage_'"));
}

/// One transaction is gone with the crash, and begun again.
TEST_F(ServerFaults, ServerCrashesUnderOneTransaction) {
  db().run("drop trigger slow on t");
  Process process(command({"--atomic=transaction", "--max-rate", "200KB/s"}));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_stat_activity where query like '/* pgsluice load % "
                 "chunk 4 %')"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
  own_server().stop("immediate");
  std::this_thread::sleep_for(300ms);
  own_server().start();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_EQ(1, report(finished)["retries"].get<int>());
  connect_again();
  expect_all_is_well();
}

/// So are several that are to be prepared.
TEST_F(ServerFaults, ServerCrashesUnderTransactionsToBePrepared) {
  db().run("drop trigger slow on t");
  Process process(command({"--atomic=prepared", "--max-rate", "200KB/s"}));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_stat_activity where query like '/* pgsluice load % "
                 "chunk 4 %')"));
  own_server().stop("immediate");
  std::this_thread::sleep_for(300ms);
  own_server().start();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_EQ(1, report(finished)["retries"].get<int>());
  connect_again();
  expect_all_is_well();
  EXPECT_EQ(0, db().number("select count(*) from pg_prepared_xacts"));
}

/// What is prepared outlives the crash, and so does the decision: the first of them is committed.
TEST_F(ServerFaults, ServerCrashesBetweenTheCommitsOfPreparedTransactions) {
  db().run("drop trigger slow on t");
  gate().open();
  for (const int before : {0, 1, 2}) {
    SCOPED_TRACE(before);
    std::atomic<int> seen = 0;
    std::atomic<bool> is_held = false;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction direction, const std::string& bytes) {
      const bool is_it =
          direction == Proxy::Direction::to_server &&
          (bytes.contains("commit prepared") || bytes.contains("set committing = 'run"));
      if (!is_it || seen++ != before) return Proxy::Action::pass;
      is_held = true;
      return Proxy::Action::hold;
    });
    std::vector<std::string> arguments = command({"--atomic=prepared"});
    *std::ranges::find(arguments, url()) = proxy.url(url());
    Process process(arguments);
    ASSERT_TRUE(is_seen([&is_held] { return is_held.load(); }));
    EXPECT_LT(1, db().number("select count(*) from pg_prepared_xacts"));
    own_server().stop("immediate");
    std::this_thread::sleep_for(300ms);
    own_server().start();
    proxy.release();
    const Finished finished = process.wait();
    EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
    connect_again();
    expect_all_is_well();
    EXPECT_EQ(0, db().number("select count(*) from pg_prepared_xacts"));
    db().run("truncate t; truncate pgsluice.loads cascade");
    std::filesystem::remove(folder_ / "in.rejects.csv");
    std::filesystem::remove(folder_ / "in.rejects.jsonl");
  }
}

TEST_F(ServerFaults, ServerIsStoppedInOrderAndComesBack) {
  Process process(command());
  wait_for_chunks(4);
  own_server().stop("fast");
  std::this_thread::sleep_for(300ms);
  own_server().start();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  connect_again();
  expect_all_is_well();
}

TEST_F(ServerFaults, ServerThatStaysAwayEndsTheLoadResumable) {
  Process process(command({"--retry-for", "1s"}));
  wait_for_chunks(4);
  own_server().stop("immediate");
  const Finished stopped = process.wait();
  EXPECT_EQ(4, stopped.exit_code) << stopped.err << stopped.out;
  own_server().start();
  connect_again();
  const Finished finished = pgsluice(command());
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_TRUE(report(finished)["resumed"].get<bool>());
  expect_all_is_well();
}

TEST_F(ServerFaults, OneOfFourIsTerminated) {
  Process process(command());
  wait_for_chunks(4);
  EXPECT_EQ(1, db().number("select count(pg_terminate_backend(pid)) from (select pid from "
                           "pg_stat_activity where query like '/* pgsluice load%' limit 1) one"));
  gate().open();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  expect_all_is_well();
}

/// Somebody who cancels means it: the load stops, and can be resumed.
TEST_F(ServerFaults, OperatorCancels) {
  Process process(command());
  wait_for_chunks(4);
  std::int64_t cancelled = 0;
  while (process.running()) {
    cancelled += db().number(
        "select count(pg_cancel_backend(pid)) from (select pid from pg_stat_activity where query "
        "like '/* pgsluice load%' and state = 'active' and wait_event in ('PgSleep', 'advisory') "
        "limit 1) one");
    std::this_thread::sleep_for(20ms);
  }
  const Finished stopped = process.wait();
  EXPECT_GT(cancelled, 0);
  EXPECT_EQ(1, stopped.exit_code) << stopped.err << stopped.out;
  EXPECT_EQ("57014", report(stopped)["error"]["sqlstate"]);
  EXPECT_EQ("", ledger_disagreement("t"));
  gate().open();
  const Finished finished = pgsluice(command());
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  expect_all_is_well();
}

/// A server that does nothing for a while is slow, not gone.
TEST_F(ServerFaults, StoppedBackendIsBackPressure) {
  Process process(command());
  wait_for_chunks(4);
  ASSERT_TRUE(gate().is_reached());
  const pid_t victim = static_cast<pid_t>(
      db().number("select pid from pg_stat_activity where query like '/* pgsluice load%' and "
                  "wait_event = 'advisory' limit 1"));
  ASSERT_GT(victim, 1);
  ASSERT_EQ(0, ::kill(victim, SIGSTOP));
  gate().open();
  std::this_thread::sleep_for(10s);
  EXPECT_TRUE(process.running());
  ASSERT_EQ(0, ::kill(victim, SIGCONT));
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_EQ(0, report(finished)["retries"]);
  expect_all_is_well();
}

TEST_F(ServerFaults, RenamedTableStopsTheLoadAtOnce) {
  Process process(command());
  wait_for_chunks(4);
  ASSERT_TRUE(gate().is_reached());
  gate().open_behind("alter table t rename to elsewhere");
  const Finished stopped = process.wait();
  EXPECT_EQ(1, stopped.exit_code) << stopped.err << stopped.out;
  EXPECT_EQ("42P01", report(stopped)["error"]["sqlstate"]);
  EXPECT_EQ(0, report(stopped)["retries"]);
  EXPECT_GT(report(stopped)["rows_stored"].get<int>(), 0);
  db().run("alter table elsewhere rename to t");
  const Finished finished = pgsluice(command());
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  expect_all_is_well();
}

TEST_F(ServerFaults, LostPrivilegeStopsTheLoadAtOnce) {
  db().run(
      "create role loader login; grant insert on t to loader; grant create on database postgres to "
      "loader");
  std::vector<std::string> arguments = command();
  arguments.insert(arguments.end(), {"-U", "loader"});
  arguments[5] = "postgresql://127.0.0.1:" + url().substr(url().rfind(':') + 1);
  Process process(arguments);
  wait_for_chunks(4);
  ASSERT_TRUE(gate().is_reached());
  db().run("revoke insert on t from loader");
  gate().open();
  const Finished stopped = process.wait();
  EXPECT_EQ(1, stopped.exit_code) << stopped.err << stopped.out;
  EXPECT_EQ("42501", report(stopped)["error"]["sqlstate"]);
  EXPECT_EQ(0, report(stopped)["retries"]);
}

/// Two loads insert the same keys in opposite order, each in one chunk: PostgreSQL ends one of
/// them, and it is tried again.
TEST_F(ServerFaults, DeadlockBetweenTwoLoads) {
  db().run("alter system set deadlock_timeout = '100ms'");
  // With a trigger each row is inserted before the next one is looked at.
  db().run(
      "create table u (id int primary key); create trigger slow before insert on u for each row "
      "execute function slow(); select pg_reload_conf()");
  Gate half_way(url(), "u", "id = 750");
  std::string up = "id\n";
  std::string down = "id\n";
  for (int i = 1; i <= 1500; ++i) {
    up += std::to_string(i) + "\n";
    down += std::to_string(1501 - i) + "\n";
  }
  const auto load = [&](const std::string& name, const std::string& csv) {
    return std::vector<std::string>{
        "load", folder_.write(name, csv), "--table", "u",        "-d",  url(), "--progress", "none",
        "-q",   "--max-rejects",          "10000",   "--output", "json"};
  };
  pgsluice(load("empty.csv", "id\n"));  // makes the ledger
  Process first(load("up.csv", up));
  Process second(load("down.csv", down));
  ASSERT_TRUE(half_way.is_reached(2));
  half_way.open();
  const Finished a = first.wait();
  const Finished b = second.wait();
  EXPECT_THAT(a.exit_code, ::testing::AnyOf(0, 3)) << a.out;
  EXPECT_THAT(b.exit_code, ::testing::AnyOf(0, 3)) << b.out;
  EXPECT_GT(report(a)["retries"].get<int>() + report(b)["retries"].get<int>(), 0);
  EXPECT_EQ(1500, db().number("select count(*) from u"));
  EXPECT_EQ(1500, report(a)["rows_stored"].get<int>() + report(b)["rows_stored"].get<int>());
  EXPECT_EQ(1500, report(a)["rows_rejected"].get<int>() + report(b)["rows_rejected"].get<int>());
  EXPECT_EQ("", ledger_disagreement("u"));
}

class FullDisk : public ServerFaults {};

/// The server's disk is full for a while, and then it is not.
TEST_F(FullDisk, IsWaitedFor) {
  const std::string space = own_server().folder() + "/space";
  const std::string mount = "mkdir -p " + space + " && mount -t tmpfs -o size=2m tmpfs " + space +
                            " && chmod 777 " + space + " && mkdir " + space +
                            "/ts && chown --reference=" + own_server().folder() + "/pgdata " +
                            space + "/ts";
  if (std::system((mount + " 2> /dev/null").c_str()) != 0)
    GTEST_SKIP() << "a small file system needs root and mount(8), which are not to be had here";
  db().run("create tablespace small location '" + space + "/ts'");
  db().run("alter table t set tablespace small");
  Process process(command());
  ASSERT_TRUE(gate().is_reached());
  // What is left is taken away, and given back later.
  EXPECT_NE(0,
            std::system(("dd if=/dev/zero of=" + space + "/filler bs=64k 2> /dev/null").c_str()));
  gate().open();
  const std::string log = own_server().folder() + "/server.log";
  EXPECT_TRUE(is_seen([&] { return read_file(log).contains("No space left on device"); }));
  EXPECT_TRUE(process.running()) << process.out_so_far();
  std::system(("mount -o remount,size=64m " + space + "; rm " + space + "/filler").c_str());
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_GT(report(finished)["retries"].get<int>(), 0);
  expect_all_is_well();
  own_server().stop("immediate");
  std::system(("umount " + space).c_str());
}

class FewConnections : public ServerFaults {
 protected:
  FewConnections() : ServerFaults("max_connections=8 superuser_reserved_connections=0") {}

  /// Takes places until there are so many left.
  void leave(int places) {
    const auto total = db().number("select current_setting('max_connections')::int");
    const auto taken =
        db().number("select count(*) from pg_stat_activity where backend_type = 'client backend'");
    for (auto i = taken; i < total - places; ++i)
      taken_.push_back(std::make_unique<Session>(url()));
  }

  std::vector<std::unique_ptr<Session>> taken_;
};

TEST_F(FewConnections, LoadGoesOnWithFewer) {
  leave(3);
  Process process(command());
  wait_for_chunks(4);
  EXPECT_LE(sessions(), 3);
  taken_.clear();
  EXPECT_TRUE(is_seen([this] { return sessions() >= 4; })) << "those that were parked come back";
  gate().open();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("had no room for 4 connections"));
  expect_all_is_well();
}

/// Whichever of the run's first connections gets it.
TEST_F(FewConnections, OneIsEnough) {
  gate().open();
  leave(1);
  const Finished finished = pgsluice(command({"--retry-for", "60s"}));
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("no room for a connection that keeps a second run"));
  expect_all_is_well();
}

TEST_F(FewConnections, NoneIsWaitedForAndThenSaid) {
  gate().open();
  leave(0);
  const Finished refused = pgsluice(command({"--retry-for", "500ms"}));
  EXPECT_EQ(4, refused.exit_code) << refused.err << refused.out;
  EXPECT_EQ("53300", report(refused)["error"]["sqlstate"]);
  Process process(command());
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(process.running());
  taken_.clear();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  expect_all_is_well();
}

/// Acknowledges before the disk has it. Whoever would write it out on the way is kept from it: the
/// background writer by its setting, the WAL writer (which wakes every 10 s at the latest) by a
/// signal.
class LazyServer : public ServerFaults {
 protected:
  LazyServer()
      : ServerFaults(
            "synchronous_commit=off wal_writer_delay=10s wal_writer_flush_after=1GB "
            "bgwriter_lru_maxpages=0 max_connections=30") {}

  /// While it sleeps, as it would keep a lock otherwise.
  void hold_the_wal_writer() {
    wal_writer_ = static_cast<pid_t>(
        db().number("select pid from pg_stat_activity where backend_type = 'walwriter'"));
    ASSERT_GT(wal_writer_, 1);
    const std::string asleep =
        "select count(*) from pg_stat_activity where backend_type = 'walwriter' and wait_event = "
        "'WalWriterMain'";
    for (;;) {
      ASSERT_EQ(0, ::kill(wal_writer_, SIGSTOP));
      if (db().number(asleep) == 1) break;
      ASSERT_EQ(0, ::kill(wal_writer_, SIGCONT));
      std::this_thread::sleep_for(10ms);
    }
    db().run("checkpoint");
  }

  /// What was not written out is gone, as whenever one of a server's processes is killed.
  void crash() { ASSERT_EQ(0, ::kill(wal_writer_, SIGKILL)); }

 private:
  pid_t wal_writer_ = 0;
};

/// Such a server loses chunks in a crash: they are found missing at the end, and sent again.
TEST_F(LazyServer, LostChunksAreSentAgain) {
  hold_the_wal_writer();
  Process process(command());
  wait_for_chunks(8);
  crash();
  const Finished finished = process.wait();
  EXPECT_EQ(3, finished.exit_code) << finished.err << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("chunks that it had stored"));
  EXPECT_THAT(finished.out, HasSubstr("sending them again"));
  connect_again();
  expect_all_is_well();
}

}  // namespace
}  // namespace sluice::test
