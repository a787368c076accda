#include "plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/identifier.hpp"
#include "chunk/shapes.hpp"
#include "pg/encoding.hpp"
#include "plan/header_advice.hpp"
#include "plan/meaning.hpp"
#include "plan/values.hpp"
#include "source/fingerprint.hpp"
#include "source/packing.hpp"
#include "source/remote.hpp"
#include "source/starts.hpp"

namespace sluice::plan {
namespace {

chunk::PreambleOptions preamble_options(const LoadOptions& o) {
  std::optional<csv::Dialect> text;
  if (o.format == csv::Format::automatic) text = csv::dialect_of(o.wishes, csv::Format::text);
  return {.dialect = o.dialect,
          .has_header = o.header != HeaderMode::none,
          .skip_lines = o.skip_lines,
          .bytes_max = o.record_bytes_max,
          .newline = o.newline,
          .asks_for_delimiter = !o.wishes.delimiter,
          .text_dialect = std::move(text),
          .text_has_header = o.header_given && o.header != HeaderMode::none};
}

/// A file of fewer lines than are skipped is another one than is meant: it would be loaded with no
/// row. An empty one is empty.
void require_lines(const std::string& name, const LoadOptions& options,
                   const chunk::Preamble& preamble) {
  const std::string& text = preamble.beginning;
  if (options.skip_lines == 0 || text.empty() || preamble.header) return;
  const bool has_last_line = !text.ends_with('\n') && !text.ends_with('\r');
  const std::uint64_t lines = preamble.start.line - 1 + (has_last_line ? 1 : 0);
  const chunk::PreambleOptions meant = preamble_options(options);
  const bool wants_header = preamble.is_text ? meant.text_has_header : meant.has_header;
  if (!wants_header && lines >= options.skip_lines) return;
  throw Failure(FailureKind::usage,
                fmt::format("{}: {} in what --skip-lines {} leaves: it ends behind {} {}", name,
                            wants_header ? "there is no header" : "there is nothing",
                            options.skip_lines, lines, lines == 1 ? "line" : "lines"));
}

/// As a part of a file's name.
std::string flat(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name;
}

tuple::Mapping map_header(const Plan& plan, const tuple::MappingOptions& options) {
  const std::vector<std::string>& names = *plan.preamble.header;
  try {
    return tuple::map_by_name(plan.target.table, names, options, plan.source->name());
  } catch (const Failure& failure) {
    throw Failure(failure.kind(),
                  failure.what() + header_advice(plan.target.table, plan.options.dialect,
                                                 plan.preamble.header_bytes, names));
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

/// The table's columns that the list leaves out.
void name_missing_columns(Plan& plan) {
  const std::vector<std::string>& outputs = plan.selecting->outputs();
  for (const tuple::Column& column : plan.target.table.columns)
    if (!column.generated && std::ranges::find(outputs, column.name) == outputs.end())
      plan.mapping.missing.push_back(column.name);
}

/// The key of what comes out is not known here: a record may have that of any other one.
void fit_encoder_to_list(Plan& plan) {
  if (plan.selecting->numbers_records()) plan.encoder.number_records = true;
  if (!plan.strategy.keeps_key_order()) return;
  plan.encoder.key = {};
  plan.encoder.key.fields.push_back({.field = 0, .form = tuple::KeyForm::unknown});
  plan.encoder.key.anything_goes = true;
}

/// Rules for numbers, dates and booleans act on columns of such types alone: on those that the list
/// passes on.
void note_texts_of_list(Plan& plan) {
  const tuple::ValueWishes& values = plan.options.values;
  if (values.decimal.empty() && values.booleans.empty() && values.date_formats.empty()) return;
  std::string names;
  for (const auto& target : plan.mapping.targets) {
    if (!target) continue;
    const tuple::Column& column = plan.fed_table().columns[*target];
    if (column.base_type.id == tuple::oid::text) names += (names.empty() ? "" : ", ") + column.name;
  }
  if (names.empty()) return;
  plan.strategy.notes.push_back(
      "--decimal, --booleans and --date-format do not act on what the list has as the file's "
      "text: " +
      names);
}

/// Statements with parameters are read in the encoding of the data.
void require_ascii_sql(const Plan& plan) {
  if (!plan.selecting || plan.target.data_encoding == pg::utf8) return;
  std::string text = plan.options.select + plan.options.where + plan.target.table.quoted_name;
  for (const tuple::Column& column : plan.fed_table().columns) text += column.name;
  for (const std::string& name : plan.selecting->outputs()) text += name;
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; })) return;
  throw Failure(FailureKind::usage,
                "--select: its text, and the names of the columns, must be ASCII where the file is "
                "read as the database's encoding, " +
                    plan.target.data_encoding + ", has it");
}

/// What the ledger will know of the load.
ledger::NewLoad identity_of(const Plan& plan, const Beginning& beginning) {
  const LoadOptions& o = plan.options;
  const tuple::Table& table = plan.target.table;
  std::string meaning = meaning_of(o, plan.preamble, plan.mapping, plan.encoder, plan.target,
                                   plan.fed_table(), plan.strategy);
  ledger::NewLoad identity{.target = table.full_name(),
                           .target_oid = table.id,
                           .is_empty = writer::emptiness(plan.target, writer::Far::left_alone),
                           .origin = plan.target.origin,
                           .source = plan.source->name(),
                           .source_path = plan.source->identity(),
                           .source_bytes = plan.source->length(),
                           .source_stamp = plan.source->opening_stamp(),
                           .fingerprint = beginning.fingerprint,
                           .head = beginning.head,
                           .marked = {.fingerprint = beginning.marked.fingerprint,
                                      .head = beginning.marked.head,
                                      .short_heads = {}},
                           .head_bytes = plan.preamble.beginning.size(),
                           .start = source::start_of(plan.preamble.beginning),
                           .starts = source::starts_of(plan.preamble.beginning),
                           .short_heads = {},
                           .options = std::move(meaning),
                           .chunk_bytes = o.chunk_bytes,
                           .record_bytes_max = o.record_bytes_max,
                           .rejects_path = {},
                           .staged = plan.strategy.staged,
                           .updates = plan.strategy.merge.on_conflict == writer::OnConflict::update,
                           .deletes = o.deletes(),
                           .again = o.again,
                           .behind_load = {}};
  std::ranges::move(source::starts_of(source::marked_beginning(plan.preamble.beginning)),
                    std::back_inserter(identity.starts));
  if (o.truncate) identity.options = with_truncation(identity.options);
  return identity;
}

}  // namespace

/// Names at the header's end that are empty are those of no column: a delimiter at the end of each
/// line, or a spreadsheet's cells beside the table.
std::optional<std::vector<std::string>> header_names(const chunk::Preamble& preamble,
                                                     const LoadOptions& options) {
  std::optional<std::vector<std::string>> names = preamble.header;
  const bool all = options.record_policy.drops_surplus_blanks();
  bool is_first = true;
  while (names && names->size() > 1 && names->back().empty() && (is_first || all)) {
    names->pop_back();
    is_first = false;
  }
  return names;
}

std::size_t default_jobs(std::size_t cores, std::chrono::duration<double> round_trip) {
  // What a server usually does with a chunk, and how many round trips a chunk takes: measured, see
  // docs/benchmarks.
  static constexpr std::chrono::duration<double> chunk_time = std::chrono::milliseconds(75);
  static constexpr double round_trips = 2.5;
  const auto busy = static_cast<double>(std::clamp<std::size_t>(cores, 2, 8));
  const double idle_too = busy * (1 + round_trips * round_trip / chunk_time);
  return std::min(static_cast<std::size_t>(std::lround(idle_too)), limits::default_jobs_max);
}

void adopt(LoadOptions& options, const chunk::Preamble& preamble) {
  options.dialect = preamble.dialect;
  // Elsewhere that can be said when a value is trimmed; here not, as \N is more than what it means.
  options.dialect.nulls_between_blanks =
      options.dialect.escapes_everywhere() && options.values.trim != tuple::Trim::none;
  if (preamble.is_text && !options.header_given) options.header = HeaderMode::none;
}

chunk::ChunkerOptions Plan::chunker_options() const {
  return {.dialect = options.dialect,
          .chunk_bytes = identity.chunk_bytes,
          .record_bytes_max = identity.record_bytes_max,
          .records_max = options.limit.value_or(std::numeric_limits<std::uint64_t>::max()),
          .form = options.scanner,
          .record_lines_max = options.record_lines_max,
          .cuts_open_records = options.rejects.allow_any() || options.check,
          .footer_lines = options.skip_footer};
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
  s.jobs = jobs;
  s.chunk_bytes = identity.chunk_bytes;
  // A tuple is about as long as its text, and its buffer keeps a quarter in reserve; a field of
  // eight bytes has four bytes in the index.
  s.memory_bytes_max = identity.chunk_bytes * (chunk_buffers() + batch_buffers()) +
                       identity.chunk_bytes / 4 * batch_buffers() +
                       identity.chunk_bytes / 2 * chunk_buffers();
  if (options.rejects.allow_any()) s.memory_bytes_max += limits::rejects_memory_bytes * jobs;
  s.memory_bytes_max += source->memory_bytes();
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
                                    encoder.fields[i].encode == nullptr ? " (as text)" : ""));
  }
  for (const tuple::AddedValue& added : encoder.rules.added)
    s.columns.push_back(fmt::format("--add {} -> {}", added.wish, added.column));
  for (const writer::Index& index : deferred_indexes)
    s.deferred_indexes.push_back(index.index_name);
  s.ignored_columns = mapping.ignored;
  s.missing_columns = mapping.missing;
  return s;
}

Beginning read_beginning(source::Source& source, const LoadOptions& options) {
  Beginning beginning{chunk::read_preamble(source, preamble_options(options)), {}, {}, {}, {}};
  require_lines(source.name(), options, beginning.preamble);
  beginning.fingerprint = source::fingerprint(source, beginning.preamble.beginning);
  beginning.head = source::head_digest(beginning.preamble.beginning);
  beginning.marked = source::marked_digests(source, beginning.preamble.beginning);
  return beginning;
}

Plan make_plan(LoadOptions options, source::Source& source, Beginning beginning,
               writer::Target target, std::vector<writer::UniqueKey> unique_keys,
               writer::SecondaryIndexes indexes, std::size_t jobs,
               std::optional<Selecting> selecting) {
  Plan plan;
  plan.selecting = std::move(selecting);
  if (!plan.selecting && !options.where.empty())
    plan.condition = script::UserSql("--where", options.where);
  plan.options = std::move(options);
  adopt(plan.options, beginning.preamble);
  plan.source = &source;
  plan.target = std::move(target);
  plan.deferred_indexes = std::move(indexes.deferrable);
  plan.kept_indexes = std::move(indexes.kept);
  plan.owner_elsewhere = std::move(indexes.owner_elsewhere);
  plan.preamble = std::move(beginning.preamble);
  const LoadOptions& o = plan.options;
  const tuple::Table& table = plan.target.table;
  refuse_what_takes_no_rows(table);
  refuse_deferred_indexes(plan);
  const bool header_ends_blank = plan.preamble.header && plan.preamble.header->size() > 1 &&
                                 plan.preamble.header->back().empty();
  plan.preamble.header = header_names(plan.preamble, o);
  plan.mapping = map_columns(plan);
  plan.options.record_policy.trailing_delimiter = has_trailing_delimiter(plan, header_ends_blank);
  plan.encoder = tuple::plan_encoder(plan.fed_table(), plan.mapping, o.dialect,
                                     plan.preamble.line_end, plan.target.session, o.record_policy,
                                     value_rules(plan, beginning.null_bytes));
  for (const tuple::AddedValue& added : plan.encoder.rules.added)
    std::erase(plan.mapping.missing, added.column);
  if (plan.selecting) name_missing_columns(plan);
  plan.strategy = choose_strategy(o, table, plan.fed_columns(), unique_keys);
  std::ranges::copy(plan.preamble.notes, std::back_inserter(plan.strategy.notes));
  note_names_alike(plan);
  refuse_foreign_table(plan);
  fit_encoder(plan.encoder, plan.strategy, plan.fed_table(), unique_keys);
  if (plan.selecting) {
    fit_encoder_to_list(plan);
    note_texts_of_list(plan);
  }
  require_ascii_sql(plan);
  plan.jobs = o.check ? 1 : o.jobs > 0 ? o.jobs : jobs;
  plan.identity = identity_of(plan, beginning);
  fill_in_words(plan);
  if (beginning.null_bytes) {
    plan.options.dialect.null_text = *beginning.null_bytes;
    plan.encoder.dialect.null_text = *beginning.null_bytes;
  }
  return plan;
}

Sql truncate_statement(const Plan& plan) {
  return sql("{}{}truncate {}; {}", plan.target.settings_sql, plan.target.user_path_sql,
             plan.target.table.sql_name(), pg::own_path);
}

ledger::RunLockNames lock_names(const Plan& plan) {
  return {.target = sql("'{}'", plan.target.table.id),
          .fingerprint = plan.identity.fingerprint,
          .head = plan.identity.head,
          .is_stream = !plan.source->length(),
          .file = std::string(source::file_of_stamp(plan.identity.source_stamp)),
          .empties_table = plan.options.truncate};
}

std::string rejects_path_of(const Plan& plan, const std::string& named) {
  namespace fs = std::filesystem;
  const LoadOptions& o = plan.options;
  fs::path path = named;
  const std::string remote =
      source::is_remote(o.path) ? flat(source::file_name_of_remote(o.path)) : std::string();
  if (path.empty() && (plan.source->file() || !remote.empty())) {
    std::string name = source::name_without_packing(remote.empty() ? o.path : remote);
    if (o.unpack.member) name += "." + flat(source::name_without_packing(*o.unpack.member));
    path = name;
    path.replace_extension(".rejects.csv");
  } else if (path.empty()) {
    path = flat(plan.target.table.name) + ".rejects.csv";
  }
  return fs::absolute(path).string();
}

void reread_preamble(Plan& plan) {
  plan.source->rewind();
  std::optional<std::vector<std::string>> header = std::move(plan.preamble.header);
  plan.preamble = chunk::read_preamble(*plan.source, preamble_options(plan.options));
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
