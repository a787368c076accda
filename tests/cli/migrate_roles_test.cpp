#include <gmock/gmock.h>

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What a file makes of its session: who it is, where names are looked for, what may be written.
class SessionOfAFile : public MigrationTest {
 protected:
  static constexpr const char* no_transaction = "-- pgsluice: no-transaction\n";

  void SetUp() override {
    db().run(
        "drop role if exists becomes_other; create role becomes_other; create schema elsewhere; "
        "grant usage, create on schema public, elsewhere to becomes_other; create function "
        "become() returns void language sql as $$ select set_config('role', 'becomes_other', "
        "false) $$");
  }
  void TearDown() override {
    db().run("reset session authorization; drop owned by becomes_other; drop role becomes_other");
  }
  /// Each file has a project, and so a history, of its own.
  void expect_applied(const std::string& head, const std::string& statement) {
    SCOPED_TRACE(head + statement);
    const std::string project = "p" + std::to_string(++projects_);
    write("001_a.sql", head + statement + ";\nselect 1;\n");
    write("002_b.sql", "create table after_" + project + " (id int)");
    const Finished done = up({"--project", project});
    EXPECT_EQ(0, done.exit_code) << done.err;
    EXPECT_EQ("t", db().value("select count(*) = 2 and bool_and(state = 'applied' and applied_by = "
                              "current_user) from pgsluice.migrations where project = '" +
                              project + "'"));
    EXPECT_EQ("t", db().value("select tableowner = current_user from pg_tables where schemaname = "
                              "'public' and tablename = 'after_" +
                              project + "'"))
        << "nothing is left for the next file";
    EXPECT_THAT(up({"--project", project}).out, HasSubstr("nothing to do"));
  }

  int projects_ = 0;
};

TEST_F(SessionOfAFile, HistoryIsWrittenByWhoLoggedIn) {
  for (const char* statement :
       {"set role becomes_other",
        "set local role becomes_other",
        "set session authorization becomes_other",
        "set local session authorization becomes_other",
        "set session authorization becomes_other; set role none",
        "set role becomes_other; reset role",
        "set role becomes_other; reset all",
        "reset session authorization",
        "select set_config('role', 'becomes_other', false)",
        "select set_config('session_authorization', 'becomes_other', false)",
        "select set_config('role', 'becomes_other', true)",
        "select become()",
        "do $$ begin execute 'set role becomes_other'; end $$",
        "do $$ begin perform become(); end $$",
        "set search_path = elsewhere",
        "set local search_path = elsewhere",
        "select set_config('search_path', 'elsewhere', false)",
        "set search_path = ''",
        "alter role becomes_other set search_path = elsewhere; set role becomes_other",
        "set default_transaction_read_only = on",
        "set session characteristics as transaction read only",
        "set statement_timeout = 1",
        "set lock_timeout = 1",
        "set standard_conforming_strings = off",
        "select pg_advisory_unlock_all()",
        "set client_min_messages = error",
        "set constraints all deferred"}) {
    for (const char* head : {"", no_transaction}) expect_applied(head, statement);
  }
  expect_applied(no_transaction, "set role becomes_other; discard all");
  expect_applied(no_transaction, "begin; set role becomes_other; select 1; commit");
}

/// What an old program's set role in a file without transaction left behind.
TEST_F(SessionOfAFile, TablesBelongToWhomItHasBecome) {
  for (const char* head : {"", no_transaction}) {
    const std::string name = *head == '\0' ? "whole" : "parts";
    write("00" + std::to_string(++projects_) + "_r.sql",
          head + std::string("set role becomes_other;\ncreate table ") + name + " (a int);\n");
    const Finished done = up();
    EXPECT_EQ(0, done.exit_code) << done.err;
    EXPECT_EQ("becomes_other",
              db().value("select tableowner from pg_tables where tablename = '" + name + "'"));
  }
}

TEST_F(SessionOfAFile, WhatCannotBeUndoneIsRefusedWithItsLine) {
  write("001_a.sql", "select 1;\nset transaction read only;\n");
  write("002_b.sql", "create table b (id int)");
  const Finished read_only = up();
  EXPECT_EQ(1, read_only.exit_code);
  EXPECT_THAT(read_only.err, HasSubstr("001_a.sql:2:1: cannot execute SELECT in a read-only"));
  EXPECT_THAT(read_only.err, HasSubstr("cannot be written; nothing of this file is applied"));
  EXPECT_EQ("", history());

  db().run(
      "drop role if exists login_that_goes; create role login_that_goes superuser login "
      "password 'x'");
  const std::string login = url_of_new_role("login_that_goes_2");
  db().run("alter role login_that_goes_2 superuser");
  write("001_a.sql", "set session authorization " + db().value("select quote_ident(current_user)") +
                         ";\nselect 1;\ndrop role login_that_goes_2;\n");
  std::vector<std::string> arguments = command("up", {"--migrate-url", login});
  const Finished gone = pgsluice(arguments);
  EXPECT_EQ(1, gone.exit_code);
  EXPECT_THAT(gone.err, HasSubstr("001_a.sql:3:1: "));
  EXPECT_EQ(1, db().number("select count(*) from pg_roles where rolname = 'login_that_goes_2'"))
      << "nothing of the file is applied";
  db().run("drop role login_that_goes; drop owned by login_that_goes_2");
  db().run("drop role login_that_goes_2");
}

TEST_F(SessionOfAFile, DeferredConstraintsAreTheFilesOwn) {
  db().run(
      "create table parent (id int primary key); create table child (id int references "
      "parent deferrable initially deferred)");
  write("001_a.sql", "insert into child values (1);\nselect 1;\n");
  const Finished failed = up();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("001_a.sql: insert or update on table \"child\" violates"));
  EXPECT_EQ("", history());
}

class Placeholders : public MigrationTest {
 protected:
  /// All that anybody could read of it, later or elsewhere.
  std::string everything(const Finished& finished) {
    return finished.out + finished.err +
           db().value(
               "select coalesce(string_agg(m::text, ' '), '') from pgsluice.migrations m where "
               "m.project <> 'pgsluice'");
  }
};

TEST_F(Placeholders, SecretsAreSaidNowhere) {
  const std::string secret = "s3cr3t'X \\ \"W0rd\"";
  db().run("create table t (id int, v text check (length(v) < 3))");
  struct Leak {
    const char* declared;
    const char* sql;
  };
  for (const auto& [declared, sql] : std::vector<Leak>{
           {"pw", "create role x logn password :'pw'"},
           {"pw secret", "select 1 as :\"pw\" from nowhere"},
           {"api_token",
            "do $$ begin raise exception '%', current_query(); end $$; -- :'api_token'"},
           {"pass", "select :'pass'::int"},
           {"client_key", "insert into t values (1, :'client_key')"},
           {"x secret", "do $$ begin raise notice 'it is %', ${x}; end $$; select 1/0"},
           {"my_secret", "select ${my_secret}"},
           {"pw", "select :'pw' from nowhere where 'x' = :'pw'"},
           {"pw",
            "do $do$ begin execute 'select ' || quote_literal(:'pw') || '::int'; end $do$"}}) {
    const std::string name = std::string(declared).substr(0, std::string(declared).find(' '));
    for (const char* head : {"", "-- pgsluice: no-transaction\n"}) {
      SCOPED_TRACE(std::string(head) + sql);
      write("001_q.sql",
            "-- pgsluice: placeholder " + std::string(declared) + "\n" + head + sql + ";\n");
      for (const char* output : {"text", "json"}) {
        const Finished failed = up({"--placeholder", name + "=" + secret, "--output", output});
        EXPECT_THAT(failed.exit_code, ::testing::AnyOf(1, 2)) << failed.err;
        EXPECT_THAT(failed.err, HasSubstr("001_q.sql"));
        const std::string said = everything(failed);
        for (const char* piece : {"s3cr3t", "W0rd"}) EXPECT_THAT(said, Not(HasSubstr(piece)));
        migrate("repair", {"--forget", "1"});
      }
    }
  }
}

/// In every form in which a server may give back what it was sent, or what that has become.
TEST_F(Placeholders, SecretsAreSaidInNoForm) {
  db().run(
      "create table u (x text check (x = '')); create table b (x bytea check (x = '')); "
      "create table j (x jsonb check (x is null))");
  struct Leak {
    const char* sql;
    const char* value;
    std::vector<std::string> pieces;
    const char* name;  ///< of the condition
  };
  const std::string plain = "MySecretVal99x";
  const std::string quoted = "a\"b'c\\d\"e\"f'g";
  const std::string longer = "LongSecret" + std::string(70, 'z');
  for (const Leak& leak : std::vector<Leak>{
           {"select * from ${pw}", plain.c_str(), {"mysecret"}, "undefined_table"},
           {"insert into u values (upper(:'pw'))", plain.c_str(), {"MYSECRET"}, "check_violation"},
           {"insert into u values (reverse(:'pw'))", plain.c_str(), {"laVterc"}, "check_violation"},
           {"insert into u values (substr(:'pw', 3, 4))",
            plain.c_str(),
            {"Secr"},
            "check_violation"},
           {"insert into b values (:'pw'::bytea)", plain.c_str(), {"4d795365"}, "check_violation"},
           {"insert into b values (convert_to(:'pw', 'UTF8'))",
            plain.c_str(),
            {"4d79"},
            "check_violation"},
           {"insert into j values (to_jsonb(:'pw'::text))",
            quoted.c_str(),
            {"a\\\"b", "c\\\\d"},
            "check_violation"},
           {"select :'pw'::json",
            quoted.c_str(),
            {"\"b", "f'", "''"},
            "invalid_text_representation"},
           {"select 1 from pg_class where :\"pw\" = 1",
            quoted.c_str(),
            {"a\"\"b", "c\\d"},
            "undefined_column"},
           {"create table ${pw} (id int); select 1/0",
            longer.c_str(),
            {"zzzz"},
            "division_by_zero"},
           {"select 1 as x, 'y' as y, :'pw' as z, 2 as w from nowhere",
            longer.c_str(),
            {"zzzz", "LongS"},
            "undefined_table"},
           {"do $$ begin raise exception using errcode = :'pw', message = 'no'; end $$; -- ${pw}",
            "12345",
            {"12345"},
            ""},
           {"do $$ begin raise exception using errcode = '${pw}', message = 'no'; end $$",
            "12345",
            {"12345"},
            "the server refuses this"},
           {"do $$ begin raise exception using errcode = '57P01', message = '${pw}'; end $$",
            plain.c_str(),
            {"Secr"},
            ""},
           {"create function f() returns int language plpgsql as $$ begin return '${pw}'; end "
            "$$;\nselect "
            "f()",
            plain.c_str(),
            {"Secr"},
            "invalid_text_representation"}}) {
    for (const char* head : {"", "-- pgsluice: no-transaction\n"}) {
      SCOPED_TRACE(std::string(head) + leak.sql);
      write("001_q.sql", std::string("-- pgsluice: placeholder pw\n") + head + leak.sql + ";\n");
      for (const char* more : {"", "--dry-run"}) {
        std::vector<std::string> flags{"--placeholder", std::string("pw=") + leak.value};
        if (*more != 0) flags.emplace_back(more);
        const Finished failed = up(flags);
        EXPECT_THAT(failed.err, HasSubstr("001_q.sql"));
        EXPECT_THAT(failed.err, HasSubstr(failed.exit_code == 0 ? "" : leak.name));
        const std::string said = everything(failed);
        for (const std::string& piece : leak.pieces) EXPECT_THAT(said, Not(HasSubstr(piece)));
      }
      migrate("repair", {"--forget", "1"});
      db().run("drop function if exists f(); drop table if exists " +
               std::string(longer == leak.value ? longer : plain));
    }
  }
}

/// Another file may read what a secret has become, and is not told less for that.
TEST_F(Placeholders, OtherFilesKeepTheirMessagesWithoutTheValues) {
  write("001_a.sql", "-- pgsluice: placeholder pw\ncreate table t as select :'pw'::text as v;\n");
  write("002_b.sql", "select v::int from t;\n");
  const Finished failed = up({"--placeholder", "pw=MySecretVal99x"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("invalid input syntax for type integer: \"***\""));
  write("002_b.sql", "create table nothing as select 1; select upper(v)::int from t;\n");
  const Finished upper = up({"--placeholder", "pw=MySecretVal99x"});
  EXPECT_THAT(upper.err, HasSubstr("invalid input syntax for type integer: \"***\""));
}

TEST_F(Placeholders, OthersAreShownAsTheFileHasThem) {
  write("001_q.sql", "-- pgsluice: placeholder days\nselect :'days' from nowhere;\n");
  const Finished failed = up({"--placeholder", "days=thirty"});
  EXPECT_THAT(failed.err, HasSubstr("| select :'days' from nowhere"));
}

TEST_F(Placeholders, ComeFromTheEnvironmentAndFilesToo) {
  write("001_q.sql",
        "-- pgsluice: placeholder a\n-- pgsluice: placeholder b secret\n"
        "create table t as select :'a'::text as a, :'b'::text as b;\n");
  write("b.txt", "of a file\n");
  const std::vector<std::string> from{"--placeholder-env", "a=A_VALUE", "--placeholder-file",
                                      "b=" + path("b.txt")};
  const Finished unknown = up(from);
  EXPECT_EQ(2, unknown.exit_code);
  EXPECT_THAT(unknown.err, HasSubstr("--placeholder-env a: the environment has no A_VALUE"));
  const Finished done =
      pgsluice(command("up", from),
               {.input = "", .environment = {"A_VALUE=of it"}, .program = PGSLUICE_BINARY});
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_EQ("of it, of a file", db().value("select a || ', ' || b from t"));
  EXPECT_EQ(2, up({"--placeholder-file", "b=/nowhere"}).exit_code);
  const Finished twice = up({"--placeholder", "a=hidden", "--placeholder", "a=hidden"});
  EXPECT_EQ(2, twice.exit_code);
  const Finished nameless = up({"--placeholder", "hidden"});
  EXPECT_EQ(2, nameless.exit_code);
  EXPECT_THAT(twice.err + nameless.err, Not(HasSubstr("hidden")));
}

TEST_F(Placeholders, ValuesAreNotInTheListOfProcesses) {
  for (const std::vector<std::string>& given :
       {std::vector<std::string>{"--project", "one", "--placeholder", "pw=s3cr3t"},
        std::vector<std::string>{"--project", "two", "--placeholder=pw=s3cr3t"}}) {
    write("001_q.sql",
          "-- pgsluice: placeholder pw\nselect pg_sleep(60), :'pw', '" + given[1] + "'");
    Process process(command("up", given));
    ASSERT_TRUE(
        comes_true("select exists (select from pg_stat_activity where query like '%pg_sleep(60)%" +
                   given[1] + "%' and pid <> pg_backend_pid() and state = 'active')"));
    std::string shown;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string text = read_file((entry.path() / "cmdline").string());
      if (text.contains(folder()) && text.contains("pw=")) shown += text;
    }
    EXPECT_THAT(shown, HasSubstr("pw=******"));
    EXPECT_THAT(shown, Not(HasSubstr("s3cr3t")));
  }
}

/// However a connection is given.
TEST_F(Placeholders, PasswordsOfConnectionsAreNotInTheListOfProcesses) {
  const std::string uri = "postgresql://u:s3cr3t@127.0.0.1:1/x";
  const std::string text = "host=127.0.0.1 port=1 password = 's3cr3t' user=u";
  write("001_q.sql", "select 1");
  for (const std::vector<std::string>& given :
       std::vector<std::vector<std::string>>{{"migrate", "up", "-d", uri},
                                             {"migrate", "up", "-d" + uri},
                                             {"migrate", "up", "--dbname=" + uri},
                                             {"migrate", "up", "--dbname", text},
                                             {"migrate", "up", "--migrate-url", uri},
                                             {"migrate", "up", "--migrate-url=" + text},
                                             {"load", path("001_q.sql"), "-t", "t", "-d", uri}}) {
    std::vector<std::string> all = given;
    all.insert(all.end(), {"--wait", "60s"});
    Process process(all);
    process.says("--wait");
    const std::string shown = read_file("/proc/" + std::to_string(process.pid()) + "/cmdline");
    EXPECT_THAT(shown, HasSubstr("***"));
    EXPECT_THAT(shown, Not(HasSubstr("s3cr3t")));
    process.signal(SIGTERM);
    EXPECT_THAT(process.wait().err, Not(HasSubstr("s3cr3t")));
  }
}

/// Their way back stands in the same file.
TEST_F(Placeholders, FilesOfOtherToolsAreRefusedByLine) {
  struct Foreign {
    const char* sql;
    const char* says;
  };
  for (const auto& [sql, says] : std::vector<Foreign>{
           {"create table g(a int);\n-- +goose Down\ndrop table g;\n", ":2:1: a line of goose"},
           {"-- +goose Up\ncreate table g(a int);\n-- migrate:down\ndrop table g;\n",
            ":3:1: a line of dbmate"},
           {"create table g(a int);\n-- +migrate Down\ndrop table g;\n",
            ":2:1: a line of sql-migrate"},
           {"create table g(a int);\n-- //@UNDO\ndrop table g;\n", ":2:1: a line of MyBatis"},
           {"--liquibase formatted sql\n--changeset a:1\ncreate table g(a int);\n--rollback drop "
            "table g;\n",
            ":1:1: a line of Liquibase"},
           {"-- Down migration: none\ncreate table g(a int);\n",
            ":1: a file of node-pg-migrate whose way back stands first"},
           {"create table g(a int);\n---- create above / drop below ----\ndrop table g;\n",
            ":2:1: a line of tern"},
           {"-- !Ups\ncreate table g(a int);\n-- !Downs\ndrop table g;\n",
            ":1:1: a line of Play"}}) {
    write("20260101000000_g.sql", sql);
    for (const auto& arguments :
         {command("up"), command("up", {"--dry-run"}),
          std::vector<std::string>{"migrate", "run", path("20260101000000_g.sql"), "-d", url()}}) {
      const Finished refused = pgsluice(arguments);
      EXPECT_EQ(2, refused.exit_code) << sql;
      EXPECT_THAT(refused.err, HasSubstr(std::string("20260101000000_g.sql") + says));
    }
    EXPECT_FALSE(has_table("g"));
  }
  write("20260101000000_g.sql", "create table g (v text default '\n-- +goose Down\n')");
  EXPECT_EQ(0, up().exit_code) << "in a quote";
}

/// It would be waited for without end.
TEST_F(Placeholders, WhatIsNoFileIsRefused) {
  ASSERT_EQ(0, ::mkfifo(path("001_pipe.sql").c_str(), 0600));
  std::filesystem::create_directory(path("002_folder.sql"));
  std::filesystem::create_symlink("/dev/zero", path("003_device.sql"));
  for (const char* subcommand : {"up", "status", "plan"}) {
    const Finished refused = migrate(subcommand);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("001_pipe.sql: is a named pipe, and no file"));
    EXPECT_THAT(refused.err, HasSubstr("002_folder.sql: is a folder, and no file"));
    EXPECT_THAT(refused.err, HasSubstr("003_device.sql: is a device, and no file"));
  }
  EXPECT_EQ(2, pgsluice({"migrate", "run", "/dev/zero", "-d", url()}).exit_code);
}

TEST_F(Placeholders, StatementsThatWantNoTransactionNameTheDirective) {
  db().run("create table t (id int)");
  for (const char* sql :
       {"create index concurrently i on t (id)", "vacuum t", "reindex table concurrently t",
        "create database never_made", "alter system set work_mem = '4MB'"}) {
    write("001_a.sql", sql);
    const Finished failed = up();
    EXPECT_EQ(2, failed.exit_code) << sql;
    EXPECT_THAT(failed.err, HasSubstr(path("001_a.sql") + ":1:1: "));
    EXPECT_THAT(failed.err, HasSubstr("in front of its first one: -- pgsluice: no-transaction"));
  }
  write("001_a.sql", "create type e as enum ('a');");
  ASSERT_EQ(0, up().exit_code);
  for (const auto& [sql, says] : std::vector<std::pair<const char*, const char*>>{
           {"alter type e add value 'b';\nselect 'b'::e;",
            "put what uses it into a file of its own"},
           {"create procedure p() language plpgsql as $$ begin commit; end $$;\ncall p();",
            "a procedure that it calls ends transactions"}}) {
    write("002_b.sql", sql);
    const Finished failed = up();
    EXPECT_EQ(1, failed.exit_code);
    EXPECT_THAT(failed.err, HasSubstr(says));
  }
}

}  // namespace
}  // namespace sluice::test
