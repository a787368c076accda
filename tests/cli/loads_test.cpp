#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// What the ledger tells of loads, and what can be done about them.
class Loads : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int); create table u (id int)"); }
  Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-d", url()});
    return pgsluice(std::move(arguments));
  }
  void load(const std::string& name, const std::string& bytes, const std::string& table,
            int exit_code = 0) {
    const Finished finished = run({"load", folder_.write(name, bytes), "-t", table});
    ASSERT_EQ(exit_code, finished.exit_code) << finished.err;
  }
  /// The files of the loads that are listed, without their endings.
  std::string listed(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"loads", "--output", "json"});
    std::string all;
    for (const auto& load : nlohmann::json::parse(run(flags).out))
      all += (all.empty() ? "" : " ") +
             std::filesystem::path(load["source"].get<std::string>()).stem().string();
    return all;
  }
  std::string id_of(const std::string& name) {
    return db().value("select max(load_id) from pgsluice.loads where source like '%/" + name +
                      ".csv'");
  }
  /// One of each state: a finished, b unfinished, c void, d given up, e finished into u.
  void make_all_states() {
    load("a.csv", "id\n1\n", "t");
    load("b.csv", "id\n2\nx\n", "t", 1);
    load("c.csv", "id\n3\n", "t");
    load("d.csv", "id\n4\nx\n", "t", 1);
    load("e.csv", "id\n5\n", "u");
    db().run("update pgsluice.loads set state = 'void' where load_id = " + id_of("c"));
    ASSERT_EQ(0, run({"loads", "forget", id_of("d")}).exit_code);
  }

  TemporaryFolder folder_;
};

TEST_F(Loads, TellTheirStatesApartAndSayWhatTheyMean) {
  make_all_states();
  const std::string list = run({"loads"}).out;
  for (const char* says :
       {"  finished ", "  unfinished  ", "  void  ", "  given-up  ",
        "unfinished: no run is at work on it. The same command goes on where it stopped",
        "void: its table was emptied since", "given-up: it was not finished"})
    EXPECT_THAT(list, HasSubstr(says));
  EXPECT_THAT(run({"loads", "show", id_of("d")}).out, HasSubstr(": given-up\n"));
  EXPECT_THAT(run({"loads", "show", id_of("b")}).out, HasSubstr("forget ID gives it up"));
  EXPECT_THAT(run({"loads", "--state", "finished"}).out, Not(HasSubstr("no run is at work")));
}

TEST_F(Loads, AreRunningWhileARunHoldsThem) {
  const std::string path = folder_.write("big.csv", "id\n" + std::string(3 << 20, '1') + "\n");
  db().run("begin; lock table t");
  Process running({"load", path, "-t", "t", "-d", url(), "--chunk-size", "1MiB", "--max-rejects",
                   "9", "--max-record-bytes", "4MiB"});
  std::string list;
  is_seen([&] {
    list = run({"loads"}).out;
    return list.find("running") != std::string::npos;
  });
  EXPECT_THAT(list, HasSubstr("running: a run is at work on it"));
  EXPECT_EQ("big", listed({"--state", "running"}));
  EXPECT_EQ("", listed({"--state", "unfinished"}));
  EXPECT_EQ(6, run({"loads", "forget", id_of("big")}).exit_code);
  running.signal(SIGKILL);
  running.wait();
  db().run("rollback");
  is_seen([this] { return !listed({"--state", "unfinished"}).empty(); });
  EXPECT_EQ("big", listed({"--state", "unfinished"}));
  EXPECT_EQ(0, run({"loads", "forget", id_of("big")}).exit_code);
  EXPECT_EQ("big", listed({"--state", "given-up"}));
}

/// Whose session is there for a moment behind the program.
TEST_F(Loads, AreForgottenRightBehindTheirRun) {
  load("b.csv", "id\n2\nx\n", "t", 1);
  Session holder(url());
  holder.run(
      "begin; select pg_advisory_xact_lock(hashtextextended('pgsluice load ' || target_oid || ' ' "
      "|| fingerprint, 0)) from pgsluice.loads");
  const std::jthread ends([&holder] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    holder.run("rollback");
  });
  const Finished forgotten = run({"loads", "forget", id_of("b")});
  EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
}

TEST_F(Loads, AreRestoredAndForgottenForPrograms) {
  const auto object_of = [this](const std::vector<std::string>& arguments, int exit_code) {
    const Finished finished = run(arguments);
    auto json = nlohmann::json::parse(finished.out);
    EXPECT_EQ(exit_code, finished.exit_code) << finished.out << finished.err;
    EXPECT_EQ(exit_code, json["exit_code"]);
    EXPECT_EQ(arguments[0] + " " + arguments[1], json["command"]);
    EXPECT_EQ("", finished.err);
    return json;
  };
  db().run("create index by_id on t (id); create index at_half on t ((id / 2))");
  const std::string bad = folder_.write("b.csv", "id\n1\nx\n");
  ASSERT_EQ(1, run({"load", bad, "-t", "t", "--defer-indexes"}).exit_code);
  const std::string id = id_of("b");
  const std::vector<std::string> restore{"loads", "restore", id, "--output", "json"};
  const std::vector<std::string> forget{"loads", "forget", id, "--output", "json"};
  EXPECT_THAT(object_of(forget, 1)["error"]["message"].get<std::string>(), HasSubstr("by_id"));
  auto restored = object_of(restore, 0);
  EXPECT_EQ("public.by_id", restored["built"][0]);
  EXPECT_EQ(0U, restored["refused"].size());
  restored = object_of(restore, 0);
  EXPECT_EQ(0U, restored["built"].size());

  ASSERT_EQ(1, run({"load", bad, "-t", "t", "--defer-indexes"}).exit_code);
  db().run("create table by_id (id int)");
  restored = object_of(restore, 1);
  EXPECT_THAT(restored["refused"][0].get<std::string>(), HasSubstr("something else has its name"));
  std::vector<std::string> give_up = forget;
  give_up.emplace_back("--give-up-indexes");
  const auto forgotten = object_of(give_up, 0);
  EXPECT_EQ(id, std::to_string(forgotten["load_id"].get<int>()));
  EXPECT_EQ(true, forgotten["was_unfinished"]);
  EXPECT_EQ("public.t", forgotten["target"]);
  EXPECT_EQ("public.by_id", forgotten["given_up_indexes"][0]["index"]);
  EXPECT_EQ("CREATE INDEX by_id ON public.t USING btree (id)",
            forgotten["given_up_indexes"][0]["definition"]);
  EXPECT_EQ(false, object_of(give_up, 0)["was_unfinished"]);
  for (const char* command : {"restore", "forget"}) {
    EXPECT_THAT(object_of({"loads", command, "99", "--output", "json"}, 1)["error"]["message"],
                "there is no load 99 in this database; pgsluice loads lists them");
  }
}

TEST_F(Loads, AreChosenByStateTableAndNumber) {
  make_all_states();
  EXPECT_EQ("e d c b a", listed({}));
  EXPECT_EQ("e d", listed({"-n", "2"}));
  EXPECT_EQ("e a", listed({"--state", "finished"}));
  EXPECT_EQ("b", listed({"--state", "unfinished"}));
  EXPECT_EQ("d", listed({"--state", "given-up"}));
  EXPECT_EQ("c", listed({"--state", "void"}));
  EXPECT_EQ("e", listed({"--table", "u"}));
  EXPECT_EQ("e", listed({"--table", "public.U"}));
  EXPECT_EQ("", listed({"--table", "\"U\""}));
  db().run(
      "insert into pgsluice.loads (target, target_oid, source, source_path, source_stamp, "
      "fingerprint, options, chunk_bytes, record_bytes_max) select 'public.x', 1, 's', 's', '', "
      "i::text, '{}', 1, 1 from generate_series(1, 30) i");
  EXPECT_EQ(20, std::ranges::count(listed({}), ' ') + 1);
  EXPECT_EQ(35, std::ranges::count(listed({"-n", "0"}), ' ') + 1);
  EXPECT_EQ(35, std::ranges::count(listed({"--all"}), ' ') + 1);
  EXPECT_THAT(run({"loads", "--table", "nix"}).out, HasSubstr("no load is like that"));
}

/// Each state that a list shows can be asked for, in that spelling.
TEST_F(Loads, AreAskedForAsTheyAreShown) {
  make_all_states();
  load("f.csv", "id\n1\n", "u");
  db().run(
      "update pgsluice.loads set state = 'unfinished', finished_at = null, staged = true where "
      "load_id = " +
      id_of("f"));
  for (const auto& [state, files] :
       {std::pair{"unfinished", "f b"}, std::pair{"staged", "f"}, std::pair{"finished", "e a"},
        std::pair{"given-up", "d"}, std::pair{"void", "c"}}) {
    EXPECT_EQ(files, listed({"--state", state}));
    EXPECT_THAT(run({"loads", "--state", state}).out, HasSubstr(std::string("  ") + state + "  "));
  }
}

/// Counts that most loads do not have are shown where one has them.
TEST_F(Loads, ShowWhatElseBecameOfRecords) {
  db().run("create table k (id int primary key, v int)");
  load("a.csv", "id\n1\n", "t");
  EXPECT_THAT(run({"loads"}).out, AllOf(Not(HasSubstr("updated")), Not(HasSubstr("skipped"))));
  const std::string one = folder_.write("k1.csv", "id,v\n1,1\n2,2\n");
  const std::string two = folder_.write("k2.csv", "id,v\n1,7\n2,2\n3,3\n");
  const Finished both =
      run({"load", one, two, "-t", "k", "--on-conflict", "update", "--update-if-changed"});
  ASSERT_EQ(0, both.exit_code) << both.err;
  EXPECT_THAT(both.out,
              ::testing::ContainsRegex("result +rows stored +updated +unchanged +rejected"));
  EXPECT_THAT(both.out, ::testing::ContainsRegex("stored +1 +1 +1 +0 +.*k2.csv"));
  EXPECT_THAT(both.out, ::testing::ContainsRegex("in all +3 +1 +1 +0 +2 of 2 files"));
  ASSERT_EQ(0, run({"load", folder_.write("k3.csv", "id,v\n1,9\n4,4\n"), "-t", "k", "--on-conflict",
                    "nothing"})
                   .exit_code);
  const std::string list = run({"loads"}).out;
  EXPECT_THAT(list, ::testing::ContainsRegex("rows stored +updated +unchanged +skipped +rejected"));
  EXPECT_THAT(list, ::testing::ContainsRegex("4  finished .* 1 +0 +0 +1 +0 "));
}

TEST_F(Loads, OfWhichARunWasKilledShowNoRate) {
  load("a.csv", "id\n1\n", "t");
  EXPECT_THAT(run({"loads", "show", "1"}).out, HasSubstr("rows/s"));
  // A killed run adds no time.
  db().run("update pgsluice.loads set state = 'unfinished', finished_at = null, seconds = 0");
  EXPECT_THAT(run({"loads", "show", "1"}).out, Not(HasSubstr("/s")));
  db().run(
      "update pgsluice.loads set state = 'finished', finished_at = now(), seconds = 0.001, runs = "
      "2");
  EXPECT_THAT(run({"loads", "show", "1"}).out,
              AllOf(Not(HasSubstr("rows/s")), HasSubstr("without runs that were killed")));
  EXPECT_THAT(run({"loads"}).out, ::testing::ContainsRegex("rows/s +table .*\n.* - +public.t "));
}

TEST_F(Loads, KeepTheirRejectsInSightWhenThereIsNothingToDo) {
  const std::string path = folder_.write("a.csv", "id\n1\nx\ny\n");
  ASSERT_EQ(3, run({"load", path, "-t", "t", "--max-rejects", "9"}).exit_code);
  const Finished again = run({"load", path, "-t", "t", "--max-rejects", "9"});
  EXPECT_EQ(0, again.exit_code);
  EXPECT_THAT(again.out, AllOf(HasSubstr("nothing to do"), HasSubstr("1 row, rejected 2 -> "),
                               HasSubstr("a.rejects.csv)")));
  const auto json = nlohmann::json::parse(
      run({"load", path, "-t", "t", "--max-rejects", "9", "--output", "json"}).out);
  EXPECT_EQ(2, json["loads"][0]["rows_rejected"]);
  EXPECT_EQ(folder_ / "a.rejects.csv", json["loads"][0]["rejects_path"]);
}

/// What is finished keeps its file from being loaded twice: it goes only where that is asked for.
TEST_F(Loads, ArePrunedWhereNothingHangsOnThem) {
  make_all_states();
  db().run(
      "update pgsluice.loads set started_at = started_at - interval '100 days', finished_at = "
      "finished_at - interval '100 days' where load_id <> " +
      id_of("e"));
  EXPECT_THAT(run({"loads", "prune", "--older", "1000d"}).out, HasSubstr("pruned 0 loads"));
  const Finished pruned = run({"loads", "prune", "--older", "90d"});
  EXPECT_EQ(0, pruned.exit_code) << pruned.err;
  EXPECT_THAT(pruned.out, AllOf(HasSubstr("pruned 2 loads"), HasSubstr("kept 1 finished"),
                                HasSubstr("loaded twice")));
  EXPECT_EQ("e b a", listed({}));
  EXPECT_THAT(run({"load", folder_ / "a.csv", "-t", "t"}).out, HasSubstr("nothing to do"));
  const Finished finished = run({"loads", "prune", "--older", "90d", "--finished"});
  EXPECT_THAT(finished.out, HasSubstr("1 of them finished: the same command would load"));
  EXPECT_EQ("e b", listed({}));
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks where load_id not in (select "
                           "load_id from pgsluice.loads)"));
  EXPECT_THAT(run({"load", folder_ / "a.csv", "-t", "t"}).out, HasSubstr("stored 1 row"));
  // Of a table that is gone, nothing hangs on it.
  db().run(
      "drop table u; update pgsluice.loads set finished_at = now() - interval '1 year' where "
      "load_id = " +
      id_of("e"));
  const auto json =
      nlohmann::json::parse(run({"loads", "prune", "--older", "90d", "--output", "json"}).out);
  EXPECT_EQ(1, json["pruned_over"]);
  EXPECT_EQ("a b", listed({}));
  EXPECT_EQ(2, run({"loads", "prune", "--older", "90"}).exit_code) << "seconds";
  EXPECT_EQ(2, run({"loads", "prune"}).exit_code);
}

/// Rows wait in a table of the role that loads. It, a member of it and a superuser can give them
/// up; of another one, who may write the ledger, they say who can.
TEST_F(Loads, RowsThatWaitAreGivenUpByWhoMayDropThem) {
  load("a.csv", "id\n1\n", "t");
  const std::string owner = url_of_new_role("stage_owner");
  const std::string member = url_of_new_role("stage_member");
  const std::string other = url_of_new_role("stage_other");
  db().run(
      "grant stage_owner to stage_member; grant usage, create on schema pgsluice to stage_owner; "
      "grant usage on schema pgsluice to stage_other; grant select, insert, update, delete on all "
      "tables in schema pgsluice to stage_owner, stage_other; grant usage on all sequences in "
      "schema pgsluice to stage_owner; alter table t owner to stage_owner; grant insert, select, "
      "update, delete, truncate on t to stage_other");
  const auto stages = [this] {
    return db().number(
        "select count(*) from pg_class where relnamespace = 'pgsluice'::regnamespace and relkind "
        "= 'r' and relname ~ '^stage_'");
  };
  const std::string bad = folder_.write("bad.csv", "id\n2\nx\n");
  const auto forget = [this](const std::string& as) {
    return pgsluice({"loads", "forget", id_of("bad"), "-d", as});
  };
  for (const std::string& who : {owner, member, url()}) {
    SCOPED_TRACE(who);
    ASSERT_EQ(1, pgsluice({"load", bad, "-t", "t", "--atomic=resumable", "--chunk-size", "2", "-d",
                           owner})
                     .exit_code);
    ASSERT_EQ(1, stages());
    const Finished forgotten = forget(who);
    EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
    EXPECT_THAT(forgotten.out, HasSubstr("dropped pgsluice.stage_"));
    EXPECT_EQ(0, stages());
  }
  ASSERT_EQ(
      1, pgsluice({"load", bad, "-t", "t", "--atomic=resumable", "--chunk-size", "2", "-d", owner})
             .exit_code);
  const Finished left = forget(other);
  EXPECT_EQ(0, left.exit_code) << left.err;
  EXPECT_THAT(left.out, AllOf(HasSubstr("left pgsluice.stage_"), HasSubstr("of role stage_owner"),
                              HasSubstr("superuser"), Not(HasSubstr("stay in the table"))));
  EXPECT_EQ(1, stages());
  EXPECT_THAT(forget(url()).out, HasSubstr("dropped pgsluice.stage_"));
  EXPECT_EQ(0, stages());
  db().run(
      "drop table t; drop owned by stage_owner, stage_member, stage_other; drop role stage_member, "
      "stage_owner, stage_other");
}

}  // namespace
}  // namespace sluice::test
