#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/http_call.hpp"
#include "support/process.hpp"
#include "support/server.hpp"

namespace sluice::test {

/// `pgsluice serve` on a port of its own, and a table.
class Serve : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (a int primary key, b text)"); }

  /// Starts it, in place of one that ran before.
  void start(const std::vector<std::string>& flags = {}) { start_for(url(), flags); }
  void start_for(const std::string& database, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> arguments{"serve", "--listen", "127.0.0.1:0", "-d", database};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    server_ = std::make_unique<Process>(arguments);
    ASSERT_TRUE(server_->says("listening: ")) << server_->err_so_far();
    const std::string said = server_->err_so_far();
    const std::size_t at = said.find("http");
    address_ = said.substr(at, said.find('\n', at) - at);
  }
  Process& server() { return *server_; }
  /// So that start() begins one beside it.
  std::unique_ptr<Process> leave_running() { return std::move(server_); }
  const std::string& address() const { return address_; }

  HttpCall::Answer call(const std::string& method, const std::string& target,
                        const std::string& body = "", const HttpHeaders& headers = {}) {
    return http_call(address_, method, target, body, headers);
  }
  HttpCall::Answer upload(const std::string& body, const std::string& query = "",
                          HttpHeaders headers = {}) {
    headers.emplace_back("Content-Type", "text/csv");
    return call("POST", "/v1/tables/public.t/loads" + query, body, headers);
  }

  /// Waits until a process that loads has come to the database.
  bool is_loading() {
    return comes_true(
        "select count(*) > 0 from pg_stat_activity where application_name = 'pgsluice' and datname "
        "= current_database()");
  }

  std::int64_t count() { return db().number("select count(*) from t"); }
  std::int64_t finished_loads() {
    if (db().number("select count(*) from pg_tables where schemaname = 'pgsluice'") == 0) return 0;
    return db().number("select count(*) from pgsluice.loads where state = 'finished'");
  }

  static std::string rows(int first, int count) {
    std::string text = "a,b\n";
    for (int i = first; i < first + count; ++i)
      text += std::to_string(i) + ",text of row " + std::to_string(i) + "\n";
    return text;
  }
  static nlohmann::json json_of(const HttpCall::Answer& answer) {
    return nlohmann::json::parse(answer.body, nullptr, false);
  }
  /// The beginning of an upload whose body is said to have so many bytes.
  static std::string head(std::size_t bytes, const std::string& more = "") {
    return "POST /v1/tables/public.t/loads HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
           "text/csv\r\n" +
           more + "Content-Length: " + std::to_string(bytes) + "\r\n\r\n";
  }

 private:
  std::unique_ptr<Process> server_;
  std::string address_;
};

/// With a file of tokens.
class ServeWithTokens : public Serve {
 protected:
  /// A file of tokens: their names are what they are too, with "-token" behind.
  std::string tokens(const std::string& lines) {
    folder_.write("tokens", lines);
    return folder_ / "tokens";
  }
  static std::string line(const std::string& name, const std::string& rest) {
    return name + " " + output_of("printf %s " + name + "-token | sha256sum").substr(0, 64) + " " +
           rest + "\n";
  }
  static HttpHeaders as(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }

  TemporaryFolder folder_;
};

}  // namespace sluice::test
