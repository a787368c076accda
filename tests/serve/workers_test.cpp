#include <unistd.h>

#include <csignal>
#include <fstream>

#include "serve/server.hpp"
#include "support/patience.hpp"
#include "support/pooler.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Uploads one after the other, each of one row, into a table that says what their session is.
class ServeWorkers : public ServeWithTokens {
 protected:
  void SetUp() override {
    ServeWithTokens::SetUp();
    db().run(
        "create table seen (a int, found text, who name default current_user, session int default "
        "pg_backend_pid())");
  }
  void TearDown() override {
    if (roles_.empty()) return;
    server().signal(SIGTERM);
    server().wait();
    for (const std::string& role : roles_)
      db().run("drop owned by " + role + "; drop role " + role);
  }

  /// A role that may load.
  std::string new_role(const std::string& name) {
    const std::string role = name + "_" + std::to_string(::getpid());
    db().run("create role " + role);
    roles_.push_back(role);
    return role;
  }
  /// Behind a first load, which makes the ledger.
  void let_roles_load() {
    for (const std::string& role : roles_)
      db().run("grant usage on schema pgsluice to " + role +
               "; grant select, insert, update on all tables in schema pgsluice to " + role +
               "; grant usage on all sequences in schema pgsluice to " + role +
               "; grant insert, select on seen to " + role);
  }

  HttpCall::Answer upload_one(int number, HttpHeaders headers = {}) {
    headers.emplace_back("Content-Type", "text/csv");
    return call("POST", "/v1/tables/public.seen/loads", "a\n" + std::to_string(number) + "\n",
                headers);
  }

  std::vector<pid_t> workers() {
    const std::string server_pid = std::to_string(server().pid());
    std::ifstream children("/proc/" + server_pid + "/task/" + server_pid + "/children");
    std::vector<pid_t> all;
    for (pid_t pid = 0; children >> pid;) all.push_back(pid);
    return all;
  }
  /// One that nobody has waited for yet has closed what it had open.
  static bool is_alive(pid_t pid) {
    const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t name_end = stat.rfind(") ");
    return name_end != stat.npos && stat.substr(name_end + 2, 1) != "Z";
  }

 private:
  std::vector<std::string> roles_;
};

TEST_F(ServeWorkers, UploadsShareAProcessAndItsSessions) {
  start({"--max-loads", "1"});
  for (int i = 0; i < 12; ++i) {
    const auto answer = upload_one(i);
    ASSERT_EQ(201, answer.status) << answer.body;
  }
  EXPECT_EQ(12, db().number("select count(*) from seen"));
  EXPECT_LT(db().number("select count(distinct session) from seen"), 12);
  EXPECT_LE(workers().size(), 1U);
}

/// Nothing that a load has set for its session is seen by the next.
TEST_F(ServeWorkers, NothingOfALoadIsThereForTheNext) {
  db().run(
      "create function leave() returns trigger language plpgsql as $$ begin "
      "new.found := concat_ws(',', nullif(current_setting('test.left', true), ''), "
      "  to_regclass('pg_temp.left_over')::text, "
      "  (select string_agg(name, '+') from pg_prepared_statements), "
      "  (select string_agg(c, '+') from pg_listening_channels() c), "
      "  (select 'lock' from pg_locks where locktype = 'advisory' and objid = 4711 limit 1)); "
      "perform set_config('test.left', 'setting', false), "
      "  set_config('search_path', 'pg_catalog', false), pg_advisory_lock(4711); "
      "create temporary table if not exists left_over (a int); "
      "execute 'prepare left_plan as select 1'; execute 'listen left_channel'; "
      "return new; end $$;"
      "create trigger leave before insert on seen for each row execute function leave()");
  start({"--max-loads", "1"});
  for (int i = 0; i < 12; ++i) {
    const auto answer = upload_one(i);
    ASSERT_EQ(201, answer.status) << answer.body;
  }
  EXPECT_LT(db().number("select count(distinct session) from seen"), 12) << "none was used again";
  EXPECT_EQ("", db().value("select string_agg(distinct found, ' ') from seen"));
}

/// Some of what a table's functions leave no reset takes away: such a setting is empty then, and
/// not as if it had never been set.
TEST_F(ServeWorkers, WhatATableLeavesIsNotThereForAnother) {
  db().run(
      "create function set_it() returns trigger language plpgsql as $$ begin "
      "perform set_config('test.left', 'x', false); return new; end $$;"
      "create table leaves (a int); "
      "create trigger leave before insert on leaves for each row execute function set_it();"
      "create table finds (a int, found text default coalesce(current_setting('test.left', true), "
      "'none'))");
  start({"--max-loads", "1"});
  for (int i = 0; i < 6; ++i)
    for (const char* const table : {"leaves", "finds"}) {
      const auto answer = call("POST", "/v1/tables/public." + std::string(table) + "/loads",
                               "a\n" + std::to_string(i) + "\n", {{"Content-Type", "text/csv"}});
      ASSERT_EQ(201, answer.status) << answer.body;
    }
  EXPECT_EQ("none", db().value("select string_agg(distinct found, ' ') from finds"));
}

/// One process loads for both, in turns; what a load leaves its session as is not what the next is.
TEST_F(ServeWorkers, EachLoadRunsAsTheRoleOfItsToken) {
  const std::string one = new_role("serve_one");
  const std::string other = new_role("serve_other");
  db().run(
      "create function become() returns trigger language plpgsql as $$ begin perform "
      "set_config('role', 'none', false); return null; end $$;"
      "create trigger become after insert on seen for each row execute function become()");
  start({"--max-loads", "1", "--tokens",
         tokens(line("one", one + " * -") + line("other", other + " * -") + line("all", "- * -"))});
  const std::string user = db().value("select current_user");
  ASSERT_EQ(201, upload_one(0, as("all-token")).status);
  let_roles_load();
  int number = 1;
  // More in a row than sessions are kept.
  for (const char* token : {"one", "one", "one", "one", "one", "one", "other", "one", "all",
                            "other", "other", "all", "one", "all", "all", "other", "one"}) {
    const auto answer = upload_one(number, as(std::string(token) + "-token"));
    ASSERT_EQ(201, answer.status) << answer.body;
    const std::string who =
        db().value("select who from seen where a = " + std::to_string(number++));
    EXPECT_EQ(token == std::string("one")     ? one
              : token == std::string("other") ? other
                                              : user,
              who);
  }
  EXPECT_LT(db().number("select count(distinct session) from seen"), number)
      << "none was used again";
}

/// It would be the server's user, who may more.
TEST_F(ServeWorkers, ARoleThatIsDroppedOnTheWayIsNoLoad) {
  const std::string role = new_role("serve_dropped");
  start();
  ASSERT_EQ(201, upload_one(0).status);
  let_roles_load();
  const Pooler pooler(url(), "session", "ignore_startup_parameters = options\n");
  start_for(pooler.url(), {"--tokens", tokens(line("weak", role + " * -") + line("all", "- * -"))});
  const auto refused = upload_one(1, as("weak-token"));
  EXPECT_EQ(500, refused.status) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("the session is not " + role));
  EXPECT_EQ(201, upload_one(2, as("all-token")).status);
  EXPECT_EQ("0 2", db().value("select string_agg(a::text, ' ' order by a) from seen"));
}

/// It takes one load with it, and the next one has another.
TEST_F(ServeWorkers, AWorkerThatIsKilledEndsOneLoad) {
  start({"--max-loads", "1"});
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  const std::string body = rows(100, 10);
  HttpCall call(address());
  call.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_seen([this] {
    return this->call("GET", "/metrics").body.contains("pgsluice_loads_running 1\n");
  }));
  const std::vector<pid_t> before = workers();
  ASSERT_FALSE(before.empty());
  for (const pid_t pid : before) ::kill(pid, SIGKILL);
  const auto answer = call.answer();
  EXPECT_EQ(503, answer.status) << answer.body;
  EXPECT_EQ(128 + SIGKILL, json_of(answer)["exit_code"]) << answer.body;
  EXPECT_EQ(10, count());
  EXPECT_EQ(201, upload(body).status);
  EXPECT_EQ(20, count());
  for (const pid_t pid : workers()) EXPECT_THAT(before, ::testing::Not(::testing::Contains(pid)));
}

/// One that dies while it has nothing to do is no upload's business.
TEST_F(ServeWorkers, AnIdleWorkerThatIsKilledEndsNoLoad) {
  start({"--max-loads", "1"});
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  for (const pid_t pid : workers()) {
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(is_seen([pid] { return !is_alive(pid); }));
  }
  EXPECT_EQ(201, upload(rows(100, 10)).status);
  EXPECT_EQ(20, count());
}

/// A session that the server has ended is not one that a load begins with.
TEST_F(ServeWorkers, AKeptSessionMayBeEnded) {
  start({"--max-loads", "1"});
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  db().run(
      "select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = "
      "'pgsluice' and datname = current_database()");
  const auto answer = upload(rows(100, 10));
  EXPECT_EQ(201, answer.status) << answer.body;
  EXPECT_EQ(20, count());
}

/// Whoever kills the server leaves no process behind, and nothing that counts as whole.
TEST_F(ServeWorkers, WorkersEndWithTheServer) {
  start({"--max-loads", "2"});
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  const std::string body = rows(100, 10);
  HttpCall first(address());
  first.send(head(body.size()) + body.substr(0, body.size() / 2));
  ASSERT_TRUE(is_seen(
      [this] { return call("GET", "/metrics").body.contains("pgsluice_loads_running 1\n"); }));
  ASSERT_EQ(201, upload(rows(200, 10)).status);
  const std::vector<pid_t> all = workers();
  EXPECT_EQ(2U, all.size());
  server().signal(SIGKILL);
  server().wait();
  for (const pid_t pid : all) EXPECT_TRUE(is_seen([pid] { return !is_alive(pid); }));
  EXPECT_TRUE(no_session_left());
  EXPECT_EQ(20, count());
  EXPECT_EQ(2, finished_loads());
}

/// A server that nobody asks has no process but its own, and no session.
TEST_F(ServeWorkers, WhoIsIdleEnds) {
  start();
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  EXPECT_TRUE(no_session_left());
  EXPECT_TRUE(is_seen([this] { return workers().empty(); }));
  EXPECT_EQ(201, upload(rows(100, 10)).status);
}

/// The memory of a large upload goes back.
TEST_F(ServeWorkers, AWorkerThatHasBecomeLargeEnds) {
  start({"--max-loads", "1"});
  ASSERT_EQ(201, upload(rows(1, 10)).status);
  for (int round = 0; round < 3; ++round) {
    const auto answer = upload(rows(1'000'000 * (round + 1), 300'000));
    ASSERT_EQ(201, answer.status) << answer.body;
    for (const pid_t pid : workers()) {
      std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
      std::size_t size = 0;
      std::size_t resident = 0;
      statm >> size >> resident;
      EXPECT_LT(resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), 100U << 20);
    }
  }
}

/// It is looked at first, and then loaded: of what comes once there is nothing to be opened again.
TEST_F(ServeWorkers, WhatIsLookedAtFirstIsNotLost) {
  start({"--max-loads", "1"});
  for (int i = 0; i < 3; ++i) {
    const std::string key = std::to_string(i);
    const auto answer = upload("a;b\n" + key + "1;x\n" + key + "2;y\n", "?dialect=auto");
    EXPECT_EQ(201, answer.status) << answer.body;
  }
  EXPECT_EQ(6, count());
}

}  // namespace
}  // namespace sluice::test
