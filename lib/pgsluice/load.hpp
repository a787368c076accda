#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Loads of files and streams into PostgreSQL, from a program of one's own: what `pgsluice load`
/// does, in this process. This header needs nothing but the standard library.
///
///   pgsluice::Load load({.connection = "dbname=app", .table = "trips"}, "trips.csv.gz");
///   const pgsluice::Report report = load.run();  // report.rows_stored
///
/// What `pgsluice load` says of files counts here too (docs/loading.md): a chunk is one
/// transaction, the same load again goes on where it stopped, and one that is done does nothing.
namespace pgsluice {
/// What a program was compiled against is what it links: an incompatible version is v2.
inline namespace v1 {

/// The library's version, by semantic versioning: "1.0.0".
std::string_view version();

/// A load. What is not set is as the program has it by default.
struct LoadOptions {
  enum class Header {
    match,  ///< the first record names the columns
    skip,   ///< there is one, and it is ignored
    none,   ///< the first record is data
  };
  enum class OnConflict {
    error,    ///< a record whose key is in the table is a bad one
    nothing,  ///< it is left out
    update,   ///< it takes the row's place
  };

  /// A database name, a URI or a conninfo string; empty: as PG* variables say. Passwords also from
  /// .pgpass and service files, as libpq finds them.
  std::string connection = {};
  std::string table = {};  ///< as in SQL: `trips`, `public."Trips"`; it must be there

  // How the bytes are read.
  Header header = Header::match;
  std::vector<std::string> columns = {};  ///< of the source in its order; empty: the header's
  char delimiter = ',';
  char quote = '"';                           ///< '\0': there are none
  std::optional<std::string> null_text = {};  ///< what is NULL; nothing: an empty unquoted value
  std::string encoding = {};                  ///< "latin1"; empty: the session's

  // What becomes of records.
  OnConflict on_conflict = OnConflict::error;
  std::vector<std::string> key = {};         ///< for on_conflict; empty: the primary key
  bool atomic = false;                       ///< all rows or none
  bool truncate = false;                     ///< the table is emptied first
  std::optional<std::uint64_t> rejects_max;  ///< bad records; nothing: the first one is an Error
  /// Where they go, as CSV; empty: beside the source, or into the working folder for a stream.
  std::string rejects_path = {};

  // How they are brought.
  std::size_t connections = 0;             ///< up to 256; 0 chooses
  std::uint64_t bytes_per_second_max = 0;  ///< of the source; 0: any number
  bool again = false;      ///< although the same bytes are in the table, by an earlier load
  bool use_ledger = true;  ///< false: nothing is kept in the schema pgsluice, and nothing resumed
  bool defer_indexes = false;  ///< secondary ones are built behind the rows
};

/// How far a load is.
struct Progress {
  enum class Stage { preparing, verifying, loading, indexing, publishing, finishing };
  Stage stage = Stage::preparing;
  std::uint64_t bytes_done = 0;              ///< of the source, stored by this or an earlier run
  std::optional<std::uint64_t> bytes_total;  ///< where it is known
  std::uint64_t rows_stored = 0;             ///< by this run
  std::uint64_t rows_rejected = 0;           ///< by this run
};

/// What a load did.
struct Report {
  bool nothing_to_do = false;        ///< the same load was done before
  bool resumed = false;              ///< an earlier run has stored a part
  std::optional<std::int64_t> load;  ///< its number in the ledger: `pgsluice loads show`
  // Over all runs of the load.
  std::uint64_t records_read = 0;
  std::uint64_t rows_stored = 0;     ///< new in the table
  std::uint64_t rows_updated = 0;    ///< took a row's place
  std::uint64_t rows_unchanged = 0;  ///< equal to the row that is there
  std::uint64_t rows_skipped = 0;    ///< left out by on_conflict, a trigger, or as blank lines
  std::uint64_t rows_rejected = 0;
  std::uint64_t bytes = 0;        ///< of the source, stored by this run
  double seconds = 0;             ///< of this run
  std::string rejects_path = {};  ///< empty: no record was rejected into a file
  std::vector<std::string> notes = {};
};

/// A load that has not come to its end. what() says why, for people, with file, line and advice.
class Error : public std::runtime_error {
 public:
  enum class Kind {
    failed,
    usage,        ///< options that cannot be, a file that is not there
    denied,       ///< a right is missing
    connect,      ///< no server, or it does not let us in
    bad_record,   ///< and no rejects were allowed
    budget,       ///< more bad records than rejects_max
    held,         ///< another run has the same load
    changed,      ///< the source is another than what was loaded before
    interrupted,  ///< by stop() or cancel(): the same load goes on
  };
  Error(Kind kind, std::string sql_state, Report report, const std::string& what);

  Kind kind() const noexcept { return kind_; }
  /// PostgreSQL's five characters; empty where the server has said none.
  const std::string& sql_state() const noexcept { return sql_state_; }
  /// What is stored all the same.
  const Report& report() const noexcept { return report_; }

 private:
  Kind kind_;
  std::string sql_state_;
  Report report_;
};

/// Bytes that come once, from a program of one's own.
struct Stream {
  /// Fills `into` with up to `size` bytes and returns how many; 0 only at the end (an error is
  /// thrown: more than `size`, as -1 is, ends the load too). It may block, is
  /// called on a thread of the load's own, by one at a time, and is not called any more when run()
  /// has returned. What it throws ends the load and is thrown by run() as it is.
  std::function<std::size_t(char* into, std::size_t size)> read;
  /// By which messages and the ledger know it. A load that was stopped goes on if the same bytes
  /// come again under the same name.
  std::string name;
};

/// One load. It uses no signal, prints nothing, and shares nothing with others: several may run at
/// once, each on a thread of its own.
class Load {
 public:
  /// A file, packed or not, a member of an archive, https://... or s3://..., as on the command
  /// line.
  Load(LoadOptions options, std::string path);
  Load(LoadOptions options, Stream stream);
  ~Load();
  Load(Load&& other) noexcept;
  Load& operator=(Load&& other) noexcept;

  /// Has `tell` called on run()'s thread, about that often. It must not throw. REQUIRES: before
  /// run().
  void on_progress(std::function<void(const Progress&)> tell,
                   std::chrono::milliseconds every = std::chrono::milliseconds(100));

  /// Runs to the end; blocks. Threads of its own encode and read. Throws Error, and what a Stream
  /// throws. It can be done once.
  Report run();

  /// No more is read, and what is under way is stored; run() throws Error(interrupted). Any thread,
  /// at any time, but not in a handler of a signal.
  void stop();
  /// What is under way is given up too.
  void cancel();

 private:
  class Impl;
  /// Throws Error(usage) where it was moved from.
  Impl& required() const;

  std::unique_ptr<Impl> impl_;
};

}  // namespace v1
}  // namespace pgsluice
