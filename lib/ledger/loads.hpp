#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/content_start.hpp"
#include "base/names.hpp"
#include "base/position.hpp"
#include "ledger/ledger.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// What identifies a load and what a resume must keep.
struct NewLoad {
  std::string target;
  std::uint32_t target_oid = 0;
  Sql is_empty = SqlWords("false");  ///< true if the table is seen to have no row
  std::string origin;  ///< writer::Target::origin: in which database target_oid means the table
  std::string source;
  std::string source_path;
  std::optional<std::uint64_t> source_bytes;  ///< nothing for a stream, and for what is packed
  std::string source_stamp;
  std::string fingerprint;
  std::string head;  ///< of the first bytes alone: source::head_digest()
  /// Digests of the content behind a byte-order mark, as former versions have entered it where
  /// there was one: such a load is of this content too.
  struct Marked {
    std::string fingerprint;
    std::string head;
    std::vector<std::string> short_heads;  ///< of NewLoad::short_heads, in their order
  };
  Marked marked = {};
  std::uint64_t head_bytes = 0;  ///< of so many: fewer than limits::fingerprint_bytes are all
  std::string start;             ///< source::start_of(), where these are all
  /// source::starts_of(): what it may have been before it grew, with and without a mark.
  std::vector<ContentStart> starts;
  /// The head of its first bytes as many as KnownLoads::short_lengths says: of what it may have
  /// been, and what is a load's head is what it was.
  std::vector<std::string> short_heads;
  std::string options;  ///< JSON object
  std::uint64_t chunk_bytes = 0;
  std::uint64_t record_bytes_max = 0;
  std::uint64_t segment_bytes =
      0;                     ///< its chunks lie in segments (ledger/segments); 0: they do not
  std::string rejects_path;  ///< empty: no rejects are allowed
  bool staged = false;       ///< its rows wait in a stage (ledger/stages) until all are there
  bool updates = false;      ///< --on-conflict update
  bool deletes = false;      ///< --replace, --delete-missing; only of a load that is to begin
  bool again = false;        ///< --again: whatever has brought its content, it comes once more
  std::optional<LoadId> behind_load;  ///< the load that this one goes on behind
  std::string upload_key;             ///< the name of its upload (ledger/uploads); empty: none

  /// What has a place of its own, where something else may lie by now: a file, and an object of a
  /// server, also of one that says nothing of its version and length.
  bool is_file() const {
    return source_bytes || !source_stamp.empty() || source_path.contains("://");
  }
};

/// A row of pgsluice.loads, with the sums of its chunks.
struct LoadEntry : NewLoad {
  LoadId id;
  std::string state;  ///< "unfinished", "finished", "undoing", "void"
  std::string started_at;
  std::string finished_at;
  std::int64_t runs = 0;
  /// Of a load that comes by prepared transactions (ledger/prepared): what of it is to be
  /// committed; empty: nothing yet.
  std::optional<std::string> committing;
  std::uint64_t prepared = 0;     ///< transactions of it that wait to be ended
  std::uint64_t rows_undone = 0;  ///< taken out again (load/undo)
  double seconds = 0;
  std::string limited_by;    ///< load::Bottleneck::Limit, by name; empty: nobody could say
  double limited_share = 0;  ///< of its last run's time
  Totals totals;             ///< of a finished load what came of it; else what its chunks have

  bool is_running = false;  ///< a run is at work on it; only list_loads() says so
  /// What is wrong with its row, for people: then there are id, state, target, source and
  /// started_at alone. Empty: nothing; only list_loads() and find_loads() give others.
  std::string damage;

  bool finished() const { return state == "finished"; }
  bool is_decided() const { return committing && !committing->empty(); }
  bool is_undecided() const { return committing && committing->empty(); }
  /// It is not finished, and no run is at work on it.
  bool is_left() const { return !finished() && !is_running; }
  /// Some of its rows may be taken out, and not all of them are.
  bool is_half_undone() const { return state == "undoing"; }
  /// It ended before it was finished, and nothing goes on with it.
  bool is_given_up() const { return state == "void" && finished_at.empty(); }
};

/// A load that may be of the same source, and what else decides about that.
struct KnownLoad : LoadEntry {
  std::uint64_t content_begin = 0;  ///< offset of its first chunk
  std::uint64_t content_end = 0;    ///< behind its last chunk; 0 where it has none
  bool is_emptied = false;          ///< by a crash: its table was unlogged, and its mark is gone
  bool part_gone = false;           ///< another load's --truncate may have taken some of its rows
  /// Others have written behind it what another load of its content would change: of an updating
  /// one what they have updated or deleted, of one that deletes also what they have brought.
  bool changed_since = false;
  bool has_others = false;      ///< the table has rows of other loads too
  bool of_other_table = false;  ///< which had the name that the table has now
  /// In the ledger it is of the content behind a byte-order mark; here it is not, but for its
  /// chunks (resume/counted_mark).
  bool counts_mark = false;
};

struct KnownLoads {
  std::vector<KnownLoad> loads;
  bool has_other_places = false;  ///< loads under the table's name are of another (ledger/places)
  bool has_rows = false;          ///< some load has brought rows into the table
  /// Of short contents, each length once, that loads had read and that may be beginnings of this
  /// one: their starts say so. Those of NewLoad::short_heads are not among them.
  std::vector<std::uint64_t> short_lengths;
};

/// Loads into this table, or under its name, that may be of this source, or of what it was before
/// it grew: with the same fingerprint, with the same beginning, with all of a short content that
/// this one begins with (NewLoad::short_heads), of the same path, of the same inode. Newest first;
/// void ones are left out, and of each kind there are so many at most.
inline constexpr std::size_t known_loads_max = 200;
asio::awaitable<KnownLoads> find_loads(pg::Connection& on, const NewLoad& like);

/// The load of an upload, as find_loads() gives it; void ones are left out.
asio::awaitable<std::optional<KnownLoad>> find_of_upload(pg::Connection& on, const NewLoad& like);
/// Finished loads of these sources, which all go into one table, with the stamp and the fingerprint
/// that a source has now: of those that no unfinished load may be about. Newest first.
asio::awaitable<KnownLoads> find_untouched(pg::Connection& on,
                                           const std::vector<const NewLoad*>& sources);

/// The same of all that have one of these stamps, whatever their fingerprints are. `like` says
/// which table it is.
asio::awaitable<KnownLoads> find_by_stamps(pg::Connection& on, const NewLoad& like,
                                           const std::vector<std::string>& stamps);

/// Those of these stamps that finished loads have, into whatever table.
asio::awaitable<std::set<std::string>> finished_stamps(pg::Connection& on,
                                                       const std::vector<std::string>& stamps);

/// Those of these loads on which a run is at work.
asio::awaitable<std::vector<LoadId>> running(pg::Connection& on, const std::vector<LoadId>& loads);

/// The digest and length of each load's first chunk, for those that have one.
asio::awaitable<std::map<std::int64_t, ChunkEntry>> first_chunks(pg::Connection& on,
                                                                 const std::vector<LoadId>& loads);

/// Lengths that short contents of loads have, as far as is known: the `shortest` of the
/// ContentStart of each. More may come at any time.
using Lengths = std::set<std::uint64_t>;

/// A query of one boolean: whether find_loads() would find any, or other places, or
/// loads whose rows are gone as the table was emptied.
Sql has_loads_query(const NewLoad& like);
/// ... for one of these, which all go into one table in the same way. It names the starts of
/// `lengths` alone, a small part of all, and is also true where a load has another length.
Sql has_loads_query(const std::vector<const NewLoad*>& likes, const Lengths& lengths);

/// Those that the contents of these loads have themselves.
void add_own_lengths(const std::vector<const NewLoad*>& loads, Lengths& lengths);
/// ... and those that loads of the ledger have, no longer than these.
asio::awaitable<void> find_lengths(pg::Connection& on, const std::vector<const NewLoad*>& likes,
                                   Lengths& lengths);

/// Which loads to list.
struct LoadsFilter {
  enum class State { any, running, unfinished, staged, finished, undoing, given_up, is_void };

  std::size_t count_max = 0;  ///< of the newest; 0: all
  State state = State::any;
  std::string table;             ///< as in SQL, with or without its schema; empty: any
  std::optional<LoadId> id;      ///< this one alone
  std::optional<LoadId> before;  ///< only those that were begun before this one
  std::string upload_key;        ///< those of this upload; empty: any
};
/// What a list shows, and can be asked for; `unfinished` asks for those that are staged too. `any`
/// has none.
constexpr auto names_of(LoadsFilter::State) {
  using Which = LoadsFilter::State;
  return std::array{Named{Which::running, "running"}, Named{Which::unfinished, "unfinished"},
                    Named{Which::staged, "staged"},   Named{Which::finished, "finished"},
                    Named{Which::undoing, "undoing"}, Named{Which::given_up, "given-up"},
                    Named{Which::is_void, "void"}};
}

/// Of a load that list_loads() has found.
LoadsFilter::State state_of(const LoadEntry& load);

/// Newest first, damaged ones too.
asio::awaitable<std::vector<LoadEntry>> list_loads(pg::Connection& on, LoadsFilter filter);
/// Throws Damaged.
asio::awaitable<std::optional<LoadEntry>> show_load(pg::Connection& on, LoadId id);

/// What was read of a source to its end, by all runs of its load.
struct Read {
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
};

struct Finish {
  LoadId load;
  bool finished = false;
  bool is_void = false;  ///< given up meanwhile: another run emptied the table, or began it again
  Totals totals;
};

/// For an UPDATE of pgsluice.loads as l: it writes now, behind all others. Where none into its
/// table has begun since, its number says as much. What publishes says it when its rows are there.
/// The last one is a step into an index; whether there is one behind would be read from all of
/// them.
inline constexpr SqlWords writes_last =
    "last_write = case when (select coalesce(n.last_write, n.load_id) from pgsluice.loads n where "
    "n.target_oid = l.target_oid order by coalesce(n.last_write, n.load_id) desc limit 1) > "
    "coalesce(l.last_write, l.load_id) then nextval('pgsluice.loads_load_id_seq') else "
    "l.last_write "
    "end";

/// What finish_load() sends, for a transaction that does more.
Sql finish_statement(LoadId load, const Read& read, double seconds, const std::string& stamp);
Finish read_finish(const pg::Result& row, const Read& read);

/// Counts one more run of a load that is resumed, and says where its rejects go; the statements
/// `behind` run in the same transaction.
asio::awaitable<void> resume_load(pg::Connection& on, LoadId id, const std::string& rejects_path,
                                  const Sql& behind);

/// Statements, each with "; " behind it, that make an unfinished load that counts a byte-order mark
/// one that does not: as it is here, with its places so many bytes less.
Sql leave_mark_out_statements(const KnownLoad& load, const NewLoad& now, std::uint64_t mark_bytes);

/// A statement with "; " behind it: the load ends otherwise than it was begun with, by what `now`
/// says of --after-sql.
Sql end_otherwise_statement(LoadId load, const NewLoad& now);

/// The statement, with "; " behind it, that makes an unfinished load one of the longer source that
/// has grown out of its own.
Sql grow_statement(LoadId id, const NewLoad& now);

/// The statement that declares loads void: what they stored is gone or no longer counts.
Sql void_load_statement(LoadId id);
/// Statements, each with "; " behind it, before the table of `like` is emptied, with `except` left
/// out. Loads into it and what is below it (partitions,
/// children) are void: no row of theirs is left. Of those into what is above it (parents, views) a
/// part is gone.
Sql empties_table_statement(const NewLoad& like, std::optional<LoadId> except = {});
/// Statements, each with "; " behind it, that say that an unlogged table had this load's rows;
/// `load` is SQL for its number.
Sql mark_statement(const Sql& load);
/// Whether the load's mark is there: a crash that empties unlogged tables takes it too.
asio::awaitable<bool> has_mark(pg::Connection& on, LoadId id);

/// Adds the time of a run that did not finish the load. Returns what the ledger has of it.
asio::awaitable<Totals> end_run(pg::Connection& on, LoadId id, double seconds);

/// Adds the time of the last run and declares the load finished, if the sums of its chunks are what
/// was read; otherwise changes nothing. `stamp` is the source's when it was read.
asio::awaitable<Finish> finish_load(pg::Connection& on, LoadId id, const Read& read, double seconds,
                                    const std::string& stamp);

}  // namespace sluice::ledger
