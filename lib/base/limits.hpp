#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Every bound of the program by its name. What a flag can change is a default; the rest are fixed.
namespace sluice::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;

/// A COPY statement costs the server about 2 ms whatever it carries: 2.6 % of a chunk of this size.
inline constexpr std::size_t chunk_bytes_default = 8 * MiB;
/// The least that the first chunks are cut to.
inline constexpr std::size_t first_chunk_bytes = 1 * MiB;
/// Files that are stored in one transaction: at least, where there are so many, and at most; and
/// what they have together.
inline constexpr std::size_t files_together_min = 8;
inline constexpr std::size_t files_together_max = 32;
inline constexpr std::size_t bytes_together_max = 1 * MiB;
/// What is read at once of a text in another encoding.
inline constexpr std::size_t transcode_bytes = 256 * KiB;
inline constexpr std::size_t chunk_bytes_max = 1024 * MiB;
/// A chunk has at most one value for so many of its bytes: what a chunk of short values becomes is
/// bounded too.
inline constexpr std::size_t bytes_per_entry_min = 10;
inline constexpr std::size_t entries_min = 64;
/// What is read and then scanned while it is still in the CPU's cache.
inline constexpr std::size_t scan_slice_bytes = 256 * KiB;
inline constexpr std::size_t record_bytes_default = 64 * MiB;
/// Offsets inside a chunk are 32 bits; a grown chunk stays below them.
inline constexpr std::size_t record_bytes_max = 2047 * MiB;
/// A record of more lines is worth a note: a quote in it may be a stray one.
inline constexpr std::uint64_t record_lines_usual = 1'000;
/// Lines at a source's end that are not read (--skip-footer): they wait in memory.
inline constexpr std::uint64_t footer_lines_max = 1'000;

/// What PQputCopyData gets at once. libpq buffers without bound, so a flush follows each slice; 8
/// KiB slices cost 20 % and 8 MiB slices three times the client's CPU.
inline constexpr std::size_t copy_slice_bytes = 256 * KiB;

/// What a pipeline has on its way at most: enough for 20 ms of round trip at the rate of single-row
/// statements, and for what a server does with batches of rows meanwhile.
inline constexpr std::size_t pipeline_commands_max = 16'384;
inline constexpr std::size_t pipeline_bytes_max = 4 * MiB;
/// Queued commands are sent when there is so much of them.
inline constexpr std::size_t pipeline_send_bytes = 32 * KiB;
/// Rows of one INSERT: more gain nothing, fewer cost the server's time for a statement.
inline constexpr std::size_t batch_rows_default = 5'000;
inline constexpr std::size_t batch_rows_max = 1'000'000;
/// ... or as many as make so much, for wide rows.
inline constexpr std::size_t batch_bytes_max = 1 * MiB;

/// What the rows of one result may take. The longest are lists: a million chunks of a load take a
/// third of this.
inline constexpr std::size_t answer_bytes_max = 512 * MiB;
/// Results of a query beyond those of its statements: rules of a table may add some.
inline constexpr std::size_t extra_results_max = 1000;
/// What a server may say beside notices before it answers: libpq keeps some of that.
inline constexpr std::size_t chatter_bytes_max = 64 * MiB;

inline constexpr std::size_t jobs_max = 256;
/// More than this only when it is asked for: each takes about two chunks of memory.
inline constexpr std::size_t default_jobs_max = 16;
/// A load that finds out by itself what is best tries up to so many, as far as their buffers take
/// no more than this and than this part of what the process may use.
inline constexpr std::size_t tuned_jobs_max = 32;
inline constexpr std::uint64_t tuned_memory_bytes = 512 * MiB;
inline constexpr std::uint64_t tuned_memory_share = 8;
/// One of fewer chunks is over before anything is found out.
inline constexpr std::uint64_t tuned_chunks_min = 64;
inline constexpr std::chrono::milliseconds tune_look = 100ms;
inline constexpr std::size_t load_max_max = 100'000;
/// How often is asked what others do at the server (--max-load).
inline constexpr std::chrono::milliseconds neighbours_look = 500ms;

/// The beginning of a source, which (with its length) makes its fingerprint.
inline constexpr std::size_t fingerprint_bytes = 64 * KiB;

/// What a stream keeps of its beginning: its first chunk can be compared with earlier loads.
inline constexpr std::size_t stream_kept_bytes = 2 * MiB;

/// What is read at once of what is packed.
inline constexpr std::size_t packed_read_bytes = 128 * KiB;
/// How far unpacking may be ahead of who reads: buffers of so many bytes each.
inline constexpr std::size_t ahead_bytes = 512 * KiB;
inline constexpr std::size_t ahead_buffers = 6;
/// For windows and dictionaries: xz -9 and zstd --long=27 stay below it.
inline constexpr std::size_t decode_memory_default = 256 * MiB;
/// What is packed twice, such as a .csv.gz in a .zip, is unpacked; what is packed more often is
/// not.
inline constexpr std::size_t packings_max = 2;

/// What is fetched over HTTP: so many parts of one object at once, of so many bytes each.
inline constexpr std::size_t fetch_jobs_default = 4;
inline constexpr std::size_t fetch_jobs_max = 64;
inline constexpr std::size_t part_bytes_default = 8 * MiB;
inline constexpr std::size_t part_bytes_min = 64 * KiB;
inline constexpr std::size_t part_bytes_max = 1024 * MiB;
inline constexpr std::chrono::milliseconds fetch_connect_timeout = 10s;
/// A server may have to make what it answers; a body that has begun and stands still for so long is
/// asked for again.
inline constexpr std::chrono::milliseconds fetch_answer_max = 5min;
inline constexpr std::chrono::milliseconds fetch_stall_max = 30s;
inline constexpr std::size_t redirects_max = 10;
/// Small objects that are fetched side by side: as many as are stored together.
inline constexpr std::size_t objects_at_once_default = 32;
/// Of one answer, those behind its body too.
inline constexpr std::size_t answer_header_bytes_max = 64 * KiB;
/// Of an answer that is no object: a listing, credentials.
inline constexpr std::size_t small_answer_bytes_max = 64 * MiB;
/// What is read of an answer that nobody wants, so that its connection serves again.
inline constexpr std::size_t unwanted_bytes_max = 64 * KiB;

inline constexpr std::chrono::milliseconds connect_timeout = 30s;
inline constexpr std::chrono::milliseconds retry_for_default = 5min;
inline constexpr std::chrono::milliseconds retry_delay_min = 100ms;
inline constexpr std::chrono::milliseconds retry_delay_max = 15s;
/// How long a connection may be without a byte in either direction while something is under way. A
/// server that waits for a lock, or whose disk is slow, is silent too.
inline constexpr std::chrono::milliseconds stall_default = 15min;
/// A silent peer is asked after a minute, and given up after another.
inline constexpr std::chrono::seconds keepalives_idle = 60s;
inline constexpr std::chrono::seconds keepalives_interval = 10s;
inline constexpr int keepalives_count = 6;
/// A connection that was idle for longer is asked whether it lives: firewalls forget such ones.
inline constexpr std::chrono::milliseconds idle_check_after = 30s;
/// How long the pool does not ask for more connections after the server had no room for one.
inline constexpr std::chrono::milliseconds park_time = 2s;
/// How long a command without a terminal, and a scheduler, wait at their start for a server that is
/// starting or not there yet, and how often it is asked.
inline constexpr std::chrono::milliseconds server_wait = 30s;
inline constexpr std::chrono::milliseconds server_wait_of_scheduler = 60s;
inline constexpr std::chrono::milliseconds server_poll_max = 2s;
/// After the first Ctrl-C, how long the chunks in flight may take before they are cancelled.
inline constexpr std::chrono::milliseconds stop_grace = 10s;

/// How long a run waits for the lock of its load, and how often it looks: as long as a killed
/// client's backend may take to notice, and no longer.
inline constexpr std::chrono::milliseconds lock_patience = 2s;
inline constexpr std::chrono::milliseconds lock_poll = 100ms;

/// How often a load looks at what its sessions wait for.
inline constexpr std::chrono::milliseconds session_look = 1s;

/// How often a load looks at how far replicas are (--max-lag), and chunks ask whether they may go.
inline constexpr std::chrono::milliseconds lag_look = 200ms;
inline constexpr std::chrono::milliseconds lag_poll = 50ms;

/// Commands that load the same files (--join) go through them in blocks of so many, each in another
/// order: of a block the ledger is asked at once what others have loaded. What they hold is looked
/// at again that often.
inline constexpr std::size_t join_block_files = 128;
inline constexpr std::chrono::milliseconds join_poll = 500ms;
/// A command that the server has not heard of for so long is given up; it shows so many times
/// within that time that it lives.
inline constexpr std::chrono::milliseconds join_lease = 60s;
inline constexpr std::chrono::milliseconds join_lease_min = 1s;
inline constexpr int join_beats = 4;
/// A larger file they share in segments of so many bytes, each of which is read into memory whole:
/// it is read once, and twice where that is the limit. How often one looks for what it waits for.
inline constexpr std::uint64_t segment_bytes = 64 * MiB;
inline constexpr std::uint64_t segment_bytes_min = 1 * KiB;
/// There are smaller ones where there would be fewer than so many, but not below the size of a
/// chunk.
inline constexpr std::uint64_t segments_wanted = 32;
inline constexpr std::uint64_t segment_bytes_alone = 8 * MiB;
inline constexpr std::uint64_t segment_bytes_max = 1024 * MiB;
inline constexpr std::chrono::milliseconds segment_poll = 100ms;

/// What migrations wait for: their turn, a busy table, and the server after a lost connection.
inline constexpr std::chrono::milliseconds migration_lock_wait = 60s;
inline constexpr std::chrono::milliseconds migration_lock_poll_max = 500ms;
inline constexpr std::chrono::milliseconds migration_lock_timeout = 3s;
/// How often it is looked whether a wait for the server is to end.
inline constexpr std::chrono::milliseconds migration_watch_every = 100ms;
/// How long a server may take to cancel a statement, or to answer when a stop was asked for: it is
/// a part of the time that a stop may take (stop_grace).
inline constexpr std::chrono::milliseconds migration_cancel_patience = 3s;
/// After SIGTERM, how long a file may go on where nobody looks on.
inline constexpr std::chrono::milliseconds migration_stop_unattended = 3s;
inline constexpr std::size_t migration_retries = 5;
inline constexpr std::chrono::milliseconds migration_retry_delay_min = 1s;
inline constexpr std::chrono::milliseconds migration_reconnect = 60s;
/// A file that failed sooner is run again and rolled back to find the statement.
inline constexpr std::chrono::milliseconds migration_search_max = 10s;

/// Jobs on a schedule. A scheduler says that it lives three times in the time after which it counts
/// as lost, and stops its jobs before that time is over.
inline constexpr std::chrono::milliseconds job_lost_after = 60s;
inline constexpr std::chrono::milliseconds job_lost_after_min = 3s;
inline constexpr std::chrono::milliseconds job_grace = 30s;
/// How long after the first signal a run whose time is over gets the second one: two at once would
/// be one.
inline constexpr std::chrono::milliseconds job_second_signal = 200ms;
/// What is left of the grace period, or follows the end of what ran, to say how it ended.
inline constexpr std::chrono::milliseconds job_last_word = 500ms;
inline constexpr std::chrono::milliseconds job_runs_kept = 30 * 24h;
inline constexpr std::chrono::milliseconds job_retry_delay = 10s;
inline constexpr std::chrono::milliseconds job_retry_delay_max = 1h;
/// A file that was written to more recently may not be whole.
inline constexpr std::chrono::milliseconds job_settle = 10s;
/// Files that one load is given at once.
inline constexpr std::size_t job_files_max = 500;
/// How late a slot may begin where none is caught up.
inline constexpr std::chrono::seconds slot_late_max = 60s;
/// Missed slots that get rows of their own; older ones are counted in the first row.
inline constexpr std::size_t missed_slots_max = 1'000;
/// Older ones are counted one by one up to this number: a wrong clock may have begun in 1970.
inline constexpr std::uint64_t missed_slots_counted_max = 1'000'000;
/// How often it is looked whether a run that is waited for has ended.
inline constexpr std::chrono::milliseconds job_queue_poll = 500ms;
/// The longest sleep between two looks at the clock of the database.
inline constexpr std::chrono::milliseconds job_sleep_max = 10s;
inline constexpr std::chrono::milliseconds job_prune_every = 1h;
/// What is kept of what a job says.
inline constexpr std::size_t job_message_bytes = 4 * KiB;
/// A longer line of what a process says is told in parts.
inline constexpr std::size_t said_line_bytes = 8 * KiB;
/// What is on its way to a process that is fed.
inline constexpr std::size_t fed_pipe_bytes = 1 * MiB;
/// What is kept of the result that a process writes to its stdout.
inline constexpr std::size_t said_result_bytes = 4 * MiB;

/// `pgsluice serve`: uploads that are loaded at once, and that wait for their turn; connections.
inline constexpr std::size_t serve_loads_default = 4;
inline constexpr std::size_t serve_queue_default = 64;
inline constexpr std::size_t serve_connections_default = 512;
/// How many uploads with a name of one token may have begun, and not ended, before none in parts
/// begins: of each up to stream_kept_bytes are in the ledger.
inline constexpr std::int64_t serve_open_uploads_max = 256;
/// What is read at once of an upload.
inline constexpr std::size_t serve_read_bytes = 64 * KiB;
inline constexpr std::size_t serve_header_bytes = 16 * KiB;
/// How long a request's headers may take from their first byte on, a connection may be without a
/// request, and an upload or who reads an answer may be silent.
inline constexpr std::chrono::milliseconds serve_header_time = 10s;
inline constexpr std::chrono::milliseconds serve_keep_alive = 75s;
inline constexpr std::chrono::milliseconds serve_idle_default = 60s;
/// How long what is still sent by who was refused is read, so that the answer arrives.
inline constexpr std::chrono::milliseconds serve_linger = 2s;
/// How often who follows a load hears that the server lives.
inline constexpr std::chrono::milliseconds serve_ping_every = 15s;
/// How long the database may take for what is shown.
inline constexpr std::chrono::milliseconds serve_question_max = 10s;
/// How long the beginning of a file may take that is to be inspected, and of how many at once it is
/// in memory.
inline constexpr std::chrono::milliseconds serve_inspection_max = 30s;
inline constexpr std::size_t serve_inspections_max = 16;
/// Of a page of what is in the database: it ends before it is longer.
inline constexpr std::size_t serve_page_bytes = 256 * KiB;
/// How many ends of loads are kept for who asks later, and how long each may be.
inline constexpr std::size_t serve_ends_max = 200;
inline constexpr std::size_t serve_end_bytes = 16 * KiB;
/// How long a database that has answered counts as one that does.
inline constexpr std::chrono::milliseconds serve_ready_kept = 1s;
/// What one page of a list has, and may have.
inline constexpr std::size_t serve_page_default = 50;
inline constexpr std::size_t serve_page_max = 1'000;

/// Of a table's rows --delete-missing may delete such a share where nobody says how many: a feed
/// that was cut is more often the reason for more.
inline constexpr double deletes_share_default = 0.2;
/// A load of so many rows into a table without statistics is worth a hint: plans that were made for
/// an empty table take long from there on.
inline constexpr std::uint64_t rows_without_statistics = 100'000;
/// So many values a sequence is advanced by nextval(), which waits for nobody and never goes back:
/// 0.2 s.
inline constexpr std::uint64_t sequence_steps_usual = 1'000'000;
/// ... and so many where the user does not own it, who could lock it.
inline constexpr std::uint64_t sequence_steps_max = 50'000'000;
/// Bytes of a table that one transaction of `loads undo` looks through.
inline constexpr std::uint64_t undo_batch_bytes = 64 * MiB;

/// Tuples of a chunk that the table may refuse, from which on the server goes through them by
/// itself; and how many it tells of at once.
inline constexpr std::uint64_t trial_suspects_min = 8;
inline constexpr std::size_t trial_refusals_max = 100'000;

/// Up to so many bytes a load that is all or nothing goes in by one transaction, if nobody says
/// how.
inline constexpr std::uint64_t one_transaction_bytes_max = 1024 * MiB;

/// Records that one look at a publication that was refused finds; more come with the next.
inline constexpr std::size_t publication_refusals_max = 10'000;

/// Before all records are counted, so many times more bad ones than --max-reject-ratio allows of
/// those that there seem to be are too many.
inline constexpr double ratio_estimate_factor = 4;
/// When so many tuples were refused alone with one SQLSTATE, and none was taken, so many others of
/// their lane are tried before more are.
inline constexpr std::uint64_t refused_alike_max = 16;
inline constexpr std::uint64_t probes_max = 8;
/// Tuples that the server named among others, and then refused alone, until its word is enough.
inline constexpr std::size_t names_proved_min = 3;
/// Of a reject file's name, what comes from the source's: with room for what is put behind it.
inline constexpr std::size_t reject_name_bytes_max = 180;
/// How many names are tried for a reject file that must not replace another one.
inline constexpr int reject_names_max = 10'000;
/// What is gathered of rejects before it is written.
inline constexpr std::size_t reject_buffer_bytes = 256 * KiB;
/// What a chunk's refused tuples take in each lane; the others wait on the disk, and are read from
/// there in pieces.
inline constexpr std::size_t refused_memory_bytes = 512 * KiB;
inline constexpr std::size_t spill_read_bytes = 64 * KiB;
/// All of that for one chunk.
inline constexpr std::size_t rejects_memory_bytes =
    2 * (refused_memory_bytes + spill_read_bytes) + 2 * reject_buffer_bytes;
/// How much of what the server said to a tuple is kept.
inline constexpr std::size_t message_kept_bytes = 4 * KiB;
/// How much of a bad value the reasons keep; the whole record is in the CSV beside them.
inline constexpr std::size_t value_kept_bytes = 4 * KiB;
/// How often a load sends again what a crashed server has lost.
inline constexpr int resend_rounds_max = 5;

/// How much of a bad value a message shows.
inline constexpr std::size_t value_shown_bytes = 80;

}  // namespace sluice::limits
