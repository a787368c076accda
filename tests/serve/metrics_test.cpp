#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <regex>
#include <set>
#include <sstream>

#include "serve/server.hpp"
#include "support/patience.hpp"
#include "support/reserved_port.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The text format of Prometheus, read as its rules have it.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
class Exposition {
 public:
  explicit Exposition(const std::string& text) {
    EXPECT_TRUE(text.ends_with('\n'));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read(line);
  }

  /// Throws std::out_of_range where there is none.
  double value(const std::string& series) const { return samples_.at(series); }
  bool has(const std::string& series) const { return samples_.contains(series); }
  bool has_family(const std::string& name) const { return types_.contains(name); }

 private:
  void read(const std::string& line) {
    static const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+");
    static const std::regex type(
        "# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)");
    static const std::regex sample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*",?)*\})? (-?[0-9.]+(e[-+]?[0-9]+)?))re");
    std::smatch found;
    if (std::regex_match(line, found, help)) {
      EXPECT_TRUE(helps_.insert(found[1]).second) << line;
    } else if (std::regex_match(line, found, type)) {
      EXPECT_TRUE(types_.emplace(found[1], found[2]).second) << line;
      family_ = found[1];
      EXPECT_EQ(found[2] == "counter", family_.ends_with("_total")) << line;
    } else if (std::regex_match(line, found, sample)) {
      const std::string name = found[1];
      const bool is_part =
          types_[family_] == "histogram" &&
          (name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count");
      EXPECT_TRUE(name == family_ || is_part) << line << "\nstands in the family " << family_;
      EXPECT_TRUE(helps_.contains(family_)) << line;
      EXPECT_TRUE(samples_.emplace(name + std::string(found[2]), std::stod(found[5])).second)
          << line << "\nstands there twice";
    } else {
      ADD_FAILURE() << "is no line of the format: " << line;
    }
  }

  std::string family_;
  std::set<std::string> helps_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> samples_;
};

class ServeMetrics : public ServeWithTokens {
 protected:
  Exposition scrape(const HttpHeaders& headers = {}) {
    const auto answer = call("GET", "/metrics", "", headers);
    EXPECT_EQ(200, answer.status);
    EXPECT_EQ("text/plain; version=0.0.4", answer.header("content-type"));
    return Exposition(answer.body);
  }

  /// The database has two seconds to answer, which may be little on a busy machine.
  Exposition scrape_with(const std::string& family, const HttpHeaders& headers = {}) {
    std::optional<Exposition> seen;
    EXPECT_TRUE(is_seen([&] {
      seen.emplace(scrape(headers));
      return seen->has_family(family);
    })) << family;
    return *seen;
  }
  bool database_is_up(const HttpHeaders& headers = {}) {
    return is_seen([&] { return scrape(headers).value("pgsluice_database_up") == 1; });
  }

  /// The ledger with a job of each kind, whose names nobody would choose.
  void make_jobs() { make_jobs(db()); }
  void make_jobs(Session& session) {
    EXPECT_EQ(201, upload(rows(1, 10)).status);
    session.run(
        R"(insert into pgsluice.jobs (project, job, schedule) values
             ('shop', 'nightly', '30 4 * * * UTC'), (E'q"b\\c', E'two\nlines', '@every 1h UTC'),
             ('shop', 'new', '@lunar UTC');
           insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at) values
             ('shop', 'nightly', '2026-01-01 04:30Z', 'ran', 'x', '2026-01-01 04:31:02Z'),
             ('shop', 'nightly', '2026-01-02 04:30Z', 'failed', 'x', '2026-01-02 04:31Z'),
             (E'q"b\\c', E'two\nlines', '2026-01-02 04:30Z', 'ran', 'x', '2026-01-02 04:31Z'))");
  }
};

TEST_F(ServeMetrics, JobsAreAmongThem) {
  start();
  make_jobs();
  const Exposition seen = scrape_with("pgsluice_job_state");
  EXPECT_EQ(1, seen.value("pgsluice_database_up"));
  const auto state = [&seen](const std::string& labels) {
    return seen.value("pgsluice_job_state{" + labels + "}");
  };
  EXPECT_EQ(1, state(R"(project="shop",job="nightly",state="failed")"));
  EXPECT_EQ(0, state(R"(project="shop",job="nightly",state="ran")"));
  EXPECT_EQ(1, state(R"(project="q\"b\\c",job="two\nlines",state="ran")"));
  const std::string success = "pgsluice_job_last_success_timestamp_seconds";
  EXPECT_EQ(db().number("select extract(epoch from timestamptz '2026-01-01 04:31:02Z')::bigint"),
            seen.value(success + R"({project="shop",job="nightly"})"));
  const std::string next = "pgsluice_job_next_slot_timestamp_seconds";
  EXPECT_GT(seen.value(next + R"({project="shop",job="nightly"})"),
            db().number("select extract(epoch from now())::bigint"));
  // What is not known is not there.
  EXPECT_FALSE(seen.has(success + R"({project="shop",job="new"})"));
  EXPECT_FALSE(seen.has(next + R"({project="shop",job="new"})"));
  EXPECT_FALSE(seen.has(R"(pgsluice_job_state{project="shop",job="new",state="ran"})"));
  EXPECT_EQ(10, seen.value("pgsluice_rows_stored_total"));
}

/// A scraper's token needs no table; one of somebody's tables says nothing of jobs.
TEST_F(ServeMetrics, NamesOfJobsAreForWhoMaySeeThem) {
  start();
  make_jobs();
  start({"--tokens",
         tokens(line("all", "- * -") + line("some", "- public.* -") + line("scraper", "- - -"))});
  scrape_with("pgsluice_job_state", as("all-token"));
  scrape_with("pgsluice_job_state", as("scraper-token"));
  EXPECT_TRUE(database_is_up(as("some-token")));
  EXPECT_FALSE(scrape(as("some-token")).has_family("pgsluice_job_state"));
  EXPECT_EQ(403, call("GET", "/v1/jobs", "", as("scraper-token")).status);
}

TEST_F(ServeMetrics, WithoutTheDatabaseTheOthersAreThere) {
  start_for("postgresql://127.0.0.1:1/nix");
  const Exposition seen = scrape();
  EXPECT_EQ(0, seen.value("pgsluice_database_up"));
  EXPECT_EQ(1, seen.value("pgsluice_connections"));
  EXPECT_FALSE(seen.has_family("pgsluice_job_state"));
}

/// It takes connections, as a server that hangs does, and says nothing.
TEST_F(ServeMetrics, ADatabaseThatHangsHangsNoScrape) {
  const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(0, ::bind(silent, reinterpret_cast<sockaddr*>(&address), size));
  ASSERT_EQ(0, ::listen(silent, 16));
  ASSERT_EQ(0, ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size));
  start_for("postgresql://x@127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/x");
  const Exposition seen = scrape();
  EXPECT_EQ(0, seen.value("pgsluice_database_up"));
  EXPECT_EQ(1, seen.value("pgsluice_connections"));
  ::close(silent);
}

/// The table of the jobs is locked: the database answers, and what it does not say is not there.
TEST_F(ServeMetrics, WhatDoesNotAnswerInTimeIsLeftOut) {
  start();
  make_jobs();
  Session other(url());
  other.run("begin; lock table pgsluice.jobs in access exclusive mode");
  EXPECT_TRUE(database_is_up());
  EXPECT_FALSE(scrape().has_family("pgsluice_job_state"));
  other.run("rollback");
  scrape_with("pgsluice_job_state");
}

TEST_F(ServeMetrics, ARoleThatMaySeeNothingOfItHasTheRest) {
  start();
  make_jobs();
  start_for(url_of_new_role("metrics_role_" + std::to_string(::getpid())));
  EXPECT_TRUE(database_is_up());
  const Exposition seen = scrape();
  EXPECT_FALSE(seen.has_family("pgsluice_job_state"));
  EXPECT_FALSE(seen.has_family("pgsluice_replication_lag_bytes"));
}

/// A primary, and a standby of it.
class ServeReplication : public ServeMetrics {
 protected:
  PrivateServer primary_{""};
  Replica standby_{primary_};
};

TEST_F(ServeReplication, StandbysThatAreBehindAreSeen) {
  start_for(primary_.url());
  Session primary(primary_.url());
  Session standby(standby_.url());
  const std::string labels = R"({standby="standby_one",address="127.0.0.1"})";
  const auto lag = [&]() -> std::optional<double> {
    const Exposition seen = scrape();
    if (!seen.has("pgsluice_replication_lag_bytes" + labels)) return std::nullopt;
    EXPECT_TRUE(seen.has("pgsluice_replication_lag_seconds" + labels));
    return seen.value("pgsluice_replication_lag_bytes" + labels);
  };
  EXPECT_TRUE(is_seen([&] { return lag() == 0; }));
  standby.run("select pg_wal_replay_pause()");
  primary.run("create table x as select generate_series(1, 10000) as a");
  EXPECT_TRUE(is_seen([&] { return lag().value_or(0) > 100'000; }));
  standby.run("select pg_wal_replay_resume()");
  EXPECT_TRUE(is_seen([&] { return lag() == 0; }));
  // A role without pg_monitor is not shown how far they are.
  primary.run("create role nobody_in_particular login");
  std::string url = primary_.url();
  url.replace(url.find("postgres@"), 8, "nobody_in_particular");
  start_for(url);
  EXPECT_TRUE(database_is_up());
  EXPECT_EQ(std::nullopt, lag());
}

/// Whoever takes the rules of docs/service.md has rules about what is there.
TEST_F(ServeReplication, AlertsOfTheDocumentAreAboutWhatIsServed) {
  start_for(primary_.url());
  Session primary(primary_.url());
  primary.run("create table t (a int primary key, b text)");
  make_jobs(primary);
  const std::string document = read_file(std::string(PGSLUICE_SOURCE_DIR) + "/docs/service.md");
  const std::size_t begin = document.find("groups:");
  const std::string rules = document.substr(begin, document.find("```", begin) - begin);
  std::set<std::string> names;
  static const std::regex name("pgsluice_[a-z_]+");
  for (std::sregex_iterator at(rules.begin(), rules.end(), name), end; at != end; ++at)
    names.insert(at->str());
  EXPECT_GE(names.size(), 7U);
  scrape_with("pgsluice_replication_lag_seconds");
  const Exposition seen = scrape_with("pgsluice_job_state");
  for (const std::string& one : names) EXPECT_TRUE(seen.has_family(one)) << one;
}

}  // namespace
}  // namespace sluice::test
