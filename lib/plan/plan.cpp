#include "plan/plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/characters.hpp"
#include "base/identifier.hpp"
#include "base/memory_limit.hpp"
#include "base/printable.hpp"
#include "chunk/shapes.hpp"
#include "pg/encoding.hpp"
#include "plan/data_encoding.hpp"
#include "plan/fit_to_list.hpp"
#include "plan/header_advice.hpp"
#include "plan/values.hpp"
#include "source/fingerprint.hpp"
#include "source/packing.hpp"
#include "source/remote.hpp"

namespace sluice::plan {
namespace {

/// As a part of a file's name.
std::string flat(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name;
}

/// A name of others', as one of a file that nobody is harmed by: no control characters, no hyphen
/// in front.
std::string harmless(const std::string& name) {
  std::string made;
  for (std::size_t at = 0; at < name.size();) {
    std::size_t size = 1;
    while (at + size < name.size() && is_inside_character(name[at + size])) ++size;
    const std::string character = name.substr(at, size);
    const bool is_shown = printable_line(character) == character;
    made += is_shown || character == "\\" ? character : "_";
    at += size;
  }
  if (made.starts_with('-')) made.front() = '_';
  return made;
}

/// One that is cut is told from others by a digest of all of it.
std::string short_enough(const std::string& name) {
  constexpr std::size_t bytes_max = limits::reject_name_bytes_max;
  if (name.size() <= bytes_max) return name;
  constexpr std::size_t digits = 16;
  return name.substr(0, whole_characters(name, bytes_max)) + "-" +
         source::head_digest(name).substr(0, digits);
}

tuple::Mapping map_header(const Plan& plan, const tuple::MappingOptions& options) {
  const std::vector<std::string>& names = *plan.preamble.header;
  try {
    return tuple::map_by_name(plan.target.table, names, options, plan.source->name());
  } catch (const Failure& failure) {
    std::string advice = failure.advice();
    const std::string more =
        header_advice(plan.target.table, plan.options.dialect, plan.preamble.header_bytes, names);
    if (!advice.empty() && !more.empty()) advice += "\n  ";
    throw Failure(failure.kind(), failure.problem(), advice + more);
  }
}

tuple::Mapping map_columns(const Plan& plan) {
  const LoadOptions& o = plan.options;
  if (plan.selecting) return plan.selecting->mapping();
  const tuple::MappingOptions mapping{.renames = o.renames,
                                      .maps = o.maps,
                                      .skipped = o.skipped_columns,
                                      .ignore_extra = o.ignore_extra};
  if (!o.columns.empty())
    return tuple::map_by_name(plan.target.table, o.columns, mapping, "--columns");
  if (o.header == HeaderMode::match && plan.preamble.header) return map_header(plan, mapping);
  if (!o.skipped_columns.empty()) {
    throw Failure(FailureKind::usage,
                  "--skip-column names a column of the file, which has no names: say them with "
                  "--columns");
  }
  return tuple::map_by_position(plan.target.table);
}

/// Whether a delimiter ends each record of the source's beginning, and the header too, so that it
/// is not one more value.
bool has_trailing_delimiter(const Plan& plan, bool header_has_one) {
  const chunk::Preamble& preamble = plan.preamble;
  if (preamble.header && !header_has_one) return false;
  const std::size_t expected = plan.mapping.targets.size() + 1;
  const std::vector<chunk::RecordShape> shapes =
      chunk::shapes_of(preamble, plan.options.skip_footer);
  const auto ends_so = [expected](const chunk::RecordShape& shape) {
    return shape.fields == expected && shape.ends_blank;
  };
  return !shapes.empty() && std::ranges::all_of(shapes, ends_so);
}

void note_names_alike(Plan& plan) {
  if (plan.mapping.alike.empty()) return;
  std::string pairs;
  for (const auto& [name, column] : plan.mapping.alike)
    pairs += (pairs.empty() ? "\"" : ", \"") + name + "\" to " + column;
  plan.strategy.notes.push_back("names that are alike: " + pairs + " (see --map)");
}

void refuse_what_takes_no_rows(const tuple::Table& table) {
  const std::string name = table.full_name();
  switch (table.kind) {
    case 'r':
    case 'p':
    case 'v':
    case 'f': break;  // table, partitioned table, view, foreign table
    case 'm':
      throw Failure(FailureKind::usage,
                    name + " is a materialized view: load the tables it is made of");
    default: throw Failure(FailureKind::usage, name + " is not a table");
  }
}

/// The other server commits first: where ours then does not, the ledger knows nothing of rows that
/// are stored.
void refuse_foreign_table(Plan& plan) {
  const tuple::Table& table = plan.target.table;
  if (!table.is_foreign || plan.options.check || plan.options.dry_run) return;
  const std::string what =
      table.full_name() +
      (table.kind == 'f' ? " is a foreign table" : " stores rows in foreign tables");
  const std::string why =
      ", and its server commits before this one: a chunk whose commit fails here is stored there "
      "already, and is sent again";
  if (!plan.options.accept_at_least_once) {
    throw Failure(FailureKind::usage, what + why,
                  "--accept-at-least-once loads it all the same; "
                  "some rows may be stored twice then.");
  }
  plan.strategy.notes.push_back(what + why + ": each record is stored at least once");
}

void refuse_deferred_indexes(const Plan& plan) {
  const tuple::Table& table = plan.target.table;
  if (!plan.options.defer_indexes || table.kind == 'r') return;
  throw Failure(FailureKind::usage,
                table.full_name() +
                    " is not an ordinary table, so its indexes cannot be built later: load " +
                    (table.kind == 'p' ? "its partitions one by one, or load it " : "it ") +
                    "without --defer-indexes");
}

/// Of a file that is not so large there are some for each command.
std::uint64_t segment_bytes_of(std::uint64_t length, const LoadOptions& options) {
  return std::min(options.segment_bytes,
                  std::max(limits::segment_bytes_alone, length / limits::segments_wanted));
}

/// Whether several commands may load parts of the source. All of them judge so.
bool may_be_shared(const Plan& plan) {
  const LoadOptions& o = plan.options;
  const source::Source& source = *plan.source;
  return has_segments(source, o) && !source.comes_once() && source.encoding() == nullptr &&
         !source.packed() && o.use_ledger && !o.check && !o.limit && o.skip_footer == 0 &&
         !o.upload && !plan.strategy.is_all_or_nothing() && !plan.strategy.keeps_key_order() &&
         chunk::ways_to_begin(o.dialect, plan.preamble.line_end) > 0;
}

/// What takes some seconds at least.
bool may_tune(const Plan& plan) {
  const auto length = plan.source->told_length();
  return !plan.options.check && !plan.strategy.is_held() &&
         (!length || *length / limits::tuned_chunks_min >= plan.options.chunk_bytes);
}

/// As many as memory allows.
std::size_t jobs_to_try(const Plan& plan) {
  const std::uint64_t memory = std::min<std::uint64_t>(limits::tuned_memory_bytes,
                                                       memory_limit() / limits::tuned_memory_share);
  std::size_t most = plan.jobs;
  while (most < limits::tuned_jobs_max && plan.memory_bytes(most + 1) <= memory) ++most;
  return most;
}

}  // namespace

std::size_t default_jobs(std::size_t cores, std::chrono::duration<double> round_trip) {
  // What a server usually does with a chunk, and how many round trips a chunk takes: measured, see
  // docs/benchmarks.
  static constexpr std::chrono::duration<double> chunk_time = std::chrono::milliseconds(75);
  static constexpr double round_trips = 2.5;
  const auto busy = static_cast<double>(std::clamp<std::size_t>(cores, 2, 8));
  const double idle_too = busy * (1 + round_trips * round_trip / chunk_time);
  return std::min(static_cast<std::size_t>(std::lround(idle_too)), limits::default_jobs_max);
}

chunk::ChunkerOptions Plan::chunker_options() const {
  return {.dialect = options.dialect,
          .chunk_bytes = options.chunk_bytes,
          .record_bytes_max = options.record_bytes_max,
          .records_max =
              options.limit.value_or(std::numeric_limits<std::uint64_t>::max()) - passed.records,
          .form = options.scanner,
          .record_lines_max = options.record_lines_max,
          // A quote that is never closed is one for all segments behind it.
          .cuts_open_records = (options.rejects.allow_any() || options.check) && segment_bytes == 0,
          .footer_lines = options.skip_footer,
          .first_number = static_cast<std::int64_t>(passed.chunks)};
}

std::size_t Plan::memory_bytes(std::size_t writers) const {
  const std::size_t chunks = chunk_buffers(writers);
  const std::size_t batches = batch_buffers(writers);
  // A tuple is about as long as its text, and its buffer keeps a quarter in reserve; a field of
  // eight bytes has four bytes in the index.
  std::size_t all = options.chunk_bytes * (chunks + batches) + options.chunk_bytes / 4 * batches +
                    options.chunk_bytes / 2 * chunks;
  if (options.rejects.allow_any()) all += limits::rejects_memory_bytes * writers;
  return all + source->memory_bytes() + segment_bytes;
}

PlanSummary Plan::summary() const {
  PlanSummary s;
  s.source = source->name();
  s.table = target.table.full_name();
  s.writer = strategy.name(encoder.fast_lane);
  s.is_again = options.again;
  s.truncates = options.truncate;
  if (options.delete_missing) s.deletes = "rows whose key no record has";
  if (!options.replace.empty()) s.deletes = "rows with " + options.replace;
  s.is_upsert = strategy.merge.on_conflict != writer::OnConflict::error;
  s.jobs = writers();
  s.chunk_bytes = options.chunk_bytes;
  s.jobs_max = writers_max();
  s.memory_bytes_max = memory_bytes(writers_max());
  s.segment_bytes = segment_bytes;
  s.scanner = csv::Scanner(options.dialect, options.scanner, preamble.line_end).form();
  s.line_end = csv::name_of(preamble.line_end);
  if (selecting) s.columns = selecting->shown(target.table);
  for (std::size_t i = 0; i < mapping.targets.size() && !selecting; ++i) {
    if (!mapping.targets[i]) continue;
    const tuple::Column& column = target.table.columns[*mapping.targets[i]];
    std::string from = std::to_string(i + 1);
    if (!options.columns.empty()) {
      from = options.columns[i];
    } else if (options.header == HeaderMode::match && preamble.header) {
      from = (*preamble.header)[i];
    }
    s.columns.push_back(fmt::format("{} -> {} {}{}", from, column.name, column.type_name,
                                    !encoder.fields[i].has_codec() ? " (as text)" : ""));
  }
  for (const tuple::AddedValue& added : encoder.rules.added)
    s.columns.push_back(fmt::format("--add {} -> {}", added.wish, added.column));
  for (const writer::Index& index : indexes.deferrable)
    s.deferred_indexes.push_back(index.index_name);
  s.ignored_columns = mapping.ignored;
  s.missing_columns = mapping.missing;
  return s;
}

void settle(LoadOptions& options, const source::Source& source, Findings& found) {
  Beginning& beginning = found.beginning;
  adopt(options, beginning.preamble);
  if (source.encoding() != nullptr) {
    found.target.data_encoding = pg::utf8;
    found.target.session.text_is_utf8 = true;
    require_header_in(*source.encoding(), beginning, options);
  }
  std::optional<std::vector<std::string>>& header = beginning.preamble.header;
  beginning.header_ends_blank = header && header->size() > 1 && header->back().empty();
  header = header_names(beginning.preamble, options);
}

Plan make_plan(LoadOptions options, source::Source& source, Findings found) {
  Plan plan;
  plan.selecting = std::move(found.selecting);
  if (!plan.selecting && !options.where.empty())
    plan.condition = script::UserSql("--where", options.where);
  plan.options = std::move(options);
  plan.source = &source;
  plan.target = std::move(found.target);
  plan.indexes = std::move(found.indexes);
  plan.preamble = std::move(found.beginning.preamble);
  plan.digests = std::move(found.beginning.digests);
  const LoadOptions& o = plan.options;
  const tuple::Table& table = plan.target.table;
  refuse_what_takes_no_rows(table);
  refuse_deferred_indexes(plan);
  plan.mapping = map_columns(plan);
  plan.options.record_policy.trailing_delimiter =
      has_trailing_delimiter(plan, found.beginning.header_ends_blank);
  csv::Dialect dialect = o.dialect;
  if (found.beginning.null_bytes) dialect.null_text = *found.beginning.null_bytes;
  plan.encoder =
      tuple::plan_encoder(plan.fed_table(), plan.mapping, dialect, plan.preamble.line_end,
                          plan.target.session, o.record_policy, value_rules(plan, dialect));
  for (const tuple::AddedValue& added : plan.encoder.rules.added)
    std::erase(plan.mapping.missing, added.column);
  plan.strategy = choose_strategy(o, table, plan.fed_columns(), found.unique_keys);
  std::ranges::copy(plan.preamble.notes, std::back_inserter(plan.strategy.notes));
  note_names_alike(plan);
  refuse_foreign_table(plan);
  choose_way(plan.strategy, o, table, source);
  fit_encoder(plan.encoder, plan.strategy, plan.fed_table(), found.unique_keys);
  if (plan.selecting) fit_to_list(plan);
  plan.jobs = o.check ? 1 : o.jobs > 0 ? o.jobs : found.jobs;
  if (may_be_shared(plan))
    plan.segment_bytes = segment_bytes_of(plan.source->told_length().value_or(0), plan.options);
  plan.jobs_max = plan.jobs;
  if (o.jobs == 0 && may_tune(plan)) plan.jobs_max = jobs_to_try(plan);
  fill_in_words(plan);
  return plan;
}

Sql truncate_statement(const Plan& plan) {
  return sql("{}{}truncate {}; {}", plan.target.settings_sql, plan.target.user_path_sql,
             plan.target.table.sql_name(), pg::own_path);
}

ledger::RunLockNames lock_names(const Plan& plan) {
  return {.target = sql("'{}'", plan.target.table.id),
          .fingerprint = plan.digests.fingerprint,
          .head = plan.digests.head,
          .is_stream = !plan.source->length(),
          .file = std::string(source::file_of_stamp(plan.source->opening_stamp())),
          .empties_table = plan.options.truncate,
          .patience = lock_patience(plan.options),
          .lease = plan.options.lease};
}

bool has_segments(const source::Source& source, const LoadOptions& options) {
  const std::optional<std::uint64_t> length = source.told_length();
  return length && options.segment_bytes > 0 && *length / 2 >= segment_bytes_of(*length, options);
}

std::chrono::milliseconds lock_patience(const RunOptions& options) {
  return options.joins() ? std::chrono::milliseconds::zero() : limits::lock_patience;
}

std::string rejects_path_of(const Plan& plan, const std::string& named) {
  namespace fs = std::filesystem;
  const LoadOptions& o = plan.options;
  fs::path path = named;
  const std::string remote = source::is_remote(o.path)
                                 ? harmless(flat(source::file_name_of_remote(o.path)))
                                 : std::string();
  if (path.empty() && (plan.source->file() || !remote.empty())) {
    path = source::name_without_packing(remote.empty() ? o.path : remote);
    if (o.unpack.member)
      path += "." + harmless(flat(source::name_without_packing(*o.unpack.member)));
    path.replace_extension();
    path.replace_filename(short_enough(path.filename().string()) + ".rejects.csv");
    // Beside a file that is only to be read, as in a container, nothing can be kept.
    const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (::access(folder.c_str(), W_OK) != 0) path = path.filename();
  } else if (path.empty()) {
    path = flat(plan.target.table.name) + ".rejects.csv";
  }
  return fs::absolute(path).string();
}

void reread_preamble(Plan& plan) {
  if (!plan.source->rewind())
    throw Failure(FailureKind::changed, plan.source->name() + " is longer than was said of it");
  std::optional<std::vector<std::string>> header = std::move(plan.preamble.header);
  plan.preamble = read_preamble(*plan.source, plan.options);
  plan.preamble.header = std::move(header);  // in UTF-8
  if (!plan.begins_at) return;
  plan.preamble.start = *plan.begins_at;
  plan.preamble.read_ahead.clear();
  if (!plan.source->seek(plan.begins_at->byte_offset))
    throw Failure(FailureKind::changed,
                  fmt::format("{} cannot be read from byte {} on, where the load begins",
                              plan.source->name(), plan.begins_at->byte_offset));
  plan.preamble.origin = chunk::origin_of(*plan.source, {});
}

}  // namespace sluice::plan
