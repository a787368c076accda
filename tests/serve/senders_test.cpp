#include <sys/socket.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <thread>

#include "serve/server.hpp"
#include "support/patience.hpp"

/// Who sends goes away, sends what is damaged, or more that is wrong than can be told.
namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Also with more bytes on their way than are read, and with a connection that is reset.
TEST_F(Serve, WhoHasGoneGivesUpItsPlace) {
  start({"--max-loads", "1", "--max-queue", "1"});
  const auto waiting = [this](int count) {
    return is_seen([&] {
      return call("GET", "/metrics")
          .body.contains("pgsluice_loads_waiting " + std::to_string(count) + "\n");
    });
  };
  const std::string body = rows(1, 10);
  HttpCall first(address());
  first.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  for (const bool is_reset : {false, true}) {
    const std::string other = rows(100, 5'000);
    auto gone = std::make_unique<HttpCall>(address());
    gone->send(head(other.size()) + other);
    ASSERT_TRUE(waiting(1));
    if (is_reset) gone->reset();
    gone.reset();
    ASSERT_TRUE(waiting(0));
    EXPECT_TRUE(server().says("the connection was closed"));
  }
  HttpCall last(address());
  const std::string other = rows(200, 10);
  last.send(head(other.size()) + other);
  ASSERT_TRUE(waiting(1));
  first.send(body.substr(20));
  EXPECT_EQ(201, first.answer().status);
  EXPECT_EQ(201, last.answer().status);
  EXPECT_EQ(20, count());
}

/// What asks whether it is ready hears that it is not, and is not sent away without a word.
TEST_F(Serve, WhileItStopsItSaysSo) {
  start();
  const std::string body = rows(1, 10);
  HttpCall under_way(address());
  under_way.send(head(body.size()) + body.substr(0, 20));
  ASSERT_TRUE(is_loading());
  EXPECT_EQ(200, call("GET", "/readyz").status);
  HttpCall silent(address());
  server().signal(SIGTERM);
  ASSERT_TRUE(server().says("stopping"));
  const HttpCall says_nothing(address());
  EXPECT_EQ(503, call("GET", "/readyz").status);
  EXPECT_EQ(200, call("GET", "/healthz").status) << "it lives";
  const auto sent_away = upload(rows(100, 10));
  EXPECT_EQ(503, sent_away.status);
  EXPECT_EQ("5", sent_away.header("retry-after"));
  EXPECT_EQ(503, call("GET", "/v1/loads").status);
  HttpCall one(address());
  one.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ("close", one.answer().header("connection"));
  EXPECT_TRUE(one.is_ended());
  under_way.send(body.substr(20));
  EXPECT_EQ(201, under_way.answer().status);
  EXPECT_EQ(0, server().wait().exit_code);
  EXPECT_EQ(10, count());
}

TEST_F(Serve, OfManyBadRecordsTheFirstAreShown) {
  start();
  const HttpHeaders csv{{"Content-Type", "text/csv"}};
  const auto check = [&](const std::string& body) {
    const auto answer = call("POST", "/v1/tables/public.t/check", body, csv);
    EXPECT_EQ(200, answer.status) << answer.body.substr(0, 1000);
    return json_of(answer);
  };
  std::string body = "a,b\n";
  for (int i = 0; i < 3'000; ++i) body += "no number " + std::to_string(i) + ",x\n";
  const auto many = check(body);
  EXPECT_EQ(1'000U, many["rejects"].size());
  EXPECT_EQ(2'000, many["rejects_not_shown"]);
  EXPECT_EQ(3'000, many["rows_rejected"]);
  EXPECT_EQ("no number 0", many["rejects"][0]["value"]);
  EXPECT_EQ(1'001, many["rejects"][999]["line"]);
  // Some of them are long.
  body = "a,b\nfirst,x\n";
  for (int i = 0; i < 10; ++i) body += std::string(900'000, 'x') + ",x\n";
  const auto big = check(body);
  EXPECT_EQ("first", big["rejects"][0]["value"]);
  EXPECT_EQ(11, big["rows_rejected"]);
  EXPECT_EQ(11U, big["rejects"].size() + big.value("rejects_not_shown", 0U));
  // Of few of them all.
  const auto few = check("a,b\nzwei,x\n");
  EXPECT_EQ(1U, few["rejects"].size());
  EXPECT_FALSE(few.contains("rejects_not_shown"));
  // The command has it as a flag.
  const TemporaryFolder folder;
  const std::string file = folder.write("x.csv", "a,b\neins,x\nzwei,x\ndrei,x\n");
  std::vector<std::string> command{"check", file, "-t", "t", "-d", url(), "--show-rejects", "1"};
  EXPECT_THAT(pgsluice(command).out, AllOf(HasSubstr("eins"), Not(HasSubstr("zwei"))));
  command.insert(command.end(), {"--output", "json"});
  const auto told = nlohmann::json::parse(pgsluice(command).out);
  EXPECT_EQ(1U, told["checks"][0]["rejects"].size());
  EXPECT_EQ(2, told["checks"][0]["rejects_not_shown"]);
}

/// What has come of a short upload is no upload, wherever it is cut: in its last value too, and
/// whoever cuts it.
TEST_F(Serve, AShortUploadThatIsCutIsNotStored) {
  const std::string body = rows(1'000'000, 25'000);
  const std::string half = body.substr(0, body.find("text of row 1015000") + 15);
  ASSERT_GT(half.size(), 400'000U);
  const auto half_sent = [&] {
    auto call = std::make_unique<HttpCall>(address());
    call->send(head(body.size()) + half);
    return call;
  };
  start({"--idle-timeout", "2s", "--grace", "1s"});
  EXPECT_EQ(201, upload(rows(1, 1)).status) << "the first one makes the ledger";
  ASSERT_TRUE(no_session_left());
  {
    const auto gone = half_sent();
    ASSERT_TRUE(is_loading());
  }
  EXPECT_TRUE(server().says("cut 127.0.0.1"));
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(1, count());
  EXPECT_EQ(0, half_sent()->answer().status) << "it was silent for too long";
  EXPECT_EQ(1, count());
  const auto stopped = half_sent();
  ASSERT_TRUE(is_loading());
  server().signal(SIGTERM);
  EXPECT_NE(201, stopped->answer().status);
  server().wait();
  EXPECT_EQ(1, count());
  EXPECT_EQ(1, finished_loads());
  start();
  EXPECT_EQ(201, upload(body).status);
  EXPECT_EQ(25'001, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// --idle-timeout is for who reads nothing.
TEST_F(Serve, WhoReadsSlowlyGetsAll) {
  constexpr auto pause = std::chrono::milliseconds(100);
  constexpr std::size_t bytes_each_time = 64 * 1024;
  start({"--idle-timeout", "1s"});
  std::string body = "a,b\n";
  for (int i = 0; i < 900; ++i) body += std::string(3'000, 'x') + std::to_string(i) + ",x\n";
  HttpCall call(address());
  const int room = bytes_each_time;
  ::setsockopt(call.fd(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  call.send(
      "POST /v1/tables/public.t/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  std::string answer;
  std::vector<char> some(bytes_each_time);
  const auto began = std::chrono::steady_clock::now();
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(call.fd(), some.data(), some.size(), 0);
    if (got > 0) answer.append(some.data(), static_cast<std::size_t>(got));
    std::this_thread::sleep_for(pause);
  }
  EXPECT_GT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2))
      << "longer than may be silent";
  const auto json = nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n")), nullptr, false);
  ASSERT_TRUE(json.is_object()) << answer.size() << " bytes came";
  EXPECT_EQ(900, json["rows_rejected"]);
}

/// Their beginnings are fetched beside what is loaded, so many at once, and not for ever.
TEST_F(Serve, WhoSendsABeginningSlowlyKeepsNobodyOut) {
  constexpr int inspections_max = 16;
  start({"--max-loads", "1", "--max-queue", "0"});
  const std::string head =
      "POST /v1/inspect HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
      "Content-Length: 1000\r\n\r\na,b\n";
  std::vector<std::unique_ptr<HttpCall>> slow;
  for (int i = 0; i < inspections_max; ++i) {
    slow.push_back(std::make_unique<HttpCall>(address()));
    slow.back()->send(head);
  }
  const HttpHeaders csv{{"Content-Type", "text/csv"}};
  HttpCall::Answer refused;
  EXPECT_TRUE(is_seen([&] {
    refused = call("POST", "/v1/inspect", "a,b\n1,x\n", csv);
    return refused.status == 503;
  }));
  EXPECT_EQ("5", refused.header("retry-after"));
  EXPECT_EQ(201, upload(rows(1, 10)).status);
  for (const auto& each : slow) EXPECT_EQ(408, each->answer().status);
  EXPECT_EQ(200, call("POST", "/v1/inspect", "a,b\n1,x\n", csv).status);
}

/// They are the sender's bytes, and the same again would end the same.
TEST_F(Serve, APackedBodyThatIsDamagedIsTheSendersFault) {
  start();
  const TemporaryFolder folder;
  folder.write("x.csv", rows(1, 50'000));
  output_of("gzip -k " + (folder / "x.csv"));
  const std::string packed = read_file(folder / "x.csv.gz");
  const auto send = [this](const std::string& body, const std::string& query = "?atomic") {
    return call("POST", "/v1/tables/public.t/loads" + query, body,
                {{"Content-Type", "application/gzip"}});
  };
  std::string damaged = packed;
  damaged[packed.size() / 2] = static_cast<char>(~damaged[packed.size() / 2]);
  std::string other_sum = packed;
  other_sum[packed.size() - 8] = static_cast<char>(~other_sum[packed.size() - 8]);
  for (const std::string& body : {packed.substr(0, packed.size() / 2), damaged, other_sum,
                                  packed.substr(0, 10) + "nothing that was packed"}) {
    const auto answer = send(body);
    EXPECT_EQ(422, answer.status) << answer.body;
    EXPECT_EQ(1, json_of(answer)["exit_code"]);
    EXPECT_THAT(std::string(json_of(answer)["unreadable"]), AnyOf("damaged", "cut_off"));
    EXPECT_THAT(std::string(json_of(answer)["detail"]),
                ::testing::ContainsRegex("is damaged|ends too early"));
    EXPECT_EQ(0, count());
  }
  // ... also where that is seen before a load begins.
  const auto sniffed = send(packed.substr(0, 10) + "nothing that was packed", "?dialect=auto");
  EXPECT_EQ(422, sniffed.status) << sniffed.body;
  const auto large = send(packed, "?max_bytes=1000");
  EXPECT_EQ(422, large.status) << large.body;
  EXPECT_THAT(large.body, AllOf(HasSubstr("(see max_bytes)"), Not(HasSubstr("--max-bytes"))));
  EXPECT_EQ(201, send(packed).status);
  EXPECT_EQ(50'000, count());
  // Whoever runs the server may bound it for all.
  start({"--max-unpacked", "100KiB"});
  EXPECT_EQ(422, send(packed).status);
  const auto more = send(packed, "?max_bytes=1MiB");
  EXPECT_EQ(400, more.status);
  EXPECT_THAT(more.body, HasSubstr("max_bytes is at most 102400 here"));
  EXPECT_EQ(422, send(packed, "?max_bytes=10KiB").status);
  EXPECT_EQ(400, send(packed, "?max_bytes=viel").status);
  EXPECT_EQ(201, upload(rows(50'001, 20'000)).status) << "what is not packed is as long as it is";
}

TEST_F(Serve, AdviceIsInTheWordsOfTheQuery) {
  start();
  const auto bad = upload("a,b\nzwei,x\n");
  EXPECT_EQ(422, bad.status);
  EXPECT_THAT(bad.body, AllOf(HasSubstr("max_rejects"), Not(HasSubstr("--max-rejects"))));
  const auto header = upload("a,b,c\n1,x,y\n");
  EXPECT_EQ(400, header.status);
  EXPECT_THAT(header.body, AllOf(HasSubstr("ignore_extra"), Not(HasSubstr("--ignore-extra"))));
}

}  // namespace
}  // namespace sluice::test
