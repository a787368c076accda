#include "doctor/judge.hpp"

#include <cmath>

#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "doctor/judge_settings.hpp"

namespace sluice::doctor {
namespace {

constexpr std::size_t GiB = 1024 * limits::MiB;
/// Older ones get no corrections any more.
/// https://www.postgresql.org/support/versioning/
constexpr int version_maintained = 140000;
constexpr double clock_difference_usual = 2;
constexpr std::size_t disk_free_least = 1 * GiB;
constexpr std::int64_t indexes_worth_deferring = 2;

using Findings = std::vector<Finding>;

std::string all_of(const std::vector<std::string>& words) {
  constexpr std::size_t shown_max = 5;
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < shown_max; ++i)
    text += (i == 0 ? "" : ", ") + words[i];
  return text + (words.size() > shown_max ? ", ..." : "");
}

std::string all_of(const std::vector<std::int64_t>& ids) {
  std::vector<std::string> words;
  for (const std::int64_t id : ids) words.push_back(std::to_string(id));
  return all_of(words);
}

void judge_connection(const ServerFacts& server, Findings& findings) {
  std::string message = server.user + " at " + server.database + " on " + server.address;
  if (!server.is_local) message += server.is_encrypted ? ", encrypted" : ", not encrypted";
  constexpr double milliseconds = 1000;
  const auto tenths =
      static_cast<std::int64_t>(std::lround(server.round_trip_seconds * milliseconds * 10));
  message +=
      ", " + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms a round trip";
  const bool is_open = !server.is_local && !server.is_encrypted;
  findings.push_back({"connection", is_open ? Verdict::doubtful : Verdict::good, message,
                      is_open ? "sslmode=verify-full (PGSSLMODE), where the server has TLS" : ""});
}

void judge_server(const ServerFacts& server, Findings& findings) {
  if (server.is_standby) {
    findings.push_back({"server", Verdict::bad,
                        "PostgreSQL " + server.version + ", a standby: nothing can be stored here",
                        "connect to the primary, or name all hosts with "
                        "target_session_attrs=read-write (PGTARGETSESSIONATTRS)"});
    return;
  }
  const bool is_old = server.version_number < version_maintained;
  findings.push_back(
      {"server", is_old ? Verdict::doubtful : Verdict::good,
       "PostgreSQL " + server.version + (is_old ? ", which gets no corrections any more" : ""),
       is_old ? "upgrade it" : ""});
}

void judge_clock(const ServerFacts& server, Findings& findings) {
  const double ahead = server.clock_ahead_seconds;
  const auto seconds = static_cast<std::int64_t>(std::lround(std::abs(ahead)));
  if (std::abs(ahead) < clock_difference_usual) {
    findings.push_back({"clock", Verdict::good, "the server's agrees with ours", ""});
    return;
  }
  findings.push_back(
      {"clock", Verdict::doubtful,
       "the server's is " + std::to_string(seconds) + " s " + (ahead > 0 ? "ahead of" : "behind") +
           " ours: schedules go by the server's, and S3 refuses keys of a wrong time",
       "let both be set by NTP"});
}

void judge_disks(const Facts& facts, Findings& findings) {
  const ServerFacts& server = facts.server;
  std::string message = "the database has " + format_bytes(server.database_bytes);
  if (server.disk_free) message += ", and " + format_bytes(*server.disk_free) + " are free";
  const bool is_full = server.disk_free && *server.disk_free < disk_free_least;
  findings.push_back({"disk", is_full ? Verdict::doubtful : Verdict::good, message,
                      is_full ? "make room: WAL alone may take max_wal_size and more" : ""});
  if (facts.rejects_free && *facts.rejects_free < disk_free_least)
    findings.push_back({"disk", Verdict::doubtful,
                        "only " + format_bytes(*facts.rejects_free) +
                            " are free in this folder, where files of bad records go",
                        "--rejects FILE elsewhere"});
  if (server.archive_fails)
    findings.push_back({"archive_command", Verdict::doubtful,
                        "WAL could not be archived the last time: it stays on the server's disk, "
                        "until that is full",
                        "see the server's log, and pg_catalog.pg_stat_archiver"});
  if (server.idle_slots > 0)
    findings.push_back(
        {"replication slots", Verdict::doubtful,
         std::to_string(server.idle_slots) + " are read by nobody, and keep all WAL on "
                                             "the server's disk",
         "see pg_catalog.pg_replication_slots; pg_catalog.pg_drop_replication_slot() "
         "drops one that nobody needs"});
}

class Table {
 public:
  Table(const TableFacts& table, const std::string& user, Findings& findings)
      : table_(table), user_(user), findings_(findings) {}

  void judge() {
    if (!table_.is_there) {
      add(Verdict::bad, "is not there, or its schema is not for " + user_,
          "pgsluice load FILE --table " + table_.name + " --create makes it");
      return;
    }
    if (!table_.may_use_schema)
      add(Verdict::bad, user_ + " may not use its schema",
          "grant usage on schema " + quote_identifier(table_.schema) + " to " +
              quote_identifier(user_));
    if (!table_.may_insert)
      add(Verdict::bad, user_ + " may not insert",
          "grant insert on " + table_.name + " to " + quote_identifier(user_));
    if (table_.may_insert && table_.may_use_schema)
      add(Verdict::good, user_ + " may insert" + rights(), "");
    judge_speed();
  }

 private:
  /// What else is allowed, as some flags want it.
  std::string rights() const {
    std::string text;
    if (table_.may_update && table_.may_select)
      text += ", --on-conflict update (where it has a key)";
    if (table_.may_truncate) text += ", --truncate";
    if (table_.is_owner) text += ", --defer-indexes";
    return text;
  }
  void judge_speed() {
    const bool is_table = table_.kind == 'r' || table_.kind == 'p';
    if (!is_table || table_.filters_rows)
      add(Verdict::doubtful,
          is_table ? "row-level security holds for " + user_ + ": INSERTs are taken instead of COPY"
                   : "is no plain table: INSERTs are taken instead of COPY",
          "");
    if (!table_.row_triggers.empty())
      add(Verdict::doubtful, "triggers run for each row: " + all_of(table_.row_triggers),
          "where they are not wanted: alter table " + table_.name + " disable trigger NAME");
    if (table_.indexes >= indexes_worth_deferring)
      add(Verdict::doubtful,
          "has " + std::to_string(table_.indexes) +
              " secondary indexes, which "
              "each row is put into",
          "for a load that is most of the table: --defer-indexes");
    if (table_.foreign_keys > 0)
      add(Verdict::doubtful,
          std::to_string(table_.foreign_keys) +
              " foreign keys are looked up for "
              "each row",
          "");
    if (table_.is_unlogged)
      add(Verdict::doubtful, "is unlogged: a crash of the server empties it", "");
  }
  void add(Verdict verdict, const std::string& message, const std::string& advice) {
    findings_.push_back({"table " + table_.name, verdict, message, advice});
  }

  const TableFacts& table_;
  const std::string& user_;
  Findings& findings_;
};

void judge_ledger(const Facts& facts, Findings& findings) {
  const LedgerFacts& ledger = facts.ledger;
  const ServerFacts& server = facts.server;
  const auto add = [&findings](Verdict verdict, const std::string& message,
                               const std::string& advice) {
    findings.push_back({"ledger", verdict, message, advice});
  };
  if (!ledger.defect.empty()) return add(Verdict::bad, ledger.defect, "");
  if (!ledger.is_there) {
    if (server.may_create_schema) return add(Verdict::good, "is made by the first load", "");
    return add(Verdict::bad, "is not there, and " + server.user + " may not make it",
               "once, by a user who may: pgsluice migrate status; or: grant create on database " +
                   quote_identifier(server.database) + " to " + quote_identifier(server.user));
  }
  add(Verdict::good,
      ledger.is_complete ? "is complete"
                         : "is of another version, and is brought up to date by the next load",
      "");
  if (!ledger.unfinished.empty())
    add(Verdict::doubtful, "loads that are unfinished: " + all_of(ledger.unfinished),
        "the same command goes on with each; pgsluice loads --state unfinished shows them, "
        "pgsluice loads forget ID gives one up");
  if (!ledger.prepared.empty())
    add(Verdict::bad,
        "commands that are gone have left prepared transactions, with their rows and locks, of "
        "loads: " +
            all_of(ledger.prepared),
        "the same command ends them, or pgsluice loads forget ID");
  if (!ledger.without_indexes.empty())
    add(Verdict::doubtful,
        "indexes are missing that these loads have dropped: " + all_of(ledger.without_indexes),
        "pgsluice loads restore ID");
  if (!ledger.damaged.empty())
    add(Verdict::bad, "rows of these loads are damaged: " + all_of(ledger.damaged),
        "pgsluice loads show ID says what is wrong");
}

}  // namespace

std::vector<Finding> judge(const Facts& facts) {
  Findings findings;
  judge_connection(facts.server, findings);
  judge_server(facts.server, findings);
  judge_clock(facts.server, findings);
  if (facts.table) Table(*facts.table, facts.server.user, findings).judge();
  judge_ledger(facts, findings);
  judge_settings(facts.server, findings);
  judge_disks(facts, findings);
  return findings;
}

}  // namespace sluice::doctor
