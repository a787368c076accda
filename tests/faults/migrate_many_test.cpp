#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>

#include "support/migrations.hpp"
#include "support/proxy.hpp"
#include "support/schema_dump.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

/// Commands that do the same in many places, with all that happens to up.
class MigrateManyFaults : public MigrationTest {
 protected:
  Finished by(const std::string& other_url, const std::string& subcommand,
              std::vector<std::string> more) const {
    std::vector<std::string> arguments = command(subcommand, std::move(more));
    *(std::ranges::find(arguments, "-d") + 1) = other_url;
    return pgsluice(std::move(arguments));
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& one : std::filesystem::directory_iterator(folder()))
      names.push_back(one.path().filename().string());
    std::ranges::sort(names);
    return names;
  }
  std::vector<std::string> scratch_databases() {
    std::vector<std::string> names;
    for (const auto& row :
         db().rows("select datname from pg_database where datname like 'pgsluice_scratch%'"))
      names.push_back(row[0]);
    return names;
  }
  void drop_scratch_databases() {
    for (const std::string& name : scratch_databases())
      db().run("drop database " + name + " with (force)");
  }
};

/// Each file is applied once in each schema, whichever connection is cut.
TEST_F(MigrateManyFaults, TenantsAreCutAnywhere) {
  db().run("create table log (tenant text, what int)");
  std::atomic<std::size_t> cuts = 0;
  for (std::size_t place = 0; place < 150; place += every(11)) {
    const std::string prefix = "p" + std::to_string(place) + "_";
    for (int i = 1; i <= 3; ++i) db().run("create schema " + prefix + std::to_string(i));
    for (int file = 1; file <= 2; ++file) {
      write(std::to_string(file) + "_f.sql", "create table t" + std::to_string(file) +
                                                 " (id int);\ninsert into public.log values "
                                                 "(current_schema(), " +
                                                 std::to_string(file) + ")");
    }
    write("3_f.sql",
          "-- pgsluice: no-transaction\ncreate index concurrently if not exists i on t1 (id);\n"
          "create table if not exists t3 (id int);");
    std::atomic<std::size_t> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction, const std::string&) {
      const bool here = seen++ == place;
      if (here) ++cuts;
      return here ? Proxy::Action::cut : Proxy::Action::pass;
    });
    const std::vector<std::string> all{"--schemas", prefix + "%", "--jobs", "2"};
    const Finished first = by(proxy.url(url()), "up", all);
    EXPECT_THAT(first.exit_code, AnyOf(0, 1, 4)) << first.err;
    const Finished second = by(url(), "up", all);
    EXPECT_EQ(0, second.exit_code) << place << ": " << second.err;
    EXPECT_EQ("6 6", db().value("select count(*) || ' ' || count(distinct (tenant, what)) from log "
                                "where tenant like '" +
                                prefix + "%'"))
        << place << ": " << first.err << second.err;
    EXPECT_EQ(9, db().number("select count(*) from pgsluice.migrations where state = 'applied' and "
                             "project like 'default:" +
                             prefix + "%'"));
    EXPECT_EQ(3, db().number("select count(*) from pg_class c join pg_namespace n on n.oid = "
                             "c.relnamespace where c.relname = 't3' and n.nspname like '" +
                             prefix + "%'"));
    for (int i = 1; i <= 3; ++i) db().run("drop schema " + prefix + std::to_string(i) + " cascade");
  }
  EXPECT_GT(cuts.load(), 100U / every(11));
}

TEST_F(MigrateManyFaults, TwoRunnersApplyEachFileOnceInEachSchema) {
  db().run("create table log (tenant text)");
  for (int i = 1; i <= 6; ++i) db().run("create schema t" + std::to_string(i));
  write("1_f.sql", "select pg_sleep(0.05); insert into public.log values (current_schema())");
  const std::vector<std::string> all{"--schemas", "t_", "--jobs", "3"};
  Process one(command("up", all));
  Process other(command("up", all));
  const Finished first = one.wait();
  const Finished second = other.wait();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ(0, second.exit_code) << second.err;
  EXPECT_EQ("6 6", db().value("select count(*) || ' ' || count(distinct tenant) from log"));
}

TEST_F(MigrateManyFaults, AKilledOrInterruptedRunGoesOn) {
  db().run("create table log (tenant text)");
  for (int i = 1; i <= 4; ++i) db().run("create schema t" + std::to_string(i));
  write("1_f.sql", "select 1");
  ASSERT_EQ(0, by(url(), "up", {"--schemas", "t1"}).exit_code);  // which makes the history
  for (const int number : {SIGKILL, SIGTERM}) {
    db().run("truncate log; delete from pgsluice.migrations where project like 'default:%'");
    write("1_f.sql",
          "insert into public.log values (current_schema()); select pg_sleep(case "
          "current_schema() when 't2' then 60 else 0 end)");
    Process runner(command("up", {"--schemas", "t_", "--jobs", "1", "--stop-after", "1s"}));
    ASSERT_TRUE(comes_true(
        "select exists (select from pg_stat_activity where datname = current_database() and state "
        "= 'active' and query like '%pg_sleep(case%' and pid <> pg_backend_pid())"));
    ASSERT_TRUE(comes_true("select count(*) = 1 from log"));
    runner.signal(number);
    const Finished ended = runner.wait();
    EXPECT_EQ(number == SIGKILL ? 137 : 143, ended.exit_code) << ended.err;
    if (number == SIGTERM) {
      EXPECT_THAT(ended.out, HasSubstr("t1      applied"));
      EXPECT_THAT(ended.out, HasSubstr("t3      not begun"));
    }
    db().run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = "
        "current_database() and query like '%pg_sleep(case%' and pid <> pg_backend_pid()");
    write("1_f.sql", "select 1");
    // The first schema had another file.
    db().run("delete from pgsluice.migrations where project = 'default:t1'");
    EXPECT_EQ(0, by(url(), "up", {"--schemas", "t_"}).exit_code);
    EXPECT_EQ("t1", db().value("select string_agg(tenant, ' ') from log"));
  }
}

/// The folder is as it was, or squashed: nothing between.
TEST_F(MigrateManyFaults, SquashIsCutAnywhere) {
  if (!can_be_dumped(url())) GTEST_SKIP() << "the pg_dump that is installed is too old";
  const auto write_files = [this] {
    write("1_a.sql", "create table a (id int primary key); insert into a values (1)");
    write("2_b.sql", "alter table a add column b text default 'x'");
  };
  const std::vector<std::string> before{"1_a.sql", "2_b.sql"};
  const std::vector<std::string> after{"2_squashed.sql"};
  std::string made;
  std::atomic<std::size_t> cuts = 0;
  for (std::size_t place = 0; place < 400; place += every(37)) {
    write_files();
    std::atomic<std::size_t> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction, const std::string&) {
      const bool here = seen++ == place;
      if (here) ++cuts;
      return here ? Proxy::Action::cut : Proxy::Action::pass;
    });
    const Finished done = by(proxy.url(url()), "squash", {"--to", "2", "--yes"});
    EXPECT_THAT(done.exit_code, AnyOf(0, 1, 4)) << done.err;
    EXPECT_EQ(done.exit_code == 0 ? after : before, files()) << place << ": " << done.err;
    if (done.exit_code == 0) {
      const std::string text = read_file(path("2_squashed.sql"));
      EXPECT_EQ(made.empty() ? text : made, text);
      made = text;
      ASSERT_EQ(0, std::remove(path("2_squashed.sql").c_str()));
    }
    for (const std::string& name : scratch_databases())
      EXPECT_THAT(done.err, HasSubstr("the database " + name + " is left: ")) << place;
    drop_scratch_databases();
  }
  EXPECT_GT(cuts.load(), 5U);
  EXPECT_FALSE(made.empty());
}

TEST_F(MigrateManyFaults, AKilledSquashLeavesTheFiles) {
  write("1_a.sql", "create table a (id int)");
  write("2_b.sql", "select pg_sleep(60)");
  Process runner(command("squash", {"--to", "2", "--yes"}));
  ASSERT_TRUE(comes_true(
      "select exists (select from pg_stat_activity where datname like 'pgsluice_scratch%' and "
      "query like '%pg_sleep(60)%')"));
  runner.signal(SIGKILL);
  runner.wait();
  EXPECT_EQ((std::vector<std::string>{"1_a.sql", "2_b.sql"}), files());
  drop_scratch_databases();
  // One that is asked to end takes its database with it.
  Process other(command("squash", {"--to", "2", "--yes"}));
  ASSERT_TRUE(comes_true(
      "select exists (select from pg_stat_activity where datname like 'pgsluice_scratch%' and "
      "query like '%pg_sleep(60)%')"));
  other.signal(SIGINT);
  EXPECT_TRUE(other.says("stopping: "));
  other.signal(SIGINT);
  EXPECT_EQ(130, other.wait().exit_code);
  EXPECT_EQ(0U, scratch_databases().size());
  EXPECT_EQ((std::vector<std::string>{"1_a.sql", "2_b.sql"}), files());
}

}  // namespace
}  // namespace sluice::test
