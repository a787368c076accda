#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/names.hpp"
#include "base/position.hpp"
#include "csv/dialect.hpp"
#include "csv/scanner.hpp"
#include "rejects/budget.hpp"
#include "script/script.hpp"
#include "source/source.hpp"
#include "tuple/encoder.hpp"
#include "tuple/new_table.hpp"
#include "writer/catalog.hpp"
#include "writer/merge.hpp"

namespace sluice::plan {

enum class HeaderMode {
  match,  ///< the first record names the columns
  skip,   ///< there is a header, and it is ignored
  none,   ///< the first record is data
};
constexpr auto names_of(HeaderMode) {
  return std::array{Named{HeaderMode::match, "match"}, Named{HeaderMode::skip, "skip"},
                    Named{HeaderMode::none, "none"}};
}

/// The strategy that the user asks for.
enum class WriterChoice { automatic, copy, insert };
constexpr auto names_of(WriterChoice) {
  return std::array{Named{WriterChoice::automatic, "auto"}, Named{WriterChoice::copy, "copy"},
                    Named{WriterChoice::insert, "insert"}};
}

/// What becomes of a source whose content another one, of another name, has brought already.
enum class SameContent { refuse, load, skip };
constexpr auto names_of(SameContent) {
  return std::array{Named{SameContent::refuse, "refuse"}, Named{SameContent::load, "load"},
                    Named{SameContent::skip, "skip"}};
}

/// What becomes of a source that begins with all of what a finished load has read, and goes on.
enum class Grown {
  refuse,
  append,  ///< what is behind it is loaded
  load,    ///< all of it is
};
constexpr auto names_of(Grown) {
  return std::array{Named{Grown::refuse, "refuse"}, Named{Grown::append, "append"},
                    Named{Grown::load, "load"}};
}

/// What is done about a source whose columns are others than those of the load before it.
enum class OnDrift {
  ignore,  ///< nothing: it is not even asked
  note,
  stop,
};
constexpr auto names_of(OnDrift) {
  return std::array{Named{OnDrift::ignore, "ignore"}, Named{OnDrift::note, "note"},
                    Named{OnDrift::stop, "stop"}};
}

/// How a load that is all or nothing comes into its table.
enum class AtomicWay {
  automatic,    ///< whichever of these suits the source and the table
  transaction,  ///< all of it in one transaction, by one connection
  prepared,     ///< in a transaction for each connection, which are prepared and then committed
  resumable,    ///< by way of a staging table, which a later run goes on with
};
constexpr auto names_of(AtomicWay) {
  return std::array{
      Named{AtomicWay::automatic, "auto"}, Named{AtomicWay::transaction, "transaction"},
      Named{AtomicWay::prepared, "prepared"}, Named{AtomicWay::resumable, "resumable"}};
}

/// How many rows --delete-missing and --replace may delete: so many, or such a share of the
/// table's.
/// --replace any, if it was not given.
struct DeletesLimit {
  bool is_given = false;
  std::optional<std::uint64_t> rows;
  double share = limits::deletes_share_default;
};

/// What of a user's wishes decides which rows come out of the same bytes. plan::meaning_of() says
/// it, and no more, as it counts.
struct RowOptions {
  csv::Dialect dialect;
  csv::Format format = csv::Format::csv;
  csv::DialectWishes wishes;  ///< for what the source itself may say of its dialect
  csv::Newline newline = csv::Newline::automatic;
  HeaderMode header = HeaderMode::match;
  bool header_given = false;         ///< else COPY's text format has none
  std::vector<std::string> columns;  ///< the CSV's columns, where the header does not name them
  std::map<std::string, std::string> renames;  ///< CSV column -> table column
  std::vector<std::string> maps;               ///< the same, as --map has it
  std::vector<std::string> skipped_columns;    ///< CSV columns that go nowhere
  bool ignore_extra = false;
  tuple::ValueWishes values;
  std::string where;   ///< SQL: records for which it is not true are left out; empty: none are
  std::string select;  ///< SQL: what becomes of a record's values; empty: each goes to its column
  std::uint64_t skip_lines = 0;
  std::uint64_t skip_footer = 0;
  std::uint64_t record_lines_max = 0;  ///< 0: any number
  std::optional<std::uint64_t> limit;
  std::string encoding;  ///< empty: the session's
  tuple::RecordPolicy record_policy;
  writer::Settings settings;
  writer::OnConflict on_conflict = writer::OnConflict::error;
  std::vector<std::string> key;             ///< empty: the primary key
  std::optional<writer::Dedupe> dedupe;     ///< nothing: first for nothing, last for update
  std::vector<std::string> update_columns;  ///< empty: all of the source but the key
  bool update_if_changed = false;
  bool atomic = false;  ///< all rows or none
  std::string
      replace;  ///< an SQL condition: what it is true for goes when the rows come, if not empty
  bool delete_missing = false;  ///< rows whose key no record has go when the rows come
  /// SQL that the transaction runs which finishes the load; or nothing.
  std::shared_ptr<const script::Script> after_sql;

  bool deletes() const { return !replace.empty() || delete_missing; }
  bool is_all_or_nothing() const { return atomic || deletes(); }
};

/// A table that the loads of a command are to make (--create), as they share it.
struct TableToMake {
  tuple::NewTable table;           ///< no column: it is there already
  std::string mark;                ///< JSON: what its load keeps in the ledger, for later commands
  std::set<std::string> contents;  ///< fingerprints of the sources that it is made for
  std::vector<std::string> notes;  ///< what is to be known of it, and is said where it is made
  std::optional<LoadId> made_by;   ///< the load that has made it; nothing: nobody yet
  bool is_new = false;             ///< made by this command
  bool came_meanwhile = false;     ///< somebody else has made it while this command looked at files
};

/// How far a replica may be behind; zero: no limit.
struct LagLimit {
  std::chrono::milliseconds time{};
  std::uint64_t bytes = 0;

  bool is_given() const { return bytes > 0 || time > std::chrono::milliseconds::zero(); }
};

/// What does not: how the rows are brought, how fast, and what is done about what is there already.
struct RunOptions {
  bool joins() const { return lease > std::chrono::milliseconds::zero(); }

  WriterChoice writer = WriterChoice::automatic;
  std::size_t batch_rows = limits::batch_rows_default;  ///< of one INSERT
  std::optional<std::uint64_t> bytes_per_second_max;
  std::optional<std::uint64_t> rows_per_second_max;
  std::size_t chunk_bytes = limits::chunk_bytes_default;
  std::size_t record_bytes_max = limits::record_bytes_default;
  source::UnpackOptions unpack;
  std::size_t jobs = 0;  ///< connections; 0 chooses
  csv::Scanner::Form scanner = csv::Scanner::Form::automatic;
  AtomicWay atomic_way = AtomicWay::automatic;
  bool truncate = false;
  bool again = false;
  bool reread = false;  ///< what was loaded already is compared, whatever its stamp says
  DeletesLimit deletes_max;
  bool set_sequences = false;  ///< those of columns that are loaded go on behind the rows
  bool analyze = false;
  bool others_stored = false;  ///< earlier sources of the command, which left that to this one
  SameContent same_content = SameContent::refuse;
  Grown grown = Grown::refuse;
  OnDrift on_drift = OnDrift::ignore;
  bool accept_at_least_once = false;  ///< rows in another server may be stored twice
  LagLimit lag_max;
  /// While so many sessions of the server are at work, the load's among them, it uses fewer
  /// connections, down to one.
  std::optional<std::size_t> load_max;
  bool use_ledger = true;
  /// Other commands load the same sources (--join): what one of them holds is left to it, until it
  /// has been silent for so long. Zero: there are none.
  std::chrono::milliseconds lease{};
  /// They share a large source by segments of so many bytes; 0: each source is one command's.
  std::uint64_t segment_bytes = 0;
  bool defer_indexes = false;
  bool more_follows =
      false;  ///< another source goes into the same table: leave indexes to that load
  std::shared_ptr<TableToMake> makes;      ///< the table; nothing: it is there
  std::vector<std::string> notes;          ///< what was found out before, to be said with it
  std::shared_ptr<source::Source> opened;  ///< what comes once, and was looked at already
  bool dry_run = false;
  bool check = false;  ///< judge all records and keep none
  rejects::RejectLimits rejects;
  std::string rejects_path;    ///< of the CSV; empty: beside the source
  bool rejects_table = false;  ///< instead of files: pgsluice.rejects
  /// What a check tells of each bad record, in file order: on any thread, but one at a time.
  std::function<void(const tuple::Reject&)> on_reject;
  std::chrono::milliseconds retry_for = limits::retry_for_default;
};

/// Who feeds this process, and what he has to say of the source.
struct NamedUpload {
  std::string key;  ///< by which the load is found again (ledger::NewLoad::upload_key)
  /// Its load may be gone on with at an offset of the source: that is text in UTF-8 as it comes.
  bool is_resumable = false;
  std::size_t kept_bytes =
      0;                     ///< of its beginning, that come once more; 0: it comes from its start
  std::uint64_t offset = 0;  ///< ... and then what is behind this one
};

/// What the user asks for: one source into one table.
struct LoadOptions : RowOptions, RunOptions {
  std::string path;   ///< "-" is stdin
  std::string table;  ///< as in SQL
  std::optional<NamedUpload> upload;
};

}  // namespace sluice::plan
