#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// Whether loads into a database will go well, found out before they are tried.
namespace sluice::doctor {

/// A setting as pg_settings has it.
struct Setting {
  double value = 0;  ///< of a number in the setting's unit; 0 for words
  std::string text;
  std::string unit;  ///< "8kB", "MB", "s", "ms"; may be empty
};

struct ServerFacts {
  std::string user, database;
  std::string address;    ///< "db:5432", or the folder of a socket
  bool is_local = false;  ///< by a socket, or to this machine's own address
  bool is_encrypted = false;
  double round_trip_seconds = 0;
  double clock_ahead_seconds = 0;  ///< of ours
  std::string version;
  int version_number = 0;  ///< 170002
  bool is_standby = false;
  bool may_create_schema = false;
  std::map<std::string, Setting> settings;
  std::int64_t connections = 0;  ///< of clients, which count
  std::int64_t role_connections_max = -1, database_connections_max = -1;  ///< -1: no limit
  std::uint64_t database_bytes = 0;
  bool archive_fails = false;              ///< the last WAL file could not be archived
  std::int64_t idle_slots = 0;             ///< replication slots that nobody reads, and keep WAL
  std::optional<std::uint64_t> disk_free;  ///< where the data are, if that can be seen from here
};

struct TableFacts {
  std::string name;  ///< as it was asked for
  bool is_there = false;
  char kind = 'r';  ///< pg_class.relkind
  bool may_insert = false, may_select = false, may_update = false, may_truncate = false;
  bool may_use_schema = false;
  bool is_owner = false;
  bool is_unlogged = false;
  bool filters_rows = false;  ///< row-level security holds for this user
  std::string schema;
  std::vector<std::string> row_triggers;
  std::int64_t indexes = 0;  ///< that guard nothing
  std::int64_t foreign_keys = 0;
};

struct LedgerFacts {
  bool is_there = false;
  bool is_complete = false;
  std::string defect;  ///< why this user cannot work with it, with the remedy
  std::vector<std::int64_t> unfinished;
  std::vector<std::int64_t> damaged;
  std::vector<std::int64_t> prepared;  ///< of which commands that are gone have prepared something
  std::vector<std::int64_t> without_indexes;  ///< loads whose indexes are missing
};

struct Facts {
  ServerFacts server;
  std::optional<TableFacts> table;
  LedgerFacts ledger;
  std::optional<std::uint64_t> rejects_free;  ///< where this command was called
};

}  // namespace sluice::doctor
