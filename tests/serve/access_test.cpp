#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "serve/server.hpp"
#include "support/authority.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ServeAccess : public ServeWithTokens {};

TEST_F(ServeAccess, ATokenSaysWhoMay) {
  db().run("create schema raw; create table raw.x (a int, b text)");
  start({"--tokens", tokens(line("all", "- * truncate") + line("some", "- raw.* -"))});
  const std::string body = "a,b\n1,x\n";
  EXPECT_EQ(401, upload(body).status);
  EXPECT_EQ("Bearer", upload(body).header("www-authenticate"));
  for (const char* wrong : {"", "all", "all-tokeN", "all-token x", "all-token,some-token"})
    EXPECT_EQ(401, upload(body, "", as(wrong)).status) << wrong;
  EXPECT_EQ(401, upload(body, "", {{"Authorization", "Basic all-token"}}).status);
  EXPECT_EQ(401, call("GET", "/v1/loads").status);
  EXPECT_EQ(401, call("GET", "/metrics").status);
  EXPECT_EQ(200, call("GET", "/healthz").status);
  EXPECT_EQ(201, upload(body, "", as("all-token")).status);
  EXPECT_EQ(403, upload("a,b\n2,x\n", "", as("some-token")).status);
  EXPECT_EQ(403, upload("a,b\n2,x\n", "?truncate", as("some-token")).status);
  HttpHeaders csv = as("some-token");
  csv.emplace_back("Content-Type", "text/csv");
  EXPECT_EQ(403, call("POST", "/v1/tables/x/loads", body, csv).status) << "of which schema?";
  EXPECT_EQ(201, call("POST", "/v1/tables/raw.x/loads", body, csv).status);
  EXPECT_EQ(201, upload("a,b\n2,x\n", "?truncate", as("all-token")).status);
  EXPECT_EQ(1, count());
  // Each sees the loads of its tables.
  EXPECT_EQ(3U, json_of(call("GET", "/v1/loads", "", as("all-token")))["loads"].size());
  EXPECT_EQ(1U, json_of(call("GET", "/v1/loads", "", as("some-token")))["loads"].size());
  EXPECT_EQ(404, call("GET", "/v1/loads/1", "", as("some-token")).status);
  EXPECT_EQ(404, call("GET", "/v1/loads/1/events", "", as("some-token")).status);
  EXPECT_EQ(404, call("DELETE", "/v1/loads/1", "", as("some-token")).status);
  EXPECT_THAT(server().err_so_far(), Not(HasSubstr("-token")));
  EXPECT_THAT(server().err_so_far(), HasSubstr(" some POST /v1/tables/raw.x/loads 201"));
}

/// PostgreSQL would cut a longer name, and find a table that a pattern has not seen.
TEST_F(ServeAccess, NamesThatTheServerWouldCutAreRefused) {
  const std::string longest(63, 'x');
  db().run("create schema raw; create table raw." + longest + " (a int, b text)");
  start({"--tokens", tokens(line("some", "- raw.*_in -"))});
  HttpHeaders csv = as("some-token");
  csv.emplace_back("Content-Type", "text/csv");
  const auto status = [&](const std::string& table) {
    return call("POST", "/v1/tables/raw." + table + "/loads", "a,b\n1,x\n", csv).status;
  };
  EXPECT_EQ(403, status(longest));
  EXPECT_EQ(400, status(longest + "_in"));
  EXPECT_EQ(0, db().number("select count(*) from raw." + longest));
}

TEST_F(ServeAccess, APageOfARestrictedTokenLosesNoLoad) {
  db().run("create schema raw; create table raw.x (a int, b text)");
  start({"--tokens", tokens(line("all", "- * -") + line("some", "- raw.* -"))});
  HttpHeaders csv = as("all-token");
  csv.emplace_back("Content-Type", "text/csv");
  for (int i = 0; i < 12; ++i) {
    const std::string table = i % 3 == 0 ? "raw.x" : "public.t";
    EXPECT_EQ(201, call("POST", "/v1/tables/" + table + "/loads", rows(i, 1), csv).status);
  }
  std::vector<int> seen;
  std::string before;
  for (int page = 0; page < 20; ++page) {
    const auto json = json_of(call("GET", "/v1/loads?count=1" + before, "", as("some-token")));
    for (const auto& load : json["loads"]) seen.push_back(load["load"]);
    if (json["next"].is_null()) break;
    before = "&before=" + json["next"].dump();
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(10, 7, 4, 1));
}

/// However slowly its uploads come, the others are served.
TEST_F(ServeAccess, NoTokenHasAllTurns) {
  start({"--max-loads", "2", "--max-queue", "4", "--tokens",
         tokens(line("slow", "- * -") + line("quick", "- * -") + line("sees", "- - -"))});
  const std::string body = rows(1, 10);
  const auto send = [&](const char* token) {
    auto call = std::make_unique<HttpCall>(address());
    call->send(head(body.size(), std::string("Authorization: Bearer ") + token + "-token\r\n") +
               body.substr(0, 20));
    return call;
  };
  std::vector<std::unique_ptr<HttpCall>> slow;
  slow.push_back(send("slow"));
  ASSERT_TRUE(is_loading());
  const auto waiting = [this](int count) {
    return is_seen([&] {
      return call("GET", "/metrics", "", as("quick-token"))
          .body.contains("pgsluice_loads_waiting " + std::to_string(count) + "\n");
    });
  };
  for (int i = 0; i < 2; ++i) slow.push_back(send("slow"));
  ASSERT_TRUE(waiting(2));
  EXPECT_EQ(503, upload(rows(50, 1), "", as("slow-token")).status) << "half of the places";
  EXPECT_EQ(201, upload(rows(100, 10), "", as("quick-token")).status);
  EXPECT_EQ(10, count());
  HttpHeaders csv = as("sees-token");
  csv.emplace_back("Content-Type", "text/csv");
  EXPECT_EQ(403, call("POST", "/v1/inspect", body, csv).status);
  slow.clear();
}

/// Who goes on sending behind a refusal keeps nobody out.
TEST_F(ServeAccess, WhoIsRefusedMakesRoom) {
  start({"--max-connections", "3", "--tokens", tokens(line("all", "- * -"))});
  std::vector<std::unique_ptr<HttpCall>> refused;
  for (int i = 0; i < 3; ++i) {
    refused.push_back(std::make_unique<HttpCall>(address()));
    refused.back()->send(head(1'000'000) + "a,b\n");
    EXPECT_EQ(401, refused.back()->answer().status);
  }
  EXPECT_EQ(200, call("GET", "/healthz").status);
}

/// A page of what is in the database ends before it is long.
TEST_F(ServeAccess, APageIsNoLongerThanItMayBe) {
  start();
  EXPECT_EQ(201, upload(rows(1, 1)).status);
  db().run(
      "update pgsluice.loads set options = options || jsonb_build_object('null', "
      "repeat('x', 20000)); insert into pgsluice.loads overriding system value select "
      "(jsonb_populate_record(l, "
      "jsonb_build_object('load_id', n, 'fingerprint', md5(n::text)))).* from pgsluice.loads "
      "l, generate_series(2, 60) n");
  std::size_t seen = 0;
  std::string before;
  do {
    const auto page = call("GET", "/v1/loads?count=1000" + before);
    ASSERT_EQ(200, page.status) << page.body;
    EXPECT_LT(page.body.size(), 320U * 1024);
    const auto json = json_of(page);
    seen += json["loads"].size();
    before = json["next"].is_null() ? "" : "&before=" + std::to_string(json["next"].get<int>());
  } while (!before.empty());
  EXPECT_EQ(60U, seen);
}

TEST_F(ServeAccess, TokensAreReadAgain) {
  const std::string path = tokens(line("old", "- * -"));
  start({"--tokens", path});
  EXPECT_EQ(200, call("GET", "/v1/loads", "", as("old-token")).status);
  tokens("nonsense\n");
  server().signal(SIGHUP);
  ASSERT_TRUE(server().says("not reloaded"));
  EXPECT_EQ(200, call("GET", "/v1/loads", "", as("old-token")).status);
  tokens(line("new", "- * -"));
  server().signal(SIGHUP);
  ASSERT_TRUE(server().says("Z reloaded"));
  EXPECT_EQ(401, call("GET", "/v1/loads", "", as("old-token")).status);
  EXPECT_EQ(200, call("GET", "/v1/loads", "", as("new-token")).status);
}

/// PostgreSQL decides what a token's role may do.
TEST_F(ServeAccess, ARoleDecides) {
  const std::string role = "serve_role_" + std::to_string(::getpid());
  db().run("create role " + role);
  // The ledger is made by who may.
  start();
  EXPECT_EQ(201, upload(rows(1, 1)).status);
  start({"--tokens", tokens(line("weak", role + " * -"))});
  const auto refused = upload("a,b\n2,x\n", "", as("weak-token"));
  EXPECT_EQ(403, refused.status) << refused.body;
  EXPECT_EQ(1, count());
  db().run("grant usage on schema pgsluice to " + role +
           "; grant select, insert, update on all tables in schema pgsluice to " + role +
           "; grant usage on all sequences in schema pgsluice to " + role);
  EXPECT_EQ(403, upload("a,b\n2,x\n", "", as("weak-token")).status);
  db().run("grant insert on t to " + role);
  const auto allowed = upload("a,b\n2,x\n", "", as("weak-token"));
  EXPECT_EQ(201, allowed.status) << allowed.body;
  EXPECT_EQ(2, count());
  // A role that is not there is not there later either, and where the database is nobody says.
  start({"--tokens", tokens(line("weak", "serve_no_role * -"))});
  const auto none = upload("a,b\n3,x\n", "", as("weak-token"));
  EXPECT_EQ(403, none.status) << none.body;
  EXPECT_THAT(none.body, HasSubstr("the role of this token cannot be taken on"));
  EXPECT_THAT(none.body, Not(HasSubstr("127.0.0.1")));
  EXPECT_TRUE(server().says("serve_no_role"));
  server().signal(SIGTERM);
  server().wait();
  db().run("drop owned by " + role + "; drop role " + role);
}

/// A browser on this machine shows a page of somebody else's.
TEST_F(ServeAccess, APageOfAnotherSiteIsSentAway) {
  start();
  const auto status = [this](const std::string& host, const std::string& more) {
    HttpCall call(address());
    const std::string body = "a,b\n1,x\n";
    call.send("POST /v1/tables/t/loads HTTP/1.1\r\nContent-Type: text/csv\r\nHost: " + host +
              "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return call.answer().status;
  };
  EXPECT_EQ(421, status("evil.example", ""));
  EXPECT_EQ(421, status("localhost.evil.example:80", ""));
  EXPECT_EQ(403, status("localhost", "Sec-Fetch-Site: cross-site\r\n"));
  EXPECT_EQ(403, status("localhost", "Sec-Fetch-Site: same-site\r\n"));
  EXPECT_EQ(0, count());
  EXPECT_EQ(201, status("127.0.0.1:99", "Sec-Fetch-Site: same-origin\r\n"));
  HttpCall preflight(address());
  preflight.send(
      "OPTIONS /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil\r\n\r\n");
  const auto answer = preflight.answer();
  EXPECT_EQ(405, answer.status);
  EXPECT_EQ("", answer.header("access-control-allow-origin"));
}

TEST_F(ServeAccess, WhatIsOpenToOthersWantsTokensAndTls) {
  const auto refused = [this](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"serve", "-d", url()});
    const Finished finished = pgsluice(flags);
    EXPECT_EQ(2, finished.exit_code) << finished.err;
    return finished.err;
  };
  const std::string path = tokens(line("a", "- * -"));
  EXPECT_THAT(refused({"--listen", "0.0.0.0:0"}), HasSubstr("--tokens says who may load"));
  EXPECT_THAT(refused({"--listen", "0.0.0.0:0", "--tokens", path}), HasSubstr("--tls-cert"));
  EXPECT_THAT(refused({"--listen", "0.0.0.0:0", "--behind-proxy"}), HasSubstr("--tokens"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--behind-proxy"}), HasSubstr("--tokens"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--allow", "where", "--tokens", path}),
              HasSubstr("each line says its flags"));
  EXPECT_THAT(refused({"--listen", "nix"}), HasSubstr("write 127.0.0.1:8432"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:99999"}), HasSubstr("write 127.0.0.1:8432"));
  EXPECT_THAT(refused({"--listen", "127.x:1"}), HasSubstr("no address of an interface"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--tls-cert", "x"}),
              HasSubstr("belong together"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--tokens", path + "nix"}),
              HasSubstr("cannot be read"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--tokens", tokens("# nobody\n")}),
              HasSubstr("has no line"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--allow", "after_sql"}), HasSubstr("--allow"));
  EXPECT_THAT(refused({"--listen", "127.0.0.1:0", "--tls-cert", path, "--tls-key", path}),
              HasSubstr("--tls-cert " + path));
}

TEST_F(ServeAccess, FlagsAreAllowedByName) {
  start({"--allow", "truncate,where"});
  EXPECT_EQ(201, upload("a,b\n1,x\n2,y\n", "?truncate&where=a%20%3E%201").status);
  EXPECT_EQ(1, count());
  EXPECT_EQ(403, upload("a,b\n3,x\n", "?create").status);
}

/// What a proxy may have read otherwise, or what takes without giving, is refused; nothing is
/// loaded, and the server goes on.
TEST_F(ServeAccess, HostileRequestsLeaveNothingBehind) {
  start();
  const std::string line = "POST /v1/tables/t/loads HTTP/1.1\r\n";
  const std::string csv = "Content-Type: text/csv\r\n";
  const std::string host = "Host: localhost\r\n";
  const std::string smuggled = "5\r\na,b\n1\r\n0\r\n\r\n";
  struct Case {
    std::string request;
    std::vector<int> statuses;  ///< 0: the connection ends without an answer
  };
  const std::vector<Case> cases{
      {line + host + csv + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled,
       {400}},
      {line + host + csv + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + smuggled,
       {400}},
      {line + host + csv + "Content-Length: 4\r\nContent-Length: 5\r\n\r\na,b\n1", {400}},
      {line + host + csv + "Content-Length: +4\r\n\r\na,b\n", {400}},
      {line + host + csv + "Content-Length: -1\r\n\r\n", {400}},
      {line + host + csv + "Content-Length: 99999999999999999999999\r\n\r\n", {400}},
      {line + host + csv + "Transfer-Encoding: gzip, chunked\r\n\r\n" + smuggled, {400, 501}},
      {line + host + csv + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled, {400, 501}},
      {line + host + csv + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" +
           smuggled,
       {400, 501}},
      {"POST /v1/tables/t/loads HTTP/1.0\r\n" + host + csv + "Transfer-Encoding: chunked\r\n\r\n" +
           smuggled,
       {400}},
      {line + host + csv + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", {400}},
      {line + host + csv + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\na", {400}},
      {line + host + csv + "Transfer-Encoding: chunked\r\n\r\n-5\r\na,b\n1\r\n0\r\n\r\n", {400}},
      {line + host + host + csv + "Content-Length: 4\r\n\r\na,b\n", {400}},
      {line + csv + "Content-Length: 4\r\n\r\na,b\n", {400}},
      {line + host + csv + csv + "Content-Length: 4\r\n\r\na,b\n", {400}},
      {line + host + "Content-Type : text/csv\r\nContent-Length: 4\r\n\r\na,b\n", {400}},
      {line + host + csv + "X: a\r\n folded: b\r\nContent-Length: 4\r\n\r\na,b\n", {400, 201, 422}},
      {line + host + csv + "X: " + std::string(20'000, 'x') + "\r\n\r\n", {431}},
      {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n" + host + "\r\n", {431}},
      {"GET /healthz HTTP/2.0\r\n" + host + "\r\n", {400}},
      {"GET /healthz\r\n\r\n", {400}},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}},
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), {400, 0}},
      {std::string(100'000, '\0'), {400, 431}},
      {"GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", {400}},
      {"GET http://other/healthz HTTP/1.1\r\n" + host + "\r\n", {421}},
      {"CONNECT other:80 HTTP/1.1\r\n" + host + "\r\n", {400}},
      {"TRACE /healthz HTTP/1.1\r\n" + host + "\r\n", {405}},
      {line + host + csv + "Expect: 200-ok\r\nContent-Length: 4\r\n\r\na,b\n", {417}},
  };
  for (const Case& hostile : cases) {
    SCOPED_TRACE(hostile.request.substr(0, 200));
    HttpCall call(address());
    call.send(hostile.request);
    ::shutdown(call.fd(), SHUT_WR);
    const auto answer = call.answer();
    EXPECT_THAT(hostile.statuses, ::testing::Contains(answer.status)) << answer.body;
    EXPECT_EQ(200, this->call("GET", "/healthz").status);
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, count());
}

/// What follows a request whose end nobody knows is none.
TEST_F(ServeAccess, NothingIsReadBehindARequestWithoutAnEnd) {
  start();
  const std::string smuggled = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const char* framing : {"Transfer-Encoding: gzip\r\n", "Transfer-Encoding: identity\r\n",
                              "Content-Length: 0\r\nContent-Length: 0\r\n",
                              "Content-Length: 0\r\nTransfer-Encoding: gzip\r\n"}) {
    SCOPED_TRACE(framing);
    HttpCall call(address());
    call.send("POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n" +
              std::string(framing) + "\r\n" + smuggled);
    ::shutdown(call.fd(), SHUT_WR);
    EXPECT_THAT(call.answer().status, AnyOf(400, 501));
    EXPECT_EQ(0, call.answer().status);
  }
  HttpCall none(address());
  none.send(
      "POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\r\n");
  EXPECT_EQ(411, none.answer().status);
}

/// Whoever is refused hears it, also while the body is held back.
TEST_F(ServeAccess, ARefusalDoesNotWaitForTheBody) {
  start();
  HttpCall call(address());
  call.send("POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(415, call.answer().status);
  HttpCall late(address());
  late.send(
      "POST /v1/tables/nix/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Content-Length: 1000000\r\n\r\na,b\n");
  EXPECT_EQ(404, late.answer().status) << "of the process, which has ended";
}

TEST_F(ServeAccess, ABodyHasALargestSize) {
  start({"--max-body", "100KiB"});
  const std::string body = rows(1, 10'000);
  EXPECT_EQ(413, upload(body).status);
  HttpCall call(address());
  call.send(
      "POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  call.send(size + body + "\r\n0\r\n\r\n");
  EXPECT_EQ(413, call.answer().status);
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
}

TEST_F(ServeAccess, WhoIsSilentIsLeft) {
  start({"--idle-timeout", "1s"});
  HttpCall call(address());
  call.send(head(1000) + "a,b\n1,x\n");
  EXPECT_EQ(0, call.answer().status);
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
  EXPECT_TRUE(server().says("silent for too long"));
}

TEST_F(ServeAccess, TlsAndCertificatesOfClients) {
  const Authority authority;
  const std::vector<std::string> tls{"--tls-cert", authority.certificate(), "--tls-key",
                                     authority.key()};
  start(tls);
  EXPECT_THAT(address(), HasSubstr("https://127.0.0.1:"));
  const std::string curl =
      "curl -sS -o /dev/null -w '%{http_code}' --cacert " + authority.file() + " ";
  EXPECT_EQ("200", output_of(curl + address() + "/healthz"));
  folder_.write("x.csv", rows(1, 1000));
  EXPECT_EQ("201", output_of(curl + "-X POST -H 'Content-Type: text/csv' -T " +
                             (folder_ / "x.csv") + " " + address() + "/v1/tables/t/loads"));
  EXPECT_EQ(1000, count());
  std::vector<std::string> mutual = tls;
  mutual.insert(mutual.end(), {"--client-ca", authority.file()});
  start(mutual);
  EXPECT_THAT(output_of(curl + address() + "/healthz 2>&1 || true"), Not(HasSubstr("200")));
  EXPECT_TRUE(server().says("refused 127.0.0.1: TLS: ")) << "whoever runs it can see why";
  // ... and in a session that is resumed.
  const std::string where = address().substr(std::string("https://").size());
  const std::string session = folder_ / "session";
  const std::string client =
      "(printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n"
      "Connection: close\\r\\n\\r\\n'; sleep 1) | openssl s_client -quiet "
      "-tls1_2 -connect " +
      where + " -cert " + authority.certificate() + " -key " + authority.key();
  EXPECT_THAT(output_of(client + " -sess_out " + session + " 2>/dev/null"), HasSubstr("200 OK"));
  EXPECT_THAT(output_of(client + " -sess_in " + session + " 2>/dev/null || true"),
              HasSubstr("200 OK"));
  EXPECT_EQ("200", output_of(curl + "--cert " + authority.certificate() + " --key " +
                             authority.key() + " " + address() + "/healthz"));
}

/// Who comes behind a SIGHUP sees the new ones; a file that is none changes nothing.
TEST_F(ServeAccess, CertificatesAreReadAgain) {
  const Authority old;
  const Authority other;
  const auto use = [this](const Authority& authority) {
    folder_.write("cert", read_file(authority.certificate()));
    folder_.write("key", read_file(authority.key()));
  };
  const auto sees = [this](const Authority& authority) {
    return output_of("curl -sS -o /dev/null -w '%{http_code}' --cacert " + authority.file() + " " +
                     address() + "/healthz 2>/dev/null || true") == "200";
  };
  use(old);
  start({"--tls-cert", folder_ / "cert", "--tls-key", folder_ / "key"});
  EXPECT_TRUE(sees(old));
  EXPECT_FALSE(sees(other));
  folder_.write("cert", read_file(other.certificate()));
  server().signal(SIGHUP);
  ASSERT_TRUE(server().says("not reloaded: --tls-key")) << "it is the key of another one";
  EXPECT_TRUE(sees(old));
  use(other);
  server().signal(SIGHUP);
  ASSERT_TRUE(server().says("Z reloaded"));
  EXPECT_TRUE(sees(other));
  EXPECT_FALSE(sees(old));
}

/// https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
TEST_F(ServeAccess, ATargetMayNameTheServer) {
  start();
  const auto status = [this](const std::string& target, const std::string& host) {
    HttpCall call(address());
    call.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return call.answer().status;
  };
  EXPECT_EQ(200, status("http://localhost:1/healthz", "localhost"));
  EXPECT_EQ(200, status("http://localhost/v1/loads?count=1", "evil.example"));
  EXPECT_EQ(421, status("http://evil.example/healthz", "localhost"));
  EXPECT_EQ(400, status("http://me@localhost/healthz", "localhost"));
}

/// A byte now and then is not silence, and holds a turn as well.
TEST_F(ServeAccess, WhoSendsTooSlowlyIsLeft) {
  start({"--idle-timeout", "5s", "--min-rate", "1000", "--max-loads", "1"});
  HttpCall call(address());
  call.send(head(1'000'000) + "a,b\n");
  EXPECT_TRUE(is_seen([&call] {
    call.send("1");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::pollfd answered{.fd = call.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&answered, 1, 0) > 0;
  }));
  EXPECT_EQ(408, call.answer().status);
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
  EXPECT_EQ(201, upload(rows(1, 10)).status) << "its turn is free";
}

/// The database is what is slow: nobody asks for bytes meanwhile.
TEST_F(ServeAccess, WhoWaitsForTheDatabaseIsNotTooSlow) {
  start({"--idle-timeout", "3s", "--min-rate", "100000"});
  db().run("begin; lock table t in access exclusive mode");
  HttpCall::Answer answer;
  std::thread sender([&] { answer = upload(rows(1, 200'000)); });
  Session other(url());
  EXPECT_TRUE(is_seen([&other] {
    return other.number(
               "select count(*) from pg_stat_activity where application_name = 'pgsluice' "
               "and datname = current_database() and wait_event_type = 'Lock'") > 0;
  }));
  std::this_thread::sleep_for(std::chrono::seconds(7));  // twice the window
  db().run("commit");
  sender.join();
  EXPECT_EQ(201, answer.status) << answer.body;
  EXPECT_EQ(200'000, count());
}

}  // namespace
}  // namespace sluice::test
