#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>
#include <vector>

#include "serve/server.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Serve, AnUploadIsCommittedWhenItIsAnswered) {
  start();
  const auto answer = upload(rows(1, 100));
  EXPECT_EQ(201, answer.status) << answer.body;
  EXPECT_EQ(100, count());
  const auto json = json_of(answer);
  EXPECT_EQ("stored", json["status"]);
  EXPECT_EQ(100, json["rows_stored"]);
  EXPECT_EQ("public.t", json["table"]);
  const std::string location = answer.header("location");
  EXPECT_EQ("/v1/loads/" + std::to_string(json["load"].get<int>()), location);
  const auto shown = call("GET", location);
  EXPECT_EQ(200, shown.status);
  EXPECT_EQ("finished", json_of(shown)["state"]);

  const auto again = upload(rows(1, 100));
  EXPECT_EQ(200, again.status) << again.body;
  EXPECT_EQ("nothing to do", json_of(again)["status"]);
  EXPECT_EQ(100, count());
  EXPECT_EQ(1, finished_loads());
}

TEST_F(Serve, ABadRecordIsNamed) {
  start();
  const auto answer = upload("a,b\n1,x\nzwei,y\n");
  EXPECT_EQ(422, answer.status) << answer.body;
  EXPECT_EQ("application/problem+json", answer.header("content-type"));
  const auto json = json_of(answer);
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_EQ(3, json["record"]["line"]);
  EXPECT_EQ("a", json["record"]["column"]);
  EXPECT_EQ("zwei", json["record"]["value"]);
  EXPECT_EQ(0, count());
}

TEST_F(Serve, AFileHasTheNameThatItsSenderSays) {
  start();
  const HttpHeaders named{{"Content-Disposition", "attachment; filename=\"C:\\\\Μάιος.csv\""}};
  EXPECT_EQ(201, upload("a\n1\n2\n", "?add=b%3D:file", named).status);
  EXPECT_EQ("Μάιος.csv", json_of(call("GET", "/v1/loads"))["loads"][0]["source"]);
  EXPECT_EQ("Μάιος.csv", db().value("select min(b) from t"));
  const HttpHeaders zip{{"Content-Disposition", "attachment; filename=a.zip"}};
  EXPECT_THAT(upload(std::string("PK\3\4") + std::string(40, '\0'), "", zip).body,
              HasSubstr("a.zip: a zip has its directory at its end"));
  const std::string sheet = piped("cat > mimetype; zip -q a.ods mimetype; cat a.ods",
                                  "application/vnd.oasis.opendocument.spreadsheet");
  const HttpHeaders ods{{"Content-Disposition", "attachment; filename=a.ods"}};
  EXPECT_THAT(upload(sheet, "", ods).body, HasSubstr("a.ods: is a spreadsheet (ods)"));
  EXPECT_EQ(201, upload(rows(3, 2)).status);
  EXPECT_EQ("upload", json_of(call("GET", "/v1/loads"))["loads"][0]["source"]);
}

/// One that is short enough to be stored and entered by one transaction, too.
TEST_F(Serve, WhatIsStoredIsKnownHoweverItCame) {
  start();
  const TemporaryFolder folder;
  const std::string file = folder.write("x.csv", rows(1, 10));
  EXPECT_EQ(0, pgsluice({"load", file, "-t", "t", "-d", url()}).exit_code);
  EXPECT_EQ(200, upload(rows(1, 10)).status) << "it was a file";
  const std::string body = rows(11, 10);
  const auto without_length = [&] {
    HttpCall call(address());
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    call.send(
        "POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        "Transfer-Encoding: chunked\r\n\r\n" +
        (size + body) + "\r\n0\r\n\r\n");
    return call.answer().status;
  };
  EXPECT_EQ(201, without_length());
  EXPECT_EQ(200, upload(body).status) << "it had no length";
  EXPECT_EQ(201, upload(rows(21, 10)).status);
  EXPECT_EQ(
      0, pgsluice({"load", folder.write("y.csv", rows(21, 10)), "-t", "t", "-d", url()}).exit_code);
  EXPECT_EQ(30, count()) << "it was an upload";
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(Serve, OneContentThatComesAtOnceIsStoredOnce) {
  constexpr int senders = 8;
  start({"--max-loads", "8"});
  const std::string body = rows(1, 100);
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> stored = 0;
    {
      std::vector<std::jthread> all;
      for (int i = 0; i < senders; ++i)
        all.emplace_back([&] {
          const auto answer = upload(body);
          EXPECT_THAT(answer.status, ::testing::AnyOf(200, 201, 409)) << answer.body;
          if (answer.status == 201) ++stored;
        });
    }
    EXPECT_EQ(round == 0 ? 1 : 0, stored);
  }
  EXPECT_EQ(100, count());
  EXPECT_EQ(1, finished_loads());
}

TEST_F(Serve, BadRecordsAreKept) {
  start();
  const std::string body = "a,b\n1,x\nzwei,y\n";
  const auto answer = upload(body, "?max_rejects=5");
  EXPECT_EQ(201, answer.status) << answer.body;
  EXPECT_EQ(1, json_of(answer)["rows_rejected"]);
  EXPECT_EQ(3, json_of(answer)["exit_code"]);
  EXPECT_EQ(1, count());
  const auto records = call("GET", answer.header("location") + "/rejects.csv");
  EXPECT_EQ(200, records.status);
  EXPECT_EQ("a,b\nzwei,y\n", records.body);
  const auto reasons = call("GET", answer.header("location") + "/rejects.jsonl");
  EXPECT_EQ("22P02", json_of(reasons)["sqlstate"]) << reasons.body;
  const auto good = upload("a,b\n7,x\n", "?max_rejects=5");
  EXPECT_EQ(201, good.status);
  EXPECT_EQ(404, call("GET", good.header("location") + "/rejects.csv").status);
  // The ledger may name anything.
  db().run("update pgsluice.loads set rejects_path = '/etc/passwd'");
  EXPECT_EQ(404, call("GET", answer.header("location") + "/rejects.csv").status);
  db().run("update pgsluice.loads set rejects_path = '../../etc/passwd'");
  EXPECT_EQ(404, call("GET", answer.header("location") + "/rejects.csv").status);
}

TEST_F(Serve, FlagsAreInTheQuery) {
  start();
  EXPECT_EQ(201, upload("a;b\n1;x\n2;\\N\n", "?delimiter=%3B&null=%5CN").status);
  EXPECT_EQ("1", db().value("select count(*) from t where b is null"));
  const auto update = upload("a,b\n1,new\n3,more\n", "?on_conflict=update");
  EXPECT_EQ(201, update.status) << update.body;
  EXPECT_EQ("new", db().value("select b from t where a = 1"));
  const auto dry = upload("a,b\n4,x\n", "?dry_run=true");
  EXPECT_EQ(200, dry.status) << dry.body;
  EXPECT_EQ(3, count());
}

TEST_F(Serve, WhatIsWrongHasItsStatus) {
  start();
  const HttpHeaders csv{{"Content-Type", "text/csv"}};
  const auto status = [&](const std::string& method, const std::string& target,
                          const HttpHeaders& headers) {
    const auto answer = call(method, target, method == "POST" ? "a,b\n1,x\n" : "", headers);
    EXPECT_EQ("application/problem+json", answer.header("content-type")) << target;
    EXPECT_EQ(answer.status, json_of(answer)["status"]) << target;
    return answer.status;
  };
  EXPECT_EQ(404, status("POST", "/v1/tables/nix/loads", csv));
  EXPECT_EQ(404, status("POST", "/v1/tables/nix.t/loads", csv));
  EXPECT_EQ(400, status("POST", "/v1/tables/a%20b/loads", csv));
  EXPECT_EQ(400, status("POST", "/v1/tables/..%2Fetc/loads", csv));
  EXPECT_EQ(400, status("POST", "/v1/tables/t/loads?on_conflikt=update", csv));
  EXPECT_EQ(400, status("POST", "/v1/tables/t/loads?on_conflict=upsert", csv));
  EXPECT_EQ(403, status("POST", "/v1/tables/t/loads?truncate", csv));
  EXPECT_EQ(415, status("POST", "/v1/tables/t/loads", {}));
  EXPECT_EQ(415, status("POST", "/v1/tables/t/loads", {{"Content-Type", "text/plain"}}));
  EXPECT_EQ(415, status("POST", "/v1/tables/t/loads",
                        {{"Content-Type", "text/csv"}, {"Content-Encoding", "br"}}));
  EXPECT_EQ(405, status("GET", "/v1/tables/t/loads", {}));
  EXPECT_EQ(405, status("POST", "/v1/loads", csv));
  EXPECT_EQ(404, status("GET", "/nothing", {}));
  EXPECT_EQ(404, status("GET", "/v1/loads/7", {}));
  EXPECT_EQ(404, status("GET", "/v1/loads/7x", {}));
  EXPECT_EQ(404, status("DELETE", "/v1/loads/7", {}));
  EXPECT_EQ(400, status("GET", "/v1/loads?count=0", {}));
  EXPECT_EQ(400, status("GET", "/v1/loads?state=done", {}));
  EXPECT_THAT(call("POST", "/v1/tables/t/loads?on_conflikt=update", "a\n", csv).body,
              HasSubstr("did you mean on_conflict?"));
  EXPECT_EQ("POST", call("GET", "/v1/tables/t/loads").header("allow"));
  EXPECT_EQ(0, count());
}

TEST_F(Serve, ACheckKeepsNothing) {
  start();
  const auto answer =
      call("POST", "/v1/tables/t/check", "a,b\n1,x\nzwei,y\n", {{"Content-Type", "text/csv"}});
  EXPECT_EQ(200, answer.status) << answer.body;
  const auto json = json_of(answer);
  EXPECT_EQ("checked", json["status"]);
  EXPECT_EQ(1, json["rows_rejected"]);
  EXPECT_EQ(3, json["rejects"][0]["line"]);
  EXPECT_EQ(0, count());
}

TEST_F(Serve, PackedAndInChunks) {
  start();
  const std::string packed = piped("gzip", rows(1, 1000));
  EXPECT_EQ(201, upload(packed, "", {{"Content-Encoding", "gzip"}}).status);
  HttpCall call(address());
  call.send(
      "POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string text = rows(1001, 1000);
  for (std::size_t at = 0; at < text.size(); at += 777) {
    const std::string part = text.substr(at, 777);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", part.size());
    call.send(size + part + "\r\n");
  }
  call.send("0\r\n\r\n");
  EXPECT_EQ(201, call.answer().status);
  EXPECT_EQ(2000, count());
}

TEST_F(Serve, OneConnectionServesOneUploadAfterTheOther) {
  start();
  HttpCall call(address());
  for (int i = 0; i < 3; ++i) {
    const std::string body = rows(i * 10, 10);
    call.send(head(body.size()) + body);
    EXPECT_EQ(201, call.answer().status);
  }
  // Two requests at once are answered in their order.
  const std::string body = rows(1000, 10);
  call.send(head(body.size()) + body + "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(201, call.answer().status);
  EXPECT_THAT(call.answer().body, HasSubstr("ok"));
  EXPECT_EQ(40, count());
}

TEST_F(Serve, WhoAsksFirstIsToldToGoOnOrNot) {
  start();
  const std::string body = rows(1, 10);
  HttpCall wanted(address());
  wanted.send(head(body.size(), "Expect: 100-continue\r\n"));
  EXPECT_EQ(100, wanted.answer().status);
  wanted.send(body);
  EXPECT_EQ(201, wanted.answer().status);
  HttpCall refused(address());
  refused.send(
      "POST /v1/tables/t/loads?nix HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(400, refused.answer().status);
  EXPECT_TRUE(refused.is_ended()) << "its body would be taken for a request";
}

/// Whatever of a body has come, and however it ends: it is no load that is done.
TEST_F(Serve, AnUploadThatIsCutIsNoLoad) {
  start();
  const std::string body = rows(1, 20);
  for (const bool is_reset : {false, true}) {
    for (std::size_t bytes = 0; bytes < body.size(); bytes += 61) {
      SCOPED_TRACE(bytes);
      {
        HttpCall call(address());
        call.send(head(body.size()) + body.substr(0, bytes));
        if (is_reset) call.reset();
      }
      {
        HttpCall call(address());
        call.send(
            "POST /v1/tables/t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
        if (bytes > 0) call.send("3d\r\n" + body.substr(0, 61) + "\r\n");
        if (is_reset) call.reset();
      }
    }
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
  const auto whole = upload(body);
  EXPECT_EQ(201, whole.status) << whole.body;
  EXPECT_EQ(20, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// The process that loads must not take the end of its parent for the end of the text.
TEST_F(Serve, AServerThatIsKilledLeavesNoLoadThatIsDone) {
  start();
  const std::string body = rows(1, 300'000);
  {
    HttpCall call(address());
    call.send(head(body.size()) + body.substr(0, body.size() / 2));
    ASSERT_TRUE(is_loading());
    server().signal(SIGKILL);
    server().wait();
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
  start();
  const auto whole = upload(body);
  EXPECT_EQ(201, whole.status) << whole.body;
  EXPECT_EQ(300'000, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(Serve, BytesThatAreNotThoseOfTheirDigestAreNoLoad) {
  start();
  const std::string body = "a,b\n1,x\n";
  const std::string computed =
      output_of("printf 'a,b\\n1,x\\n' | openssl dgst -sha256 -binary | base64");
  const std::string field = "sha-256=:" + computed.substr(0, 44) + ":";
  const auto wrong = upload("a,b\n1,y\n", "", {{"Content-Digest", field}});
  EXPECT_EQ(400, wrong.status) << wrong.body;
  // One that is not known is none; and each that is counts.
  EXPECT_EQ(400, upload(body, "", {{"Content-Digest", "md5=:MTIz:"}}).status);
  EXPECT_EQ(400,
            upload("a,b\n1,z\n", "",
                   {{"Content-Digest", "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"},
                    {"Repr-Digest", field}})
                .status);
  EXPECT_EQ(0, finished_loads());
  EXPECT_EQ(0, count());
  EXPECT_EQ(201, upload(body, "", {{"Repr-Digest", field}}).status);
  EXPECT_EQ(1, count());
}

/// Of many chunks none may stay, as the right bytes would come beside them.
TEST_F(Serve, OfBytesThatAreNotThoseOfTheirDigestNothingStays) {
  db().run("alter table t drop constraint t_pkey");
  start();
  const std::string text = rows(1, 400'000);
  const TemporaryFolder folder;
  folder.write("x.csv", text);
  const std::string digest =
      output_of("openssl dgst -sha256 -binary < " + (folder / "x.csv") + " | base64").substr(0, 44);
  std::string other = text;
  other[text.find("row 77777")] = 'R';
  const HttpHeaders field{{"Content-Digest", "sha-256=:" + digest + ":"}};
  EXPECT_EQ(400, upload(other, "", field).status);
  EXPECT_EQ(0, count());
  EXPECT_EQ(201, upload(text, "", field).status);
  EXPECT_EQ(400'000, count());
}

/// All or nothing: what is mended comes as if nothing had been sent before.
TEST_F(Serve, WhatIsMendedComesInPlaceOfWhatWasRefused) {
  db().run("alter table t drop constraint t_pkey");
  start();
  const std::string text = rows(1, 400'000);
  for (const char* record : {"\n200,", "\n399999,"}) {
    SCOPED_TRACE(record);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    std::string bad = text;
    bad.insert(bad.find(record) + 1, "x");
    const auto refused = upload(bad, "?atomic");
    EXPECT_EQ(422, refused.status) << refused.body;
    const auto mended = upload(text, "?atomic");
    EXPECT_EQ(201, mended.status) << mended.body;
    EXPECT_EQ(400'000, count());
  }
}

/// Also where nobody waited for its end.
TEST_F(Serve, WhatIsMendedComesInPlaceOfWhatNobodyWaitedFor) {
  db().run("alter table t drop constraint t_pkey");
  start();
  const std::string text = rows(1, 400'000);
  std::string bad = text;
  bad.insert(bad.find("\n200,") + 1, "x");
  const auto answer = upload(bad, "?atomic", {{"Prefer", "respond-async"}});
  if (answer.status == 202) {
    EXPECT_THAT(call("GET", answer.header("location") + "/events").body, HasSubstr("event: end"));
  } else {
    EXPECT_EQ(422, answer.status) << "it may have ended before its number was known";
  }
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.loads where state = 'unfinished'"));
  const auto mended = upload(text, "?atomic");
  EXPECT_EQ(201, mended.status) << mended.body;
  EXPECT_EQ(400'000, count());
}

TEST_F(Serve, ListsWhatWasLoaded) {
  start();
  EXPECT_EQ("[]", json_of(call("GET", "/v1/loads"))["loads"].dump());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(201, upload(rows(i * 10, 10)).status);
  const auto first = json_of(call("GET", "/v1/loads?count=2"));
  EXPECT_EQ(2U, first["loads"].size());
  const auto next = json_of(call("GET", "/v1/loads?count=10&before=" + first["next"].dump()));
  EXPECT_EQ(3U, next["loads"].size());
  EXPECT_TRUE(next["next"].is_null());
  EXPECT_EQ(5U, json_of(call("GET", "/v1/loads?table=public.t&state=finished"))["loads"].size());
  EXPECT_EQ(0U, json_of(call("GET", "/v1/loads?state=unfinished"))["loads"].size());
}

TEST_F(Serve, IsSeenFromOutside) {
  start();
  EXPECT_EQ(200, call("GET", "/healthz").status);
  EXPECT_EQ(200, call("GET", "/readyz").status);
  EXPECT_EQ(200, call("HEAD", "/healthz").status);
  EXPECT_EQ(201, upload(rows(1, 10)).status);
  const auto metrics = call("GET", "/metrics");
  EXPECT_EQ("text/plain; version=0.0.4", metrics.header("content-type"));
  EXPECT_THAT(metrics.body, AllOf(HasSubstr("pgsluice_rows_stored_total 10\n"),
                                  HasSubstr("pgsluice_loads_total{exit_code=\"0\"} 1\n"),
                                  HasSubstr("pgsluice_http_answers_total{status=\"201\"} 1\n")));
}

TEST_F(Serve, WithoutItsDatabaseItLivesAndIsNotReady) {
  start_for("postgresql://127.0.0.1:1/nix");
  EXPECT_EQ(200, call("GET", "/healthz").status);
  EXPECT_EQ(503, call("GET", "/readyz").status);
  const auto answer = upload(rows(1, 10));
  EXPECT_EQ(503, answer.status) << answer.body;
  EXPECT_EQ(4, json_of(answer)["exit_code"]);
  EXPECT_NE("", answer.header("retry-after"));
}

/// Uploads that wait are answered in the end; more than may wait are sent away.
TEST_F(Serve, WhatIsTooMuchIsSentAway) {
  start({"--max-loads", "1", "--max-queue", "1"});
  const std::string body = rows(1, 10);
  HttpCall first(address());
  first.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  const std::string other = rows(100, 10);
  HttpCall second(address());
  second.send(head(other.size()) + other);
  const auto waiting = [this] {
    return call("GET", "/metrics").body.contains("pgsluice_loads_waiting 1\n");
  };
  while (!waiting()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto third = upload(rows(200, 10));
  EXPECT_EQ(503, third.status);
  EXPECT_EQ("5", third.header("retry-after"));
  first.send(body.substr(20));
  EXPECT_EQ(201, first.answer().status);
  EXPECT_EQ(201, second.answer().status);
  EXPECT_EQ(20, count());
}

TEST_F(Serve, WhoPrefersDoesNotWait) {
  db().run(
      "create function slow() returns trigger language plpgsql as $$ begin if new.a = 40000 "
      "then perform pg_advisory_xact_lock(77); end if; return new; end $$;"
      "create trigger slow before insert on t for each row execute function slow();"
      "select pg_advisory_lock(77)");
  start();
  const auto answer = upload(rows(1, 200'000), "", {{"Prefer", "respond-async"}});
  EXPECT_EQ(202, answer.status) << answer.body;
  const std::string location = answer.header("location");
  ASSERT_NE("", location);
  EXPECT_EQ("unfinished", json_of(call("GET", location))["state"]);
  HttpCall follower(address());
  follower.send("GET " + location + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE("", follower.read_until("event: progress"));
  db().run("select pg_advisory_unlock(77)");
  EXPECT_NE("", follower.read_until("event: end"));
  EXPECT_THAT(follower.read_until("\n\n"), HasSubstr("\"rows_stored\":200000"));
  EXPECT_EQ(200'000, count());
  EXPECT_THAT(call("GET", location + "/events").body, HasSubstr("event: end"));
}

/// Who was answered before it ended hears later why it did not end well.
TEST_F(Serve, HowALoadEndedIsToldLater) {
  start();
  const auto answer = upload("a,b\n1,x\nzwei,y\n", "", {{"Prefer", "respond-async"}});
  if (answer.status != 202) {
    EXPECT_EQ(422, answer.status) << "it had ended already";
  }
  const std::string location = answer.header("location");
  ASSERT_NE("", location);
  nlohmann::json load;
  ASSERT_TRUE(is_seen([&] {
    load = json_of(call("GET", location));
    return load.contains("ended");
  }));
  EXPECT_EQ("zwei", load["ended"]["record"]["value"]) << load;
  EXPECT_THAT(call("GET", location + "/events").body, HasSubstr("\"value\":\"zwei\""));
  EXPECT_EQ(201, upload("a,b\n1,x\n2,y\n").status);
}

TEST_F(Serve, ACharsetIsHeard) {
  start();
  const HttpHeaders latin{{"Content-Type", "text/csv; header=present; charset=\"ISO-8859-1\""}};
  const auto stored = call("POST", "/v1/tables/public.t/loads", "a,b\n1,\xfc\n", latin);
  EXPECT_EQ(201, stored.status) << stored.body;
  EXPECT_EQ("ü", db().value("select b from t"));
  const HttpHeaders none{{"Content-Type", "text/csv; charset=klingon"}};
  const auto refused = call("POST", "/v1/tables/public.t/loads", "a,b\n2,x\n", none);
  EXPECT_EQ(400, refused.status);
  EXPECT_THAT(refused.body, HasSubstr("klingon"));
}

TEST_F(Serve, ALoadIsCancelledAndGoesOnLater) {
  db().run(
      "create function slow() returns trigger language plpgsql as $$ begin if new.a = 190000 "
      "then perform pg_advisory_xact_lock(77); end if; return new; end $$;"
      "create trigger slow before insert on t for each row execute function slow();"
      "select pg_advisory_lock(77)");
  start();
  const std::string body = rows(1, 200'000);
  const auto answer = upload(body, "", {{"Prefer", "respond-async"}});
  EXPECT_EQ(202, answer.status) << answer.body;
  const auto cancelled = call("DELETE", answer.header("location"));
  EXPECT_EQ(200, cancelled.status) << cancelled.body;
  EXPECT_EQ(143, json_of(cancelled)["exit_code"]);
  EXPECT_EQ(409, call("DELETE", answer.header("location")).status);
  EXPECT_EQ(0, finished_loads());
  db().run("select pg_advisory_unlock(77)");
  const auto whole = upload(body);
  EXPECT_EQ(201, whole.status) << whole.body;
  EXPECT_EQ(200'000, count());
}

/// Who uploads is told so, and not to try again.
TEST_F(Serve, WhoIsCancelledHearsIt) {
  start();
  const std::string body = rows(1, 200'000);
  HttpCall call(address());
  call.send(head(body.size() + 10) + body);
  ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.chunks"));
  const std::string id = db().value("select max(load_id) from pgsluice.loads");
  EXPECT_EQ(200, this->call("DELETE", "/v1/loads/" + id).status);
  const auto answer = call.answer();
  EXPECT_EQ(409, answer.status) << answer.body;
  EXPECT_EQ("", answer.header("retry-after"));
  EXPECT_THAT(answer.body, HasSubstr("stopped by DELETE"));
}

TEST_F(Serve, WhoWaitsAtTheEndIsSentAway) {
  start({"--max-loads", "1"});
  const std::string body = rows(1, 10);
  HttpCall first(address());
  first.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  HttpCall second(address());
  const std::string other = rows(100, 10);
  second.send(head(other.size()) + other);
  while (!call("GET", "/metrics").body.contains("pgsluice_loads_waiting 1\n"))
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  server().signal(SIGTERM);
  EXPECT_EQ(503, second.answer().status);
  first.send(body.substr(20));
  EXPECT_EQ(201, first.answer().status);
  EXPECT_EQ(0, server().wait().exit_code);
  EXPECT_EQ(10, count());
}

TEST_F(Serve, SigtermLetsUploadsEnd) {
  start();
  const std::string body = rows(1, 10);
  HttpCall idle(address());
  HttpCall call(address());
  call.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  server().signal(SIGTERM);
  ASSERT_TRUE(server().says("stopping"));
  EXPECT_TRUE(idle.is_ended());
  call.send(body.substr(20));
  EXPECT_EQ(201, call.answer().status);
  EXPECT_EQ(0, server().wait().exit_code);
  EXPECT_EQ(10, count());
}

TEST_F(Serve, AnotherSignalStopsUploads) {
  start();
  const std::string body = rows(1, 10);
  HttpCall call(address());
  call.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  server().signal(SIGTERM);
  ASSERT_TRUE(server().says("stopping"));
  server().signal(SIGTERM);
  EXPECT_EQ(143, server().wait().exit_code);
  EXPECT_EQ(0, finished_loads());
  EXPECT_TRUE(no_session_left());
}

}  // namespace
}  // namespace sluice::test
