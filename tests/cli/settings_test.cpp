#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/server.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Commands that connect, each with the longest patience that it can be given.
class ConnectionSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string in = folder_.write("in.csv", "id\n1\n");
    std::filesystem::create_directory(folder_ / "m");
    folder_.write("m/001_a.sql", "select 1");
    const std::string jobs = folder_.write(
        "pgsluice.toml", "[[job]]\nname = \"j\"\ncron = \"@hourly\"\nsql = \"m/001_a.sql\"\n");
    commands_ = {
        {"load", in, "-t", "t", "--wait", "10min"},
        {"load", in, "-t", "t", "--wait", "0"},
        {"check", in, "-t", "t"},
        {"loads"},
        {"migrate", "up", "--dir", folder_ / "m", "--wait", "10min"},
        {"migrate", "status", "--dir", folder_ / "m", "--wait", "0"},
        {"schedule", "run", "--config", jobs, "--wait", "10min"},
        {"schedule", "run", "--once", "--config", jobs, "--wait", "10min"},
        {"schedule", "history"},
    };
  }

  struct Case {
    std::string dbname;
    std::vector<std::string> environment;
    std::string says;
  };

  void expect_at_once(const Case& each, int exit_code) {
    for (std::vector<std::string> command : commands_) {
      if (!sample_.takes()) continue;
      std::string words;
      for (const std::string& word : command) words += word + " ";
      SCOPED_TRACE(words + " -d " + each.dbname + " " + ::testing::PrintToString(each.environment));
      command.insert(command.end(), {"-d", each.dbname});
      std::vector<std::string> environment{"HOME=" + folder_.path()};
      environment.insert(environment.end(), each.environment.begin(), each.environment.end());
      const auto began = std::chrono::steady_clock::now();
      const Finished finished =
          pgsluice(command, {.input = "", .environment = environment, .program = PGSLUICE_BINARY});
      EXPECT_LT(std::chrono::steady_clock::now() - began, 30s) << "nothing was waited for";
      EXPECT_EQ(exit_code, finished.exit_code) << finished.err;
      EXPECT_THAT(finished.err, HasSubstr(each.says));
      EXPECT_THAT(finished.err, Not(HasSubstr("hidden")));
      EXPECT_THAT(finished.err, Not(HasSubstr("--wait")));
    }
  }

  TemporaryFolder folder_;
  std::vector<std::vector<std::string>> commands_;
  Sample sample_{4};
};

/// Whether a server is there or not: here is none.
TEST_F(ConnectionSettings, ThatAreWrongEndACommandAtOnce) {
  const std::string base = "host=127.0.0.1 port=1 user=u dbname=d password=hidden";
  const auto more = [&base](const std::string& setting) { return base + " " + setting; };
  for (const Case& each : std::vector<Case>{
           {"postgresql://u:hidden@127.0.0.1:1/x?sslmode=bogus", {}, "(sslmode, in -d)"},
           {base, {"PGSSLMODE=bogus"}, "\"bogus\" (PGSSLMODE)"},
           {"postgresql://u:hidden@127.0.0.1:70000/x", {}, "\"70000\""},
           {"postgresql://u:hidden@127.0.0.1,127.0.0.1:0/x", {"PGPORT=2"}, "\"0\""},
           {"host=127.0.0.1 user=u",
            {"PGPORT=abc"},
            "\"abc\" is no number from 1 to 65535 (PGPORT)"},
           {more("port=5432x"), {}, "(port, in -d)"},
           {"host=a,b port=1,2,3", {}, "to 2 hosts (port, in -d)"},
           {"host=a hostaddr=1.2.3.4,1.2.3.5", {}, "settings cannot be used"},
           {base, {"PGSERVICE=nope"}, "\"nope\""},
           {base, {"PGSERVICE=nope", "PGSERVICEFILE=/nowhere/at.all"}, "/nowhere/at.all"},
           {more("service=nope"), {}, "\"nope\""},
           {more("connect_timeout=abc"), {}, "(connect_timeout, in -d)"},
           {base, {"PGCONNECT_TIMEOUT=1 s"}, "(PGCONNECT_TIMEOUT)"},
           {more("target_session_attrs=writable"), {}, "(target_session_attrs, in -d)"},
           {base, {"PGTARGETSESSIONATTRS=writable"}, "(PGTARGETSESSIONATTRS)"},
           {more("channel_binding=often"), {}, "(channel_binding, in -d)"},
           {base, {"PGCHANNELBINDING=often"}, "(PGCHANNELBINDING)"},
           {more("gssencmode=often"), {}, "(gssencmode, in -d)"},
           {base, {"PGGSSENCMODE=often"}, "(PGGSSENCMODE)"},
           {more("ssl_min_protocol_version=SSLv2"), {}, "ssl_min_protocol_version"},
           {base, {"PGSSLMAXPROTOCOLVERSION=SSLv2"}, "ssl_max_protocol_version"},
           {more("ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2"),
            {},
            "protocol version"},
           {more("keepalives=x"), {}, "(keepalives, in -d)"},
           {more("keepalives_idle=x"), {}, "(keepalives_idle, in -d)"},
           {more("keepalives_interval=x"), {}, "(keepalives_interval, in -d)"},
           {more("keepalives_count=1.5"), {}, "(keepalives_count, in -d)"},
           {more("tcp_user_timeout=99999999999"), {}, "(tcp_user_timeout, in -d)"},
           {"hostaddr=db.example user=u", {}, "(hostaddr, in -d)"},
           {"user=u", {"PGHOSTADDR=x.y"}, "(PGHOSTADDR)"},
           {"host=/" + std::string(120, 'x'), {}, "(host, in -d)"},
           {more("sslmode=verify-full sslrootcert=/nowhere.crt"), {}, "(sslrootcert, in -d)"},
           {base, {"PGSSLMODE=verify-ca"}, ".postgresql/root.crt"},
           {more("client_encoding=klingon"), {}, "klingon"},
           {base, {"PGCLIENTENCODING=klingon"}, "PGCLIENTENCODING"},
           {"hots=x", {}, "hots"},
       }) {
    expect_at_once(each, 2);
  }
}

/// What libpq takes is not refused: nobody is there, so it is 4.
TEST_F(ConnectionSettings, ThatLibpqTakesAreTaken) {
  for (const std::string settings :
       {"keepalives=x host=/nowhere", "host=127.0.0.1 port=' 1 ' connect_timeout=+3",
        "host=/nowhere,127.0.0.1 port=,1", "hostaddr=::1 host=a port=1",
        "hostaddr=fe80::1%lo port=1", "sslmode=verify-full host=/nowhere",
        "host=127.0.0.1 port=1 sslmode=require sslrootcert=/nowhere.crt",
        "host=127.0.0.1 port=1 keepalives=0 target_session_attrs=read-only"}) {
    const Finished finished = pgsluice({"loads", "-d", settings});
    EXPECT_EQ(4, finished.exit_code) << settings << ": " << finished.err;
  }
}

/// A server that is there, and will say the same again.
class RefusedForGood : public ConnectionSettings {
 protected:
  /// With a certificate of its own, and a role that is asked for a password.
  RefusedForGood() : server_("") {
    const std::string data = server_.folder() + "/pgdata/";
    for (const char* name : {"server", "other"}) {
      const std::string begin = data + name;
      output_of("openssl req -new -x509 -nodes -days 2 -subj /CN=elsewhere -keyout " + begin +
                ".key -out " + begin + ".crt 2>&1 && chmod 600 " + begin +
                ".key && chown --reference=" + data + "PG_VERSION " + begin + ".key " + begin +
                ".crt");
    }
    Session admin(server_.url());
    admin.run("create role asked login password 'right'");
    output_of("sed -i '1i host all asked all scram-sha-256' " + data + "pg_hba.conf");
    output_of("echo 'ssl = on' >> " + data + "postgresql.conf");
    server_.stop("fast");
    server_.start();
    Session again(server_.url());
    port_ = PQport(again.raw());
  }
  std::string at(const std::string& settings) {
    return "host=127.0.0.1 dbname=postgres user=postgres port=" + port_ + " " + settings;
  }

  PrivateServer server_;
  std::string port_;
};

TEST_F(RefusedForGood, EndsACommandAtOnce) {
  const std::string data = server_.folder() + "/pgdata/";
  output_of("chmod -R a+rX " + server_.folder() + "/pgdata/other.crt");
  const std::string other = folder_.write("other.crt", read_file(data + "other.crt"));
  const std::string own = folder_.write("own.crt", read_file(data + "server.crt"));
  const std::string garbage = folder_.write("garbage.crt", "no certificate");
  for (const Case& each :
       std::vector<Case>{{at("user=asked"), {}, "password"},
                         {at("user=asked password=hidden"), {}, "password"},
                         {at("user=nobody_here"), {}, "nobody_here"},
                         {at("dbname=nowhere"), {}, "nowhere"},
                         {at(""), {"PGOPTIONS=-c no_such_setting=1"}, "no_such_setting"},
                         {at("options=nonsense"), {}, "nonsense"},
                         {at("replication=sometimes"), {}, "replication"},
                         {at("sslmode=verify-ca sslrootcert=" + other), {}, "certificate"},
                         {at("sslmode=verify-full sslrootcert=" + own), {}, "elsewhere"},
                         {at("sslmode=require sslrootcert=" + garbage), {}, "garbage.crt"},
                         {"requirepeer=hobgoblin dbname=postgres user=postgres port=" + port_ +
                              " host=" + server_.folder(),
                          {},
                          "requirepeer"}}) {
    expect_at_once(each, 4);
  }
  server_.stop("fast");
  output_of("sed -i '/^ssl = on/d' " + data + "postgresql.conf");
  server_.start();
  expect_at_once({at("sslmode=require"), {}, "SSL"}, 4);
}

/// Where nobody wants it to be waited for it is said once.
TEST_F(ConnectionSettings, OfAServerThatIsAwayAreSaidOnce) {
  for (const char* how : {"0", "2s"}) {
    const Finished once = pgsluice({"schedule", "run", "--once", "--wait", how, "--config",
                                    folder_ / "pgsluice.toml", "-d", "host=127.0.0.1 port=1"});
    EXPECT_EQ(4, once.exit_code);
    std::size_t times = 0;
    for (std::size_t at = 0; (at = once.err.find("refused", at)) != std::string::npos; ++at)
      ++times;
    EXPECT_EQ(how[1] == '\0' ? 1U : 2U, times) << once.err;
  }
}

class UserSettings : public DatabaseTest {};

/// What our own questions run with is theirs alone: the target's defaults see what the user has.
TEST_F(UserSettings, JitIsOffForOurQuestionsOnly) {
  const TemporaryFolder folder;
  db().run("create table t (id int, jit text default current_setting('jit'))");
  const std::string one = folder.write("one.csv", "id\n1\n");
  const std::string two = folder.write("two.csv", "id\n2\n");
  const std::string three = folder.write("three.csv", "id\n3\n");
  std::string database = db().value("select quote_ident(current_database())");
  db().run("alter database " + database + " set jit = on");
  EXPECT_EQ(0, pgsluice({"load", one, "-t", "t", "-d", url()}).exit_code);
  EXPECT_EQ(0, pgsluice({"load", two, "-t", "t", "-d", url(), "--writer", "insert", "--chunk-size",
                         "1KiB"})
                   .exit_code);
  db().run("alter database " + database + " set jit = off");
  EXPECT_EQ(0, pgsluice({"load", three, "-t", "t", "-d", url()}).exit_code);
  EXPECT_EQ(
      0, pgsluice({"load", three, "-t", "t", "-d", url(), "--again", "--set", "jit=on"}).exit_code);
  EXPECT_EQ("1 on,2 on,3 off,3 on",
            db().value("select string_agg(id || ' ' || jit, ',' order by id, jit) from t"));
}

}  // namespace
}  // namespace sluice::test
