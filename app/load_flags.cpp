#include "app/load_flags.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "app/load_end_flags.hpp"
#include "app/sql_flags.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "csv/dialect.hpp"
#include "plan/data_encoding.hpp"
#include "tuple/mapping.hpp"

namespace sluice::app {
namespace {

/// What a flag says that stands without a value.
constexpr std::string_view no_value = "true";

std::map<std::string, std::string> parse_pairs(const std::vector<std::string>& texts,
                                               const std::string& flag,
                                               const std::string& example) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0) {
      throw Failure(FailureKind::usage, flag + ": \"" + text +
                                            "\" has no name and value; write for example " + flag +
                                            " " + example);
    }
    pairs[text.substr(0, at)] = text.substr(at + 1);
  }
  return pairs;
}

void refuse_idle_conflict_flags(const plan::LoadOptions& o) {
  if (o.on_conflict == writer::OnConflict::error) {
    for (const auto& [is_given, flag] :
         {std::pair{!o.key.empty(), "--key"}, std::pair{o.dedupe.has_value(), "--dedupe"},
          std::pair{!o.update_columns.empty(), "--update-columns"},
          std::pair{o.update_if_changed, "--update-if-changed"}}) {
      if (!is_given) continue;
      throw Failure(
          FailureKind::usage,
          std::string(flag) + " says more about --on-conflict: give that too, nothing or update");
    }
  }
  if (o.on_conflict == writer::OnConflict::nothing &&
      (!o.update_columns.empty() || o.update_if_changed)) {
    throw Failure(FailureKind::usage,
                  "--on-conflict nothing updates no row: leave out --update-columns and "
                  "--update-if-changed, or write --on-conflict update");
  }
}

void require_sizes(const plan::LoadOptions& o) {
  if (o.chunk_bytes == 0 || o.chunk_bytes > limits::chunk_bytes_max) {
    throw Failure(FailureKind::usage,
                  "--chunk-size must be from 1 byte to " + format_bytes(limits::chunk_bytes_max));
  }
  if (o.record_bytes_max == 0 || o.record_bytes_max > limits::record_bytes_max) {
    throw Failure(FailureKind::usage, "--max-record-bytes must be from 1 byte to " +
                                          format_bytes(limits::record_bytes_max));
  }
}

/// Said before anything is asked, and of what was asked for: files are made under other names too.
void require_place_of_rejects(const std::string& path) {
  if (path.empty()) return;
  const auto refuse = [&path](const std::string& why) {
    throw Failure(FailureKind::usage, "--rejects " + path + ": " + why);
  };
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) refuse(folder + ": " + errno_message(errno));
  if (!S_ISDIR(status.st_mode)) refuse(folder + " is no folder");
  if (::lstat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) refuse("is a folder; name a file in it");
  } else if (errno != ENOENT) {
    refuse(errno_message(errno));
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    refuse("no file can be made in " + folder + ": " + errno_message(errno));
}

void refuse_contradictions(const LoadFlags& flags, const plan::LoadOptions& o) {
  if (!o.rejects_path.empty() && !o.rejects.allow_any() && !o.check) {
    throw Failure(FailureKind::usage,
                  "--rejects says where bad records go; say too how many there may be, for example "
                  "--max-rejects 100");
  }
  if (o.rejects_table && !o.rejects_path.empty())
    throw Failure(FailureKind::usage,
                  "--rejects-table and --rejects each say where bad records go");
  if (o.rejects_table && (!o.use_ledger || o.check))
    throw Failure(FailureKind::usage,
                  o.check ? "--rejects-table is for loads: a check keeps nothing in the database"
                          : "--rejects-table is a table of the ledger: leave out --no-ledger");
  const bool has_header_by_default = !flags.header_given && o.format != csv::Format::text;
  if (!o.columns.empty() && (has_header_by_default || o.header == plan::HeaderMode::match)) {
    throw Failure(FailureKind::usage,
                  "--columns names the file's columns; say too whether the file has a header to "
                  "skip (--header=skip) or "
                  "none (--header=none)");
  }
  if (o.defer_indexes && !o.use_ledger) {
    throw Failure(
        FailureKind::usage,
        "--defer-indexes keeps its journal in the ledger, so that no index is lost: leave "
        "out --no-ledger");
  }
  if (o.on_drift != plan::OnDrift::ignore && !o.use_ledger) {
    throw Failure(FailureKind::usage,
                  "--on-drift compares with the load before, which the ledger knows: leave out "
                  "--no-ledger");
  }
  if (o.on_drift == plan::OnDrift::stop && flags.create.adds_columns) {
    throw Failure(FailureKind::usage,
                  "--on-drift stop with --add-columns: the table would have its new columns before "
                  "the load could stop; write --on-drift note, or leave one out");
  }
  refuse_idle_conflict_flags(o);
  refuse_deletes(flags, o);
  refuse_idle_end(o);
}

/// "50MB/s" or "20000rows/s".
void parse_max_rate(const std::string& text, plan::LoadOptions& o) {
  constexpr std::string_view rows_per_second = "rows/s";
  const auto wrong = [&text](const std::string& why) {
    return Failure(FailureKind::usage, "--max-rate: \"" + text + "\": " + why +
                                           "; write for example 50MB/s or 20000rows/s");
  };
  const bool in_rows = text.ends_with(rows_per_second);
  if (!in_rows && !text.ends_with("/s")) throw wrong("no rate");
  const auto amount =
      parse_bytes(text.substr(0, text.size() - (in_rows ? rows_per_second.size() : 2)));
  if (!amount) throw wrong(amount.error());
  if (in_rows && text.find_first_not_of("0123456789") != text.size() - rows_per_second.size())
    throw wrong("rows are counted in digits");
  if (*amount == 0) throw wrong("nothing would ever be loaded");
  (in_rows ? o.rows_per_second_max : o.bytes_per_second_max) = *amount;
}

/// "10s" or "64MB": a number alone may be meant as either.
void parse_max_lag(const std::string& text, plan::LagLimit& limit) {
  const bool has_unit = text.find_first_not_of("0123456789") != std::string::npos;
  if (const auto time = parse_duration(text); time && has_unit) {
    limit.time = *time;
  } else if (const auto bytes = parse_bytes(text); bytes && has_unit) {
    limit.bytes = *bytes;
  } else {
    throw Failure(FailureKind::usage, "--max-lag: \"" + text +
                                          "\" is no time and no size; write for example 10s or "
                                          "64MB");
  }
  if (!limit.is_given())
    throw Failure(FailureKind::usage, "--max-lag: \"" + text + "\": no replica is ever that near");
}

/// Before a server is asked, whose message would name nothing that the user has written.
void require_utf8_everywhere(const LoadFlags& flags) {
  const plan::LoadOptions& o = flags.load;
  for (const auto& [flag, text] :
       {std::pair{"--table", &o.table}, std::pair{"--encoding", &o.encoding}})
    require_utf8(flag, *text);
  if (flags.replace) require_utf8("--replace", *flags.replace);
  for (const auto& [flag, text] :
       {std::pair{"--decimal", &o.values.decimal}, std::pair{"--thousands", &o.values.thousands},
        std::pair{"--null-quoted", &flags.null_quoted}})
    require_utf8(flag, *text);
  for (const auto& [flag, texts] :
       {std::pair{"--columns", &o.columns}, std::pair{"--map", &flags.maps},
        std::pair{"--null", &flags.nulls}, std::pair{"--null-for", &o.values.nulls_for},
        std::pair{"--booleans", &o.values.booleans},
        std::pair{"--date-format", &o.values.date_formats}, std::pair{"--add", &o.values.added},
        std::pair{"--skip-column", &o.skipped_columns}, std::pair{"--set", &flags.settings},
        std::pair{"--key", &o.key}, std::pair{"--primary-key", &flags.create.primary_key},
        std::pair{"--update-columns", &o.update_columns}})
    for (const std::string& text : *texts) require_utf8(flag, text);
}

/// In an order of their own: that of the flags means nothing.
void add_nulls(std::vector<std::string> texts, csv::DialectWishes& wishes) {
  if (texts.empty()) return;
  std::ranges::sort(texts);
  const auto repeated = std::ranges::unique(texts);
  texts.erase(repeated.begin(), repeated.end());
  wishes.null_text = texts.front();
  wishes.more_null_texts.assign(texts.begin() + 1, texts.end());
}

void choose_atomic(const LoadFlags& flags, plan::LoadOptions& o) {
  o.atomic = !flags.atomic.empty();
  if (!o.atomic || flags.atomic == no_value) return;
  const auto way = value_named<plan::AtomicWay>(flags.atomic);
  if (!way) {
    throw Failure(FailureKind::usage, "--atomic=" + flags.atomic +
                                          " is no choice; write --atomic, --atomic=transaction, "
                                          "--atomic=prepared, or --atomic=resumable");
  }
  o.atomic_way = *way;
}

void choose_values(const LoadFlags& flags, tuple::ValueWishes& values) {
  if (flags.trim == no_value) {
    values.trim = tuple::Trim::unquoted;
  } else if (!flags.trim.empty()) {
    const auto trim = value_named<tuple::Trim>(flags.trim);
    if (!trim) {
      throw Failure(FailureKind::usage, "--trim=" + flags.trim +
                                            " is no choice; write --trim, or --trim=all for "
                                            "values in quotes too");
    }
    values.trim = *trim;
  }
  values.null_quoted = flags.null_quoted == no_value;
  if (flags.null_quoted.empty() || values.null_quoted) return;
  const auto columns = split_list(flags.null_quoted);
  if (!columns) {
    throw Failure(FailureKind::usage,
                  "--null-quoted=" + flags.null_quoted + " has a quote that is not closed");
  }
  values.null_quoted_columns = *columns;
}

void choose_dialect(const LoadFlags& flags, plan::LoadOptions& o) {
  csv::DialectWishes& wishes = o.wishes;
  wishes = flags.dialect;
  add_nulls(flags.nulls, wishes);
  if (o.format == csv::Format::text && (wishes.quote || wishes.escape)) {
    throw Failure(FailureKind::usage,
                  "--format text has no quotes, and its escape is the backslash: leave out --quote "
                  "and --escape, or write --quote none --escape '\\'");
  }
  for (const csv::Format format : {csv::Format::csv, csv::Format::text}) {
    if (o.format != format && o.format != csv::Format::automatic) continue;
    o.dialect = csv::dialect_of(wishes, format);
    if (const auto defect = csv::defect_of(o.dialect)) throw Failure(FailureKind::usage, *defect);
  }
  // Where the source decides, it is CSV until that is known.
  if (o.format == csv::Format::automatic) o.dialect = csv::dialect_of(wishes, csv::Format::csv);
  if (o.format == csv::Format::text && !flags.header_given) o.header = plan::HeaderMode::none;
}

}  // namespace

plan::LoadOptions options_of(const LoadFlags& flags) {
  require_utf8_everywhere(flags);
  for (const std::string& file : flags.files) {
    if (is_connection(file) && ::access(file.c_str(), F_OK) != 0)
      throw Failure(FailureKind::usage, "a connection is no file: it stands behind -d");
  }
  plan::LoadOptions o = flags.load;
  choose_dialect(flags, o);
  choose_values(flags, o.values);
  choose_sql(flags, o);
  o.limit = flags.limit;
  o.header_given = flags.header_given;
  o.maps = flags.maps;
  for (const std::string& map : o.maps) {
    if (tuple::is_map(map)) continue;
    throw Failure(FailureKind::usage,
                  "--map: \"" + map +
                      "\" has no name and value; write for example --map \"Trip ID=trip_id\"");
  }
  o.settings = parse_pairs(flags.settings, "--set", "synchronous_commit=off");
  if (o.settings.contains("client_encoding")) {
    throw Failure(
        FailureKind::usage,
        "--set client_encoding says how the session talks; write --encoding for the file");
  }
  if (flags.lock_timeout)
    o.settings["lock_timeout"] = std::to_string(flags.lock_timeout->count()) + "ms";
  o.use_ledger = !flags.no_ledger;
  o.replace = flags.replace.value_or("");
  o.deletes_max = parse_max_deletes(flags.max_deletes);
  choose_atomic(flags, o);
  o.after_sql = read_after_sql(flags.after_sql);
  o.rejects.rejects_max = flags.rejects_max;
  o.rejects.ratio_max = flags.reject_ratio_max;
  if (flags.bytes_max > 0) o.unpack.bytes_max = flags.bytes_max;
  require_sizes(o);
  require_place_of_rejects(o.rejects_path);
  refuse_contradictions(flags, o);
  refuse_create(flags.create, o);
  // What takes the place of rows is all of the file, as it is.
  if (o.deletes() && o.grown == plan::Grown::refuse) o.grown = plan::Grown::load;
  if (!flags.max_rate.empty()) parse_max_rate(flags.max_rate, o);
  if (flags.max_lag) parse_max_lag(*flags.max_lag, o.lag_max);
  plan::require_encoding(o.encoding);
  return o;
}

pg::ConnectOptions connection_of(const LoadFlags& flags) {
  pg::ConnectOptions connect = flags.common.connect;
  plan::say_encoding(flags.load.encoding, connect);
  return connect;
}

void add_conflict_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Rows";
  add_choice_option<writer::OnConflict>(
      c, "--on-conflict", f.load.on_conflict,
      "a record whose key is in the table is an error (default), is left out (nothing), or "
      "takes the row's place (update)")
      .group(group);
  add_list_option(c, "--key", f.load.key, true,
                  "columns of the unique key (default: the primary key)")
      .option_text("A,B")
      ->group(group);
  const auto dedupe = [&f](const writer::Dedupe& which) { f.load.dedupe = which; };
  add_choice_option<writer::Dedupe>(
      c, "--dedupe", dedupe,
      "which of several records with one key counts (default: first for nothing, last for update)")
      .group(group);
  add_list_option(c, "--update-columns", f.load.update_columns, true,
                  "what --on-conflict update sets (default: all columns of the file but the key)")
      .option_text("A,B")
      ->group(group);
  c.add_flag("--update-if-changed", f.load.update_if_changed,
             "leave rows alone that are equal to their record")
      ->group(group);
}

void add_row_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Rows";
  c.add_flag("--truncate", f.load.truncate,
             "empty the table when the load begins (not when it is resumed)")
      ->group(group);
  c.add_flag("--again", f.load.again,
             "load the file although it is in the table already, or unfinished")
      ->group(group);
  c.add_flag("--reread", f.load.reread,
             "read what is in the table already and compare it, though its time of change, or its "
             "ETag, says that it is what it was")
      ->group(group);
  add_choice_option<plan::SameContent>(
      c, "--same-content", f.load.same_content,
      "a file whose content another file has brought already is refused (default), loaded "
      "too, or left out")
      .group(group);
  add_choice_option<plan::Grown>(
      c, "--grown", f.load.grown,
      "a file that begins with all of an earlier load and goes on is refused (default), "
      "loaded from there on (append), or loaded whole")
      .group(group);
  add_choice_option<plan::OnDrift>(
      c, "--on-drift", f.load.on_drift,
      "a file whose columns are not those of the load before it is loaded (default; a job's: "
      "note), is loaded with a note, or not at all (stop)")
      .group(group);
  const auto limit = [&f](const std::uint64_t& records) { f.limit = records; };
  add_number_option(c, "--limit", {}, limit, "stop after N records").group(group);
  c.add_flag("--atomic", f.atomic,
             "all rows or none, in one transaction: all the way (=transaction), or from a staging "
             "table at the end (=resumable); which of the two, the source and the table decide. "
             "=prepared: in a transaction for each connection, which are committed together")
      ->group(group);
  add_delete_flags(c, f);
  add_conflict_flags(c, f);
}

void add_reject_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Bad records";
  const auto rejects_max = [&f](const std::uint64_t& records) { f.rejects_max = records; };
  add_number_option(c, "--max-rejects", {}, rejects_max,
                    "stop when more records than this are bad (default: 0, or no limit with "
                    "--max-reject-ratio)")
      .group(group);
  const auto ratio_max = [&f](const double& share) { f.reject_ratio_max = share; };
  add_share_option(
      c, "--max-reject-ratio", ratio_max,
      "stop when more than this share of the file's records is bad: 0.01 is one in a hundred")
      .group(group);
  not_empty(*c.add_option("--rejects", f.load.rejects_path,
                          "CSV file for the bad records, with the reasons beside it in .jsonl "
                          "(default: FILE.rejects.csv beside the source)"))
      .option_text("FILE")
      ->group(group);
  c.add_flag("--rejects-table", f.load.rejects_table,
             "keep the bad records in the table pgsluice.rejects instead of files")
      ->group(group);
  add_choice_option<tuple::Ragged>(
      c, "--ragged", f.load.record_policy.ragged,
      "a record with too few or too many values is a reject (default), an error whatever "
      "--max-rejects says, has NULL where values are missing at its end (pad), loses those that "
      "are "
      "too many (trim), or both (fit)")
      .group(group);
  add_choice_option<tuple::BlankLines>(
      c, "--blank-lines", f.load.record_policy.blank_lines,
      "skip them, reject them, or take each for a record of NULLs (default: as COPY, a "
      "record of one empty value)")
      .group(group);
}

void add_setting_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Safety";
  const auto lock_timeout = [&f](const std::chrono::milliseconds& time) { f.lock_timeout = time; };
  add_duration_option(c, "--lock-timeout", lock_timeout, "how long to wait for a lock on the table")
      .group(group);
  add_list_option(c, "--set", f.settings, false, "a setting for each transaction (repeatable)")
      .option_text("NAME=VALUE")
      ->group(group);
}

void add_speed_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Speed";
  const auto jobs = [&f](const std::uint64_t& connections) { f.load.jobs = connections; };
  add_number_option(
      c, "-j,--jobs", {1, limits::jobs_max}, jobs,
      "connections (default: one per core, from 2 to 8, and more for a distant server; a load of "
      "some seconds finds out by itself how many are best)")
      .group(group);
  add_size_option(c, "--chunk-size", f.load.chunk_bytes,
                  "bytes per transaction (default: 8MiB); a resumed load keeps its own")
      .group(group);
  add_choice_option<plan::WriterChoice>(
      c, "--writer", f.load.writer,
      "COPY, or pipelined INSERTs of many rows each (auto: COPY, where it can serve)")
      .group(group);
  const auto batch_rows = [&f](const std::uint64_t& rows) { f.load.batch_rows = rows; };
  add_number_option(c, "--batch-rows", {1, limits::batch_rows_max}, batch_rows,
                    "rows of one INSERT (default: 5000); no matter for COPY")
      .group(group);
  c.add_option("--max-rate", f.max_rate, "load no faster than that: 50MB/s, or 20000rows/s")
      ->option_text("RATE")
      ->group(group);
  c.add_option("--max-lag", f.max_lag,
               "wait while a replica is so far behind: 10s, or 64MB of the server's log")
      ->option_text("LAG")
      ->group(group);
  const auto load_max = [&f](const std::uint64_t& sessions) { f.load.load_max = sessions; };
  add_number_option(c, "--max-load", {1, limits::load_max_max}, load_max,
                    "fewer connections, down to one, while so many sessions of the server are at "
                    "work, or one waits for a lock of the load's")
      .group(group);
  c.add_flag("--defer-indexes", f.load.defer_indexes,
             "drop the indexes that are not unique and build them again at the end; pays where the "
             "table is empty or most of its rows are new")
      ->group(group);
}

void add_safety_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Safety";
  add_duration_option(
      c, "--retry-for", f.load.retry_for,
      "how long a chunk is tried again after a lost connection or a deadlock (default: 5m)")
      .group(group);
  add_duration_option(c, "--stall-timeout", f.common.connect.stall_max,
                      "a connection that is silent for so long while the server has something to "
                      "do is lost (default: 15m; 0s: never)")
      .group(group);
  add_setting_flags(c, f);
  c.add_flag(
       "--accept-at-least-once", f.load.accept_at_least_once,
       "load into a foreign table, whose server commits by itself: after a failure rows may be "
       "there twice")
      ->group(group);
  c.add_flag("--no-ledger", f.no_ledger,
             "keep no record of the load: it cannot be resumed, and can be loaded twice")
      ->group(group);
  c.add_flag("--dry-run", f.load.dry_run, "show what would be done, and store nothing")
      ->group(group);
}

void add_progress_flag(CLI::App& c, LoadFlags& f) {
  add_choice_option<ProgressMode>(
      c, "--progress", f.progress,
      "on stderr: a bar on a terminal, a line now and then elsewhere (auto)")
      .group("Output");
}

}  // namespace sluice::app
