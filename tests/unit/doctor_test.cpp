#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "doctor/judge.hpp"

namespace sluice::test {
namespace {

using doctor::Facts;
using doctor::Finding;
using doctor::Verdict;
using ::testing::HasSubstr;

constexpr std::uint64_t GiB = 1ULL << 30U;

/// A server that nothing is wrong with.
Facts healthy() {
  Facts facts;
  facts.server = {
      .user = "me",
      .database = "app",
      .address = "db:5432",
      .is_encrypted = true,
      .round_trip_seconds = 0.00021,
      .version = "17.2",
      .version_number = 170002,
      .may_create_schema = true,
      .settings = {{"max_wal_size", {.value = 8192, .text = "8192", .unit = "MB"}},
                   {"shared_buffers", {.value = 524288, .text = "524288", .unit = "8kB"}},
                   {"log_statement", {.text = "none"}},
                   {"log_min_duration_statement", {.value = -1, .text = "-1", .unit = "ms"}},
                   {"fsync", {.text = "on"}},
                   {"max_connections", {.value = 100, .text = "100"}}},
      .connections = 5,
      .database_bytes = 7 * GiB,
      .disk_free = 100 * GiB};
  facts.ledger = {.is_there = true, .is_complete = true};
  facts.rejects_free = 100 * GiB;
  return facts;
}

doctor::TableFacts table() {
  return {.name = "trips",
          .is_there = true,
          .may_insert = true,
          .may_select = true,
          .may_use_schema = true,
          .schema = "public"};
}

std::vector<Finding> not_good(const Facts& facts) {
  std::vector<Finding> findings = doctor::judge(facts);
  std::erase_if(findings, [](const Finding& one) { return one.verdict == Verdict::good; });
  return findings;
}

TEST(Doctor, FindsNothingWrongWithAHealthyServer) {
  Facts facts = healthy();
  facts.table = table();
  EXPECT_TRUE(not_good(facts).empty());
  for (const Finding& one : doctor::judge(facts)) EXPECT_EQ("", one.advice) << one.subject;
  EXPECT_EQ("me at app on db:5432, encrypted, 0.2 ms a round trip",
            doctor::judge(facts).front().message);
}

struct DoctorCase {
  const char* name;
  std::function<void(Facts&)> harm;
  const char* subject;
  Verdict verdict;
  const char* says;
  const char* advice;
};

const DoctorCase doctor_cases[] = {
    {"open network", [](Facts& f) { f.server.is_encrypted = false; }, "connection",
     Verdict::doubtful, "not encrypted", "sslmode"},
    {"standby", [](Facts& f) { f.server.is_standby = true; }, "server", Verdict::bad, "standby",
     "target_session_attrs"},
    {"old server", [](Facts& f) { f.server.version_number = 120005; }, "server", Verdict::doubtful,
     "no corrections", "upgrade"},
    {"clock ahead", [](Facts& f) { f.server.clock_ahead_seconds = 61; }, "clock", Verdict::doubtful,
     "61 s ahead of ours", "NTP"},
    {"clock behind", [](Facts& f) { f.server.clock_ahead_seconds = -3; }, "clock",
     Verdict::doubtful, "3 s behind ours", "NTP"},
    {"small WAL", [](Facts& f) { f.server.settings["max_wal_size"].value = 1024; }, "max_wal_size",
     Verdict::doubtful, "is 1 GiB", "alter system set max_wal_size = '8GB'"},
    {"default buffers", [](Facts& f) { f.server.settings["shared_buffers"].value = 16384; },
     "shared_buffers", Verdict::doubtful, "is 128", "quarter"},
    {"logs all", [](Facts& f) { f.server.settings["log_statement"].text = "all"; }, "log_statement",
     Verdict::doubtful, "log", "ddl"},
    {"logs by time", [](Facts& f) { f.server.settings["log_min_duration_statement"].value = 0; },
     "log_min_duration_statement", Verdict::doubtful, "log", "1s"},
    {"no fsync", [](Facts& f) { f.server.settings["fsync"].text = "off"; }, "fsync",
     Verdict::doubtful, "crash", "on"},
    {"read only", [](Facts& f) { f.server.settings["default_transaction_read_only"].text = "on"; },
     "default_transaction_read_only", Verdict::bad, "nothing can be stored",
     "alter role \"me\" set"},
    {"timeout",
     [](Facts& f) {
       f.server.settings["statement_timeout"] = {.value = 30000, .text = "30000", .unit = "ms"};
     },
     "statement_timeout", Verdict::doubtful, "30", "--set statement_timeout=0"},
    {"synchronous standby",
     [](Facts& f) { f.server.settings["synchronous_standby_names"].text = "s1"; },
     "synchronous_standby_names", Verdict::doubtful, "waits", "synchronous_commit=local"},
    {"few connections", [](Facts& f) { f.server.connections = 98; }, "max_connections",
     Verdict::doubtful, "only 2 connections", "--jobs 1"},
    {"more connections than there may be", [](Facts& f) { f.server.connections = 120; },
     "max_connections", Verdict::doubtful, "only 0 connections", "--jobs 1"},
    {"role limit", [](Facts& f) { f.server.role_connections_max = 2; }, "connection limit",
     Verdict::doubtful, "of the role is 2", "--jobs 1"},
    {"full disk", [](Facts& f) { f.server.disk_free = GiB / 2; }, "disk", Verdict::doubtful,
     "512 MiB are free", "room"},
    {"full folder", [](Facts& f) { f.rejects_free = 0; }, "disk", Verdict::doubtful, "bad records",
     "--rejects"},
    {"archiver", [](Facts& f) { f.server.archive_fails = true; }, "archive_command",
     Verdict::doubtful, "archived", "pg_stat_archiver"},
    {"slots", [](Facts& f) { f.server.idle_slots = 2; }, "replication slots", Verdict::doubtful,
     "2 are read by nobody", "pg_replication_slots"},
    {"no table",
     [](Facts& f) {
       f.table = table();
       f.table->is_there = false;
     },
     "table trips", Verdict::bad, "not there", "--create"},
    {"no insert",
     [](Facts& f) {
       f.table = table();
       f.table->may_insert = false;
     },
     "table trips", Verdict::bad, "may not insert", "grant insert on trips to \"me\""},
    {"no schema",
     [](Facts& f) {
       f.table = table();
       f.table->may_use_schema = false;
     },
     "table trips", Verdict::bad, "schema", "grant usage on schema \"public\" to \"me\""},
    {"triggers",
     [](Facts& f) {
       f.table = table();
       f.table->row_triggers = {"audit"};
     },
     "table trips", Verdict::doubtful, "audit", "disable trigger"},
    {"indexes",
     [](Facts& f) {
       f.table = table();
       f.table->indexes = 3;
     },
     "table trips", Verdict::doubtful, "3 secondary indexes", "--defer-indexes"},
    {"view",
     [](Facts& f) {
       f.table = table();
       f.table->kind = 'v';
     },
     "table trips", Verdict::doubtful, "INSERTs", ""},
    {"unlogged",
     [](Facts& f) {
       f.table = table();
       f.table->is_unlogged = true;
     },
     "table trips", Verdict::doubtful, "empties", ""},
    {"no ledger, and none may be made",
     [](Facts& f) {
       f.ledger.is_there = false;
       f.server.may_create_schema = false;
     },
     "ledger", Verdict::bad, "may not make it", "grant create on database \"app\" to \"me\""},
    {"closed ledger", [](Facts& f) { f.ledger.defect = "it is closed"; }, "ledger", Verdict::bad,
     "it is closed", ""},
    {"unfinished", [](Facts& f) { f.ledger.unfinished = {3, 4, 5, 6, 7, 8}; }, "ledger",
     Verdict::doubtful, "3, 4, 5, 6, 7, ...", "loads --state unfinished"},
    {"prepared transactions", [](Facts& f) { f.ledger.prepared = {3}; }, "ledger", Verdict::bad,
     "prepared transactions", "loads forget"},
    {"missing indexes", [](Facts& f) { f.ledger.without_indexes = {3}; }, "ledger",
     Verdict::doubtful, "missing", "loads restore"},
    {"damaged", [](Facts& f) { f.ledger.damaged = {9}; }, "ledger", Verdict::bad, "damaged: 9",
     "loads show"},
};

TEST(Doctor, SaysWhatIsWrongAndWhatToChange) {
  for (const DoctorCase& c : doctor_cases) {
    SCOPED_TRACE(c.name);
    Facts facts = healthy();
    c.harm(facts);
    const std::vector<Finding> findings = not_good(facts);
    ASSERT_EQ(1U, findings.size());
    EXPECT_EQ(c.subject, findings.front().subject);
    EXPECT_EQ(c.verdict, findings.front().verdict);
    EXPECT_THAT(findings.front().message, HasSubstr(c.says));
    EXPECT_THAT(findings.front().advice, HasSubstr(c.advice));
  }
}

}  // namespace
}  // namespace sluice::test
