#include "doctor/judge_settings.hpp"

#include <algorithm>

#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::doctor {
namespace {

constexpr double max_wal_usual = 4.0 * 1024 * limits::MiB;
constexpr double shared_buffers_default = 128.0 * limits::MiB;
constexpr std::int64_t connections_left_usual = 8;

/// In bytes, of a setting that is a size; in milliseconds of one that is a time.
double amount_of(const Setting& setting) {
  if (setting.unit == "8kB") return setting.value * 8 * limits::KiB;
  if (setting.unit == "kB") return setting.value * limits::KiB;
  if (setting.unit == "MB") return setting.value * limits::MiB;
  if (setting.unit == "s") return setting.value * 1000;
  if (setting.unit == "min") return setting.value * 60'000;
  return setting.value;
}

std::string bytes_text(double bytes) {
  return format_bytes(static_cast<std::uint64_t>(std::max(0.0, bytes)));
}

class Settings {
 public:
  Settings(const ServerFacts& server, std::vector<Finding>& findings)
      : server_(server), findings_(findings) {}

  void judge() {
    judge_speed();
    judge_safety();
    judge_limits();
  }

 private:
  const Setting* find(const std::string& name) const {
    const auto found = server_.settings.find(name);
    return found == server_.settings.end() ? nullptr : &found->second;
  }
  bool is(const std::string& name, const std::string& text) const {
    const Setting* const setting = find(name);
    return setting != nullptr && setting->text == text;
  }
  double amount(const std::string& name) const {
    const Setting* const setting = find(name);
    return setting == nullptr ? 0 : amount_of(*setting);
  }
  void doubt(const std::string& name, const std::string& message, const std::string& advice) {
    findings_.push_back({name, Verdict::doubtful, message, advice});
  }
  static std::string alter(const std::string& name, const std::string& value) {
    return "alter system set " + name + " = '" + value + "'; select pg_catalog.pg_reload_conf()";
  }

  void judge_speed() {
    const double wal = amount("max_wal_size");
    if (wal > 0 && wal < max_wal_usual)
      doubt("max_wal_size",
            "is " + bytes_text(wal) +
                ": a large load forces a checkpoint each time "
                "that it has written so much",
            alter("max_wal_size", "8GB"));
    const double buffers = amount("shared_buffers");
    if (buffers > 0 && buffers <= shared_buffers_default)
      doubt("shared_buffers",
            "is " + bytes_text(buffers) +
                ", what a server has that nobody has "
                "fitted to its machine",
            "about a quarter of the memory, and a restart");
    if (is("log_statement", "all") || is("log_statement", "mod"))
      doubt("log_statement", "each statement of a load is written to the log",
            alter("log_statement", "ddl"));
    const Setting* const slow = find("log_min_duration_statement");
    if (slow != nullptr && slow->value == 0)
      doubt("log_min_duration_statement", "each statement of a load is written to the log",
            alter("log_min_duration_statement", "1s"));
    const Setting* const standbys = find("synchronous_standby_names");
    if (standbys != nullptr && !standbys->text.empty() && !is("synchronous_commit", "off") &&
        !is("synchronous_commit", "local"))
      doubt("synchronous_standby_names", "each chunk waits for a standby to have it",
            "where that is not wanted: --set synchronous_commit=local");
  }
  void judge_safety() {
    for (const char* const name : {"fsync", "full_page_writes"})
      if (is(name, "off"))
        doubt(name,
              "is off: a crash of the machine may damage the whole database, with what the "
              "ledger calls stored",
              alter(name, "on"));
    if (is("autovacuum", "off"))
      doubt("autovacuum", "is off: nobody analyzes a table that was loaded",
            alter("autovacuum", "on"));
    if (is("default_transaction_read_only", "on"))
      findings_.push_back({"default_transaction_read_only", Verdict::bad,
                           "is on for this user: nothing can be stored",
                           "alter role " + quote_identifier(server_.user) +
                               " set default_transaction_read_only = off"});
  }
  void judge_limits() {
    for (const char* const name : {"statement_timeout", "transaction_timeout"})
      if (amount(name) > 0)
        doubt(name,
              "is " +
                  format_duration(
                      std::chrono::milliseconds(static_cast<std::int64_t>(amount(name)))) +
                  " for this user: a chunk that takes longer is cancelled",
              std::string("--set ") + name + "=0, or alter role " + quote_identifier(server_.user) +
                  " set " + name + " = 0");
    const double most = amount("max_connections") - amount("superuser_reserved_connections") -
                        amount("reserved_connections");
    const std::int64_t left = static_cast<std::int64_t>(most) - server_.connections;
    if (most > 0 && left < connections_left_usual)
      doubt("max_connections",
            "only " + std::to_string(std::max<std::int64_t>(left, 0)) + " connections are left",
            "--jobs 1, or a higher max_connections, and a restart");
    for (const auto& [limit, whose] : {std::pair{server_.role_connections_max, "role"},
                                       std::pair{server_.database_connections_max, "database"}})
      if (limit >= 0 && limit < connections_left_usual)
        doubt("connection limit",
              std::string("of the ") + whose + " is " + std::to_string(limit) +
                  ": a load has one for each of --jobs, and one more",
              "--jobs 1, or a higher limit");
  }

  const ServerFacts& server_;
  std::vector<Finding>& findings_;
};

}  // namespace

void judge_settings(const ServerFacts& server, std::vector<Finding>& findings) {
  Settings(server, findings).judge();
}

}  // namespace sluice::doctor
