#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Files whose text is not kept. "{pad}" stands for lines that make a file long, in one and the
/// same number whether it becomes long or not.
class LongFiles : public MigrationTest {
 protected:
  static std::string padded(std::string text, bool is_long) {
    const std::string mark = "{pad}";
    const std::string line = "-- " + std::string(is_long ? 60'000 : 1, 'x') + "\n";
    std::string lines = "\n";
    for (int i = 0; i < 20; ++i) lines += line;
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;)
      text.replace(at, mark.size(), lines);
    return text;
  }

  void anew() {
    db().run(
        "drop schema if exists pgsluice cascade; drop schema public cascade; create schema public");
  }

  /// How it ends, what it says, and what is there then.
  std::string told(const std::string& subcommand, const std::vector<std::string>& more) {
    const Finished finished = migrate(subcommand, more);
    std::string text = std::to_string(finished.exit_code) + "\n" + finished.err;
    const std::string tables = db().value(
        "select coalesce(string_agg(relname, ' ' order by relname), '') from pg_class where "
        "relkind = 'r' and relnamespace = 'public'::regnamespace");
    const bool has_history = db().value("select to_regclass('pgsluice.migrations')") != "";
    return text + tables + "\n" + (has_history ? history() : "");
  }

  std::string write_long(const std::string& file, const std::string& text) {
    write(file, padded(text, true));
    return path(file);
  }
};

TEST_F(LongFiles, EndAndSayWhatShortOnesDo) {
  const std::vector<std::string> values{"--placeholder", "name=t",        "--placeholder",
                                        "pw=hidden-one", "--placeholder", "two=a; select 1"};
  const std::vector<std::string> none;
  const std::string declared =
      "-- pgsluice: placeholder name\n-- pgsluice: placeholder pw\n"
      "-- pgsluice: placeholder two\n";
  const struct {
    const char* name;
    std::string text;
    const char* says;
  } cases[] = {
      {"all is well", "create table a (id int);{pad}insert into a values (1);{pad}", "0\n"},
      {"nothing but comments", "{pad}", "0\n"},
      {"syntax", "create table a (id int);{pad}create tabel b (id int);{pad}select 1", "42601"},
      {"syntax on the first line", "create tabel b (id int);{pad}select 1;", ":4:8: "},
      {"a column that is not there",
       "create table a (id int);{pad}select 1; insert into\n a (nix) values (1);", "42703"},
      {"no place from the server",
       "create table a (id int primary key);{pad}insert into a values (1);insert into a values "
       "(1);insert into a values (2);{pad}",
       "23505"},
      {"no place in the last part",
       "create table a (id int primary key);{pad}select 1;\nselect 1/0;select 2", "22012"},
      {"a deferred constraint",
       "create table a (id int primary key deferrable initially deferred);{pad}insert into a "
       "values (1), (1);{pad}",
       "23505"},
      {"leaves its transaction", "create table a (id int);{pad}set transaction read only;{pad}",
       "the file leaves its transaction"},
      {"role", "create role r;grant r to current_user;set role r;{pad}reset all;select 1;", ""},
      {"rows", "create table a (t text);{pad}copy a from stdin;\nit's\n\\.\n{pad}", "0\n"},
      {"bad rows", "create table a (t int);{pad}copy a from stdin;\nit's\n\\.\n{pad}",
       "| copy a from stdin"},
      {"rows without end", "create table a (t text);{pad}copy a from stdin;\nit's\n{pad}",
       "the data of this COPY has no end"},
      {"a transaction of its own", "select 1;{pad}commit;{pad}", "COMMIT: the whole file is one"},
      {"psql's command", "select 1;{pad}\\i other.sql\nselect 2;{pad}", "a command of psql"},
      {"a quote without end", "select 1;{pad}select 'x;{pad}", "has no end"},
      {"both ways", "-- +goose Up\nselect 1;{pad}-- +goose Down\nselect nix;{pad}", "0\n"},
      {"the way back", "select 1;{pad}-- +goose Down\nselect 2;{pad}", "goose"},
      {"a late directive", "select 1;{pad}-- pgsluice: no-transaction\nselect 1;",
       "directives stand"},
      {"a byte 0", std::string("select 1;{pad}select '") + '\0' + "';", "a byte 0"},
      {"an unknown directive", "{pad}-- pgsluice: no-such\nselect 1;", "unknown directive"},
      {"statement by statement",
       "-- pgsluice: no-transaction\ncreate table a (id int);{pad}vacuum a;{pad}begin;select "
       "1;\nselect 2;\nselect 3;\nselect 4;\n{pad}select 1/0;commit;{pad}",
       "statement 3 of 3"},
      {"all of them", "-- pgsluice: no-transaction\ncreate table a (id int);{pad}vacuum a;", "0\n"},
      {"values",
       "create table ${name} (id int, p text);{pad}insert into :\"name\" values (1, :'pw');{pad}"
       "select * from ${name} where p = :'pw' and nix;",
       "p = :'pw' and nix"},
      {"a value in two statements",
       "-- pgsluice: no-transaction\nselect 1;{pad}select ${two};{pad}",
       "makes more or fewer statements"},
  };
  for (const auto& c : cases) {
    for (const std::string subcommand : {"up", "plan", "status"}) {
      std::array<std::string, 2> said;
      for (const bool is_long : {false, true}) {
        anew();
        db().run("drop role if exists r");
        write("001_x.sql", padded(declared + c.text, is_long));
        said.at(is_long ? 1 : 0) = told(subcommand, subcommand == "up" ? values : none);
      }
      EXPECT_EQ(said[0], said[1]) << c.name << ", " << subcommand;
      EXPECT_FALSE(said[1].contains("hidden-one")) << said[1];
      if (subcommand == "up") {
        EXPECT_THAT(said[1], HasSubstr(c.says)) << c.name;
      }
    }
  }
  db().run("drop role if exists r");
}

TEST_F(LongFiles, AreTriedAndRunByThemselvesAsShortOnesAre) {
  const std::string good = "create table a (id int);{pad}insert into a values (1);{pad}";
  const std::string bad = "create table a (id int);{pad}insert into b values (1);{pad}";
  for (const std::string& text : {good, bad}) {
    std::array<std::string, 2> tried;
    std::array<std::string, 2> run;
    for (const bool is_long : {false, true}) {
      anew();
      write("001_x.sql", padded(text, is_long));
      tried.at(is_long ? 1 : 0) = told("up", {"--dry-run"});
      const Finished finished = pgsluice({"migrate", "run", path("001_x.sql"), "-d", url()});
      run.at(is_long ? 1 : 0) = std::to_string(finished.exit_code) + finished.err;
    }
    EXPECT_EQ(tried[0], tried[1]);
    EXPECT_EQ(run[0], run[1]);
    EXPECT_THAT(run[1],
                StartsWith(text == good ? "0" : "1pgsluice: " + path("001_x.sql") + ":22:"));
  }
}

TEST_F(LongFiles, AreComparedAndAcceptedAsShortOnesAre) {
  write_long("001_x.sql", "create table a (id int);{pad}");
  ASSERT_EQ(0, up().exit_code);
  ASSERT_EQ(0, migrate("status").exit_code);
  write_long("001_x.sql", "create table a (id int);{pad}select 1;");
  EXPECT_EQ(7, migrate("status").exit_code);
  const Finished edited = up();
  EXPECT_EQ(7, edited.exit_code);
  EXPECT_THAT(edited.err, HasSubstr("was edited after it was applied"));
  EXPECT_EQ(0, migrate("repair", {"--accept", "1"}).exit_code);
  EXPECT_EQ(0, migrate("status").exit_code);
}

TEST_F(LongFiles, GoOnBehindWhatIsDone) {
  const std::string begin = "-- pgsluice: no-transaction\ncreate table a (id int);{pad}";
  write_long("001_x.sql", begin + "insert into a values (1);{pad}insert into b values (1);");
  ASSERT_EQ(1, up().exit_code);
  EXPECT_EQ("1 failed", history());
  write_long("001_x.sql", begin + "insert into a values (2);{pad}insert into a values (3);");
  EXPECT_EQ(7, up().exit_code) << "what is done was edited";
  write_long("001_x.sql", begin + "insert into a values (1);{pad}insert into a values (3);");
  const Finished mended = up();
  EXPECT_EQ(0, mended.exit_code) << mended.err;
  EXPECT_THAT(mended.err, HasSubstr("goes on behind statement 2 of 3"));
  EXPECT_EQ("1 3", db().value("select string_agg(id::text, ' ' order by id) from a"));
  EXPECT_EQ("1 applied", history());
}

/// While its first statement waits for a lock, the file's end becomes another one.
TEST_F(LongFiles, ThatChangeWhileTheyRunAreNotApplied) {
  db().run("create table busy (id int)");
  for (const std::string directive :
       {"-- pgsluice: retries 0\n", "-- pgsluice: no-transaction\n"}) {
    db().run("drop schema if exists pgsluice cascade; drop table if exists a");
    const std::string text = directive +
                             "-- pgsluice: lock-timeout 0\ninsert into busy values (1);\ncreate "
                             "table a (id int);{pad}insert into a values (1);";
    const std::string file = write_long("001_x.sql", text);
    Session holder(url());
    holder.run("begin; lock table busy");
    Process process(command("up"));
    ASSERT_TRUE(comes_true(
        "select exists (select from pg_locks where relation = 'busy'::regclass and not granted)"));
    {
      std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
      out.seekp(-3, std::ios::end);
      out << "2);";
    }
    holder.run("rollback");
    const Finished finished = process.wait();
    EXPECT_EQ(7, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(file + ": was changed while it was read; "));
    if (directive.contains("no-transaction")) {
      EXPECT_EQ("1 failed", history());
    } else {
      EXPECT_EQ("", history());
      EXPECT_FALSE(has_table("a"));
      EXPECT_EQ("0", db().value("select count(*) from busy"));
    }
  }
}

// A sanitizer's own memory would be measured, not ours.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/// However long the file is, and whatever is done with it.
TEST_F(LongFiles, NeedNoMoreMemoryThanShortOnes) {
  constexpr long mib_max = 64;
  {
    const std::string line = "select length('" + std::string(50'000, 'x') + "') as it_is;\n";
    std::ofstream out(path("001_x.sql"));
    out << "-- pgsluice: placeholder a\ncreate table a (id int, t text);\n";
    for (int i = 0; i < 4'000; ++i) out << line << "insert into a values (${a}, 'x');\n";
  }
  ASSERT_GT(std::filesystem::file_size(path("001_x.sql")), 200'000'000U);
  const std::vector<std::string> value{"--placeholder", "a=1"};
  const struct {
    const char* subcommand;
    std::vector<std::string> more;
    int exit_code;
  } commands[] = {
      {"status", {}, 10}, {"plan", {}, 0},   {"up", {"--dry-run", "--placeholder", "a=1"}, 0},
      {"up", value, 0},   {"status", {}, 0}, {"up", value, 0},
  };
  for (const auto& c : commands) {
    const Finished finished = migrate(c.subcommand, c.more);
    EXPECT_EQ(c.exit_code, finished.exit_code) << c.subcommand << finished.err;
    EXPECT_LT(finished.rss_kib_max / 1024, mib_max) << c.subcommand;
  }
  EXPECT_EQ(4'000, db().number("select count(*) from a"));
  const Finished by_itself =
      pgsluice({"migrate", "run", path("001_x.sql"), "-d", url(), "--placeholder", "a=1"});
  EXPECT_EQ(1, by_itself.exit_code);
  EXPECT_THAT(by_itself.err, StartsWith("pgsluice: " + path("001_x.sql") + ":2:1: relation \"a\""));
  EXPECT_LT(by_itself.rss_kib_max / 1024, mib_max);
}

/// Nor does one with the rows of a dump.
TEST_F(LongFiles, OfRowsNeedNoMoreMemory) {
  constexpr long mib_max = 64;
  {
    const std::string row = "1\t" + std::string(990, 'x') + "\n";
    std::ofstream out(path("001_x.sql"));
    out << "create table a (id int, t text);\ncopy a (id, t) from stdin;\n";
    for (int i = 0; i < 200'000; ++i) out << row;
    out << "\\.\nselect count(*) from a;\n";
  }
  for (const char* const subcommand : {"status", "up"}) {
    const Finished finished = migrate(subcommand);
    EXPECT_EQ(std::string(subcommand) == "up" ? 0 : 10, finished.exit_code) << finished.err;
    EXPECT_LT(finished.rss_kib_max / 1024, mib_max) << subcommand;
  }
  EXPECT_EQ(200'000, db().number("select count(*) from a"));
}

#endif

}  // namespace
}  // namespace sluice::test
