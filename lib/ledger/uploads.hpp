#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/position.hpp"
#include "base/sql.hpp"
#include "ledger/loads.hpp"
#include "pg/connection.hpp"

/// Uploads that have a name (pgsluice.uploads): what a server that takes them must know of one that
/// comes once more, here or on another host. Texts are JSON where it says so.
namespace sluice::ledger {

struct NamedUpload {
  std::string key;  ///< pgsluice.loads has it too
  std::string owner;
  std::string target;
  std::string arguments;       ///< JSON
  std::string content = "{}";  ///< JSON
};

/// The load that was begun under that name.
struct LoadOfUpload {
  LoadId id;
  bool is_running = false;
  bool waits_in_stage = false;  ///< it is not finished, and none of its rows is in the table
  /// Offset of the content behind its chunks, as far as none is missing; 0 where there is none.
  std::uint64_t stored_end = 0;
};

struct KnownUpload : NamedUpload {
  bool is_new = false;
  std::size_t kept_bytes = 0;  ///< of its beginning
  bool has_mark = false;       ///< one of UTF-8 is in front of it
  std::uint64_t told_offset = 0;
  std::string answer;  ///< JSON; empty: none yet
  std::optional<LoadOfUpload> load;
};

/// Enters it, or finds the one of its key. Makes the ledger where there is none, and takes out what
/// nobody has asked for in a week. Throws PgError, Failure.
asio::awaitable<KnownUpload> enter_upload(pg::Connection& on, const NamedUpload& upload);
/// Throws PgError.
asio::awaitable<std::optional<KnownUpload>> find_upload(pg::Connection& on, const std::string& key);

/// How many of this owner have begun and have no answer.
asio::awaitable<std::int64_t> count_open_uploads(pg::Connection& on, const std::string& owner);
/// The bytes that are kept; empty: none are.
asio::awaitable<std::string> beginning_of_upload(pg::Connection& on, const std::string& key);
asio::awaitable<void> keep_beginning(pg::Connection& on, const std::string& key,
                                     const std::string& bytes);
/// The sender is told that he need not send what is in front of this.
asio::awaitable<void> note_told(pg::Connection& on, const std::string& key, std::uint64_t offset);
/// It has ended so, if nothing else has been noted; its beginning is not needed any more.
asio::awaitable<void> note_answer(pg::Connection& on, const std::string& key,
                                  const std::string& answer);
asio::awaitable<void> forget_upload(pg::Connection& on, const std::string& key);

/// A statement with "; " behind it: the load is this upload's from here on, if it is none's.
Sql name_upload_statement(LoadId load, const NewLoad& now);
/// ... and the load is no upload's.
Sql unname_upload_statement(LoadId load);

}  // namespace sluice::ledger
