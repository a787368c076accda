#include <csignal>
#include <memory>
#include <sstream>
#include <vector>

#include "serve/server.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/packed.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

HttpHeaders key(const std::string& name) { return {{"Idempotency-Key", name}}; }

TEST_F(Serve, UnderOneKeyOneUploadComes) {
  start({"--allow", "again"});
  db().run("create table n (a int, b text)");
  const auto send = [&](const std::string& body, const std::string& query = "?again",
                        const std::string& table = "public.n") {
    return call("POST", "/v1/tables/" + table + "/loads" + query, body,
                {{"Content-Type", "text/csv"}, {"Idempotency-Key", "\"k-1\""}});
  };
  const auto first = send(rows(1, 10));
  EXPECT_EQ(201, first.status) << first.body;
  start({"--allow", "again"});  // another host would know it too
  const auto second = send(rows(1, 10));
  EXPECT_EQ(201, second.status);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(first.header("location"), second.header("location"));
  EXPECT_EQ("true", second.header("idempotency-replayed"));
  EXPECT_EQ("10", db().value("select count(*) from n"));
  EXPECT_EQ(422, send(rows(2, 10)).status) << "another content";
  EXPECT_EQ(422, send(rows(1, 10), "?again&on_conflict=nothing").status);
  EXPECT_EQ(422, send(rows(1, 10), "?again", "public.t").status);
  EXPECT_EQ("10", db().value("select count(*) from n"));
  EXPECT_EQ(0, count());
  for (const char* none : {"", "a b", "\"\"", "x\"y"})
    if (*none != 0) {
      EXPECT_EQ(400, upload(rows(1, 1), "", key(none)).status) << none;
    }
}

/// Of a large body its first 64 KiB are enough to know it again.
TEST_F(Serve, WhatIsStoredUnderAKeyIsToldBeforeItIsSent) {
  start();
  const std::string body = rows(1, 20'000);
  ASSERT_EQ(201, upload(body, "", key("large")).status);
  HttpCall again(address());
  again.send(head(body.size(), "Idempotency-Key: large\r\n") + body.substr(0, 65'536));
  EXPECT_EQ(201, again.answer().status);
}

TEST_F(Serve, BehindAFailureAKeyIsFree) {
  start();
  EXPECT_EQ(422, upload("a,b\n1,x\nzwei,y\n", "", key("k")).status);
  EXPECT_EQ(201, upload("a,b\n1,x\n2,y\n", "", key("k")).status);
  EXPECT_EQ(2, count());
}

TEST_F(Serve, WhileItRunsAKeyIsTaken) {
  start();
  Gate gate(url(), "t", "a >= 0");
  HttpCall first(address());
  const std::string body = rows(1, 10);
  first.send(head(body.size(), "Idempotency-Key: k\r\n") + body);
  ASSERT_TRUE(gate.is_reached());
  const auto second = upload(body, "", key("k"));
  EXPECT_EQ(409, second.status) << second.body;
  const auto listed = json_of(call("GET", "/v1/loads?idempotency_key=k"));
  ASSERT_EQ(1U, listed["loads"].size()) << listed;
  EXPECT_EQ("unfinished", listed["loads"][0]["state"]);
  gate.open();
  EXPECT_EQ(201, first.answer().status);
  EXPECT_EQ(201, upload(body, "", key("k")).status);
  EXPECT_EQ(10, count());
}

/// Under a key of a request that never had a turn another content may come.
TEST_F(Serve, WhoHasGoneBeforeItsTurnLeavesNoKey) {
  start({"--max-loads", "1"});
  const std::string body = rows(1, 10);
  HttpCall first(address());
  first.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  const std::string other = rows(100, 10);
  const auto keys = [this] { return db().value("select count(*) from pgsluice.uploads"); };
  {
    HttpCall gone(address());
    gone.send(head(other.size(), "Idempotency-Key: k\r\n") + other);
    ASSERT_TRUE(comes_true("select to_regclass('pgsluice.uploads') is not null"));
    ASSERT_TRUE(is_seen([&] { return keys() == "1"; }));
  }
  EXPECT_TRUE(is_seen([&] { return keys() == "0"; }));
  first.send(body.substr(20));
  EXPECT_EQ(201, first.answer().status);
  EXPECT_EQ(201, upload(rows(200, 10), "", key("k")).status);
  EXPECT_EQ(20, count());
}

/// What is killed in the middle is gone on with by the key, and comes once.
TEST_F(Serve, AKeyOutlivesItsServer) {
  start({"--allow", "again"});
  const std::string body = rows(1, 300'000);
  {
    Gate gate(url(), "t", "a >= 200000");
    HttpCall call(address());
    call.send(
        "POST /v1/tables/public.t/loads?again HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "text/csv\r\nIdempotency-Key: k\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, body.size() - 10));
    ASSERT_TRUE(gate.is_reached());
    server().signal(SIGKILL);
    server().wait();
    gate.open();
  }
  ASSERT_TRUE(no_session_left());
  start({"--allow", "again"});
  const auto again = upload(body, "?again", key("k"));
  EXPECT_EQ(201, again.status) << again.body;
  EXPECT_EQ(300'000, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Uploads in parts.
class ServeParts : public Serve {
 protected:
  /// So many rows of a kilobyte each.
  static std::string wide_rows(int count, const std::string& line_end = "\n") {
    const std::string filler(1000, 'x');
    std::string text = "a,b" + line_end;
    for (int i = 0; i < count; ++i)
      text += std::to_string(i) + ",\"" + filler + line_end + "\"" + line_end;
    return text;
  }

  std::string begin(const std::string& query = "", HttpHeaders headers = {}) {
    headers.emplace_back("Content-Type", "text/csv");
    headers.emplace_back("Upload-Complete", "?0");
    const auto begun = call("POST", "/v1/tables/public.t/loads" + query, "", headers);
    EXPECT_EQ(201, begun.status) << begun.body;
    EXPECT_EQ("0", begun.header("upload-offset"));
    return begun.header("location");
  }
  /// Asked until the database has let go of whoever fed it before, which takes a slow machine
  /// longer than a request may.
  std::size_t offset(const std::string& upload) {
    HttpCall::Answer answer;
    EXPECT_TRUE(is_seen([&] {
      HttpCall call(address());
      call.send("HEAD " + upload + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
      answer = call.answer(false);
      return answer.status != 503;
    }));
    EXPECT_EQ(204, answer.status);
    EXPECT_EQ("?0", answer.header("upload-complete"));
    return std::stoul(answer.header("upload-offset"));
  }
  std::string head_of_part(const std::string& upload, std::size_t at, std::size_t bytes,
                           bool is_complete = true) {
    return "PATCH " + upload + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " +
           "application/partial-upload\r\nUpload-Complete: " + (is_complete ? "?1" : "?0") +
           "\r\nUpload-Offset: " + std::to_string(at) +
           "\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
  }
  static std::string hex(std::size_t number) {
    std::ostringstream text;
    text << std::hex << number;
    return text.str();
  }
  HttpCall::Answer go_on(const std::string& upload, const std::string& body, std::size_t at,
                         bool is_complete = true) {
    HttpCall call(address());
    const std::string rest = body.substr(at);
    call.send(head_of_part(upload, at, rest.size(), is_complete) + rest);
    return call.answer();
  }
};

TEST_F(ServeParts, WhereverItIsCutItGoesOn) {
  start();
  const std::string body = wide_rows(12'000);
  const std::string upload = begin();
  std::size_t at = 0;
  std::size_t sent = 0;
  for (std::size_t cut = 300'001; cut < body.size(); cut += 1'700'003) {
    SCOPED_TRACE(cut);
    {
      HttpCall call(address());
      call.send(head_of_part(upload, at, body.size() - at));
      if (cut > at) call.send(body.substr(at, cut - at));
      sent += cut > at ? cut - at : 0;
    }
    const std::size_t now = offset(upload);
    EXPECT_GE(now, at);
    EXPECT_LE(now, cut);
    at = now;
  }
  EXPECT_GT(at, 3'000'000U) << "what is behind the beginning that is kept";
  // What was cut off may be heard only now: who is refused asks again where it is.
  HttpCall::Answer end;
  EXPECT_TRUE(is_seen([&] {
    end = go_on(upload, body, offset(upload));
    return end.status != 409;
  }));
  EXPECT_EQ(201, end.status) << end.body;
  EXPECT_EQ(12'000, json_of(end)["rows_stored"]);
  EXPECT_EQ(12'000, count());
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_EQ("1", db().value("select count(*) from pgsluice.loads where state = 'finished'"));
  // The same content is known as such, however it came.
  EXPECT_EQ(200, this->upload(body).status);
  EXPECT_EQ(0, db().number("select count(beginning) from pgsluice.uploads"));
  // Whoever did not hear the answer asks for it once more.
  const auto again = go_on(upload, body, body.size());
  EXPECT_EQ(201, again.status);
  EXPECT_EQ(end.body, again.body);
}

/// Each of them asks the database; the others are served meanwhile.
TEST_F(ServeParts, ManyMayAskAtOnceHowFarItIs) {
  constexpr int askers = 60;
  start({"--max-loads", "1"});
  const std::string body = wide_rows(5'000);
  const std::string upload = begin();
  {
    HttpCall call(address());
    call.send(head_of_part(upload, 0, body.size()) + body.substr(0, 4'000'000));
    ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.chunks"));
  }
  const std::size_t at = offset(upload);
  std::vector<std::unique_ptr<HttpCall>> asked;
  for (int i = 0; i < askers; ++i) {
    asked.push_back(std::make_unique<HttpCall>(address()));
    asked.back()->send("HEAD " + upload + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  EXPECT_EQ(200, call("GET", "/healthz").status);
  EXPECT_EQ(201, this->upload("a,b\n100000,x\n").status);
  for (const auto& call : asked) {
    const auto answer = call->answer(false);
    EXPECT_EQ(204, answer.status);
    EXPECT_EQ(std::to_string(at), answer.header("upload-offset"));
  }
  EXPECT_EQ(201, go_on(upload, body, at).status);
  EXPECT_EQ(5'001, count());
}

TEST_F(ServeParts, AnotherServerGoesOn) {
  start();
  const std::string body = "\xef\xbb\xbf" + wide_rows(12'000, "\r\n");
  const std::string upload = begin();
  {
    HttpCall call(address());
    call.send(head_of_part(upload, 0, body.size()) + body.substr(0, 9'000'000));
    ASSERT_TRUE(comes_true("select count(*) > 1 from pgsluice.chunks"));
    server().signal(SIGKILL);
    server().wait();
  }
  ASSERT_TRUE(no_session_left());
  start();
  const std::size_t at = offset(upload);
  EXPECT_GT(at, 2'200'000U);
  const auto end = go_on(upload, body, at);
  EXPECT_EQ(201, end.status) << end.body;
  EXPECT_EQ(12'000, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// Numbers of lines go on where they were.
TEST_F(ServeParts, ABadRecordBehindACutIsNamedAsItStands) {
  start();
  std::string body = wide_rows(12'000);
  body += "zwei,y\n";
  const std::string upload = begin("?max_rejects=5");
  {
    HttpCall call(address());
    call.send(head_of_part(upload, 0, body.size()) + body.substr(0, 9'000'000));
    ASSERT_TRUE(comes_true("select count(*) > 2 from pgsluice.chunks"));
  }
  const auto end = go_on(upload, body, offset(upload));
  EXPECT_EQ(201, end.status) << end.body;
  EXPECT_EQ(1, json_of(end)["rows_rejected"]);
  const auto reasons = json_of(call("GET", end.header("location") + "/rejects.jsonl"));
  EXPECT_EQ(24'002, reasons["line"]) << reasons;
  EXPECT_EQ(12'001, reasons["record"]);
  EXPECT_EQ("a,b\nzwei,y\n", call("GET", end.header("location") + "/rejects.csv").body);
}

TEST_F(ServeParts, PartsAreTakenAsTheyCome) {
  start();
  const std::string body = wide_rows(6'000);
  const std::string upload = begin("", {{"Content-Disposition", "attachment; filename=t.csv"}});
  std::size_t at = 0;
  for (const std::size_t part : {2'000'000, 3'000'000}) {
    HttpCall call(address());
    call.send(head_of_part(upload, at, part, false) + body.substr(at, part));
    const auto answer = call.answer();
    EXPECT_EQ(204, answer.status);
    EXPECT_EQ("", answer.body);
    const std::size_t now = std::stoul(answer.header("upload-offset"));
    EXPECT_GT(now, at) << "a part with a whole chunk is stored as far as that";
    at = now;
  }
  EXPECT_EQ(201, go_on(upload, body, at).status);
  EXPECT_EQ(6'000, count());
  EXPECT_EQ("t.csv", db().value("select source from pgsluice.loads"));
}

/// What is kept of them would be without bound.
TEST_F(ServeParts, SoManyMayHaveBegun) {
  start();
  const std::string upload = begin();
  db().run(
      "insert into pgsluice.uploads (upload_key, owner, target, arguments) select n::text, "
      "'', 't', '[]' from generate_series(1, 255) n");
  const auto post = [this] { return this->upload("", "", {{"Upload-Complete", "?0"}}); };
  const auto refused = post();
  EXPECT_EQ(429, refused.status);
  EXPECT_THAT(refused.body, HasSubstr("256 uploads have begun and not ended"));
  db().run("delete from pgsluice.uploads where upload_key = '7'");
  EXPECT_EQ(201, post().status);
  EXPECT_EQ(201, go_on(upload, rows(1, 10), 0).status) << "what has begun goes on";
  EXPECT_EQ(10, count());
}

TEST_F(ServeParts, WhatIsWrongHasItsStatus) {
  start();
  const std::string upload = begin();
  const std::string body = rows(1, 10);
  const auto wrong = go_on(upload, body, 3);
  EXPECT_EQ(409, wrong.status);
  EXPECT_EQ("0", wrong.header("upload-offset"));
  EXPECT_EQ(0, json_of(wrong)["expected-offset"]);
  EXPECT_EQ(404, call("PATCH", "/v1/uploads/nix", body,
                      {{"Content-Type", "application/partial-upload"},
                       {"Upload-Complete", "?1"},
                       {"Upload-Offset", "0"}})
                     .status);
  EXPECT_EQ(415, call("PATCH", upload, body, {{"Content-Type", "text/csv"}}).status);
  EXPECT_EQ(400,
            call("PATCH", upload, body, {{"Content-Type", "application/partial-upload"}}).status);
  EXPECT_EQ(405, call("GET", upload).status);
  EXPECT_EQ(
      415,
      call("POST", "/v1/tables/public.t/loads", "x",
           {{"Content-Type", "text/csv"}, {"Upload-Complete", "?1"}, {"Content-Encoding", "gzip"}})
          .status);
  EXPECT_EQ(204, call("DELETE", upload).status);
  EXPECT_EQ(404, call("DELETE", upload).status);
  const std::string bad = begin();
  EXPECT_EQ(422, go_on(bad, "a,b\nzwei,x\n", 0).status);
  HttpCall gone(address());
  gone.send("HEAD " + bad + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(404, gone.answer(false).status) << "what is wrong is not gone on with";
}

TEST_F(ServeParts, WhatAnotherServerStoresIsNotGivenUp) {
  start();
  const std::string upload = begin();
  const std::string body = rows(1, 10);
  Gate gate(url(), "t", "a >= 0");
  HttpCall stored(address());
  stored.send(head_of_part(upload, 0, body.size()) + body);
  ASSERT_TRUE(gate.is_reached());
  const std::unique_ptr<Process> first = leave_running();
  start();
  const auto refused = call("DELETE", upload);
  EXPECT_EQ(503, refused.status) << refused.body;
  EXPECT_NE("", refused.header("retry-after"));
  gate.open();
  EXPECT_EQ(201, stored.answer().status);
  EXPECT_EQ(10, count());
  EXPECT_EQ(204, call("DELETE", upload).status);
}

/// Upload-Length is how a sender guards himself against a file that was cut off.
TEST_F(ServeParts, AnotherLengthThanWasSaidIsNoEnd) {
  start();
  const std::string body = rows(1, 10);
  const std::string part = rows(1, 7);
  const std::string length = std::to_string(body.size());
  const HttpHeaders all{{"Upload-Complete", "?1"}, {"Upload-Length", length}};
  EXPECT_EQ(400, this->upload(part, "", all).status);
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.uploads')")) << "it had no address";
  const std::string upload = begin("", {{"Upload-Length", length}});
  EXPECT_EQ(400, go_on(upload, part, 0).status);
  EXPECT_EQ(400, go_on(upload, body + "11,x\n", 0, false).status);
  HttpCall chunked(address());
  chunked.send("PATCH " + upload + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " +
               "application/partial-upload\r\nUpload-Complete: ?1\r\nUpload-Offset: 0\r\n" +
               "Transfer-Encoding: chunked\r\n\r\n" + hex(part.size()) + "\r\n" + part +
               "\r\n0\r\n\r\n");
  const auto refused = chunked.answer();
  EXPECT_EQ(400, refused.status);
  EXPECT_THAT(refused.body, HasSubstr("Upload-Length is " + length));
  EXPECT_EQ(400, call("PATCH", upload, body,
                      {{"Content-Type", "application/partial-upload"},
                       {"Upload-Complete", "?1"},
                       {"Upload-Offset", "0"},
                       {"Upload-Length", "5"}})
                     .status);
  EXPECT_EQ(0, count());
  EXPECT_EQ(201, go_on(upload, body, 0).status);
  EXPECT_EQ(10, count());
  EXPECT_EQ(201, this->upload(rows(11, 5), "",
                              {{"Upload-Complete", "?1"},
                               {"Upload-Length", std::to_string(rows(11, 5).size())}})
                     .status);
}

/// An offset never goes back.
TEST_F(ServeParts, WhereWhatWasStoredIsLostItIsGone) {
  start();
  const std::string body = wide_rows(6'000);
  const std::string upload = begin();
  {
    HttpCall call(address());
    call.send(head_of_part(upload, 0, body.size()) + body.substr(0, 4'000'000));
    ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.chunks"));
  }
  EXPECT_GT(offset(upload), 0U);
  db().run("truncate t; update pgsluice.loads set state = 'void'");
  HttpCall asked(address());
  asked.send("HEAD " + upload + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(410, asked.answer(false).status);
  EXPECT_EQ(201, this->upload(body).status);
  EXPECT_EQ(6'000, count());
}

TEST_F(ServeParts, WhoSpeaksTheDraftHearsTheAddressFirst) {
  start();
  const std::string body = wide_rows(4'000);
  std::string upload;
  {
    HttpCall call(address());
    call.send(head(body.size(), "Upload-Complete: ?1\r\nUpload-Draft-Interop-Version: 6\r\n"));
    const auto word = call.answer();
    EXPECT_EQ(104, word.status);
    upload = word.header("location");
    call.send(body.substr(0, 3'500'000));
    ASSERT_TRUE(comes_true("select count(*) > 0 from pgsluice.chunks"));
  }
  const auto end = go_on(upload, body, offset(upload));
  EXPECT_EQ(201, end.status) << end.body;
  EXPECT_EQ(4'000, count());
}

TEST_F(ServeParts, AnUploadIsItsOwners) {
  const TemporaryFolder folder;
  const auto digest = [](const std::string& token) {
    return piped("sha256sum", token).substr(0, 64);
  };
  folder.write("tokens", "a " + digest("one") + " - * -\nb " + digest("two") + " - * -\n");
  start({"--tokens", folder / "tokens"});
  const auto as = [](const std::string& token, HttpHeaders more = {}) {
    more.emplace_back("Authorization", "Bearer " + token);
    return more;
  };
  const auto begun = call("POST", "/v1/tables/public.t/loads", "",
                          as("one", {{"Content-Type", "text/csv"}, {"Upload-Complete", "?0"}}));
  ASSERT_EQ(201, begun.status) << begun.body;
  EXPECT_EQ(404, call("DELETE", begun.header("location"), "", as("two")).status);
  EXPECT_EQ(204, call("DELETE", begun.header("location"), "", as("one")).status);
  EXPECT_EQ(201, upload(rows(1, 5), "", as("one", key("same"))).status);
  EXPECT_EQ(201, upload(rows(6, 5), "", as("two", key("same"))).status)
      << "keys are each one's own";
  EXPECT_EQ(0U,
            json_of(call("GET", "/v1/loads?idempotency_key=nix", "", as("one")))["loads"].size());
}

}  // namespace
}  // namespace sluice::test
