#include "load/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/identifier.hpp"
#include "source/fingerprint.hpp"

namespace sluice::load {
namespace {

std::string_view name_of(HeaderMode mode) {
  switch (mode) {
    case HeaderMode::match: return "match";
    case HeaderMode::skip: return "skip";
    case HeaderMode::none: return "none";
  }
  return "";
}

std::string_view name_of(writer::Dedupe dedupe) {
  switch (dedupe) {
    case writer::Dedupe::first: return "first";
    case writer::Dedupe::last: return "last";
    case writer::Dedupe::error: return "error";
  }
  return "";
}

/// What a resume must have in common with the run before: all that decides which rows come out of
/// the same bytes.
std::string row_deciding_options(const LoadOptions& o) {
  nlohmann::json json;
  json["delimiter"] = csv::show_character(o.dialect.delimiter);
  json["quote"] = csv::show_character(o.dialect.quote);
  json["escape"] = csv::show_character(o.dialect.escape);
  json["null"] = o.dialect.null_text;
  json["header"] = name_of(o.header);
  json["skip-lines"] = o.skip_lines;
  if (!o.columns.empty()) json["columns"] = o.columns;
  if (!o.renames.empty()) json["map"] = o.renames;
  if (o.ignore_extra) json["ignore-extra"] = true;
  if (o.limit) json["limit"] = *o.limit;
  if (!o.encoding.empty()) json["encoding"] = o.encoding;
  if (!o.settings.empty()) json["set"] = o.settings;
  if (o.record_policy.ragged == tuple::Ragged::pad) json["ragged"] = "pad";
  switch (o.record_policy.blank_lines) {
    case tuple::BlankLines::record: break;
    case tuple::BlankLines::skip: json["blank-lines"] = "skip"; break;
    case tuple::BlankLines::reject: json["blank-lines"] = "reject"; break;
    case tuple::BlankLines::null: json["blank-lines"] = "null"; break;
  }
  if (o.on_conflict != writer::OnConflict::error) {
    json["on-conflict"] = o.on_conflict == writer::OnConflict::update ? "update" : "nothing";
    if (!o.key.empty()) json["key"] = o.key;
    if (!o.update_columns.empty()) json["update-columns"] = o.update_columns;
    if (o.update_if_changed) json["update-if-changed"] = true;
    if (o.dedupe) json["dedupe"] = name_of(*o.dedupe);
  }
  if (o.atomic) json["atomic"] = true;
  return json.dump();
}

source::PreambleOptions preamble_options(const LoadOptions& o) {
  return {.dialect = o.dialect,
          .has_header = o.header != HeaderMode::none,
          .skip_lines = o.skip_lines,
          .bytes_max = o.record_bytes_max};
}

tuple::Mapping map_columns(const Plan& plan) {
  const LoadOptions& o = plan.options;
  const tuple::MappingOptions mapping{o.renames, o.ignore_extra};
  if (!o.columns.empty())
    return tuple::map_by_name(plan.target.table, o.columns, mapping, "--columns");
  if (o.header == HeaderMode::match && plan.preamble.header) {
    return tuple::map_by_name(plan.target.table, *plan.preamble.header, mapping,
                              plan.source->name());
  }
  return tuple::map_by_position(plan.target.table);
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

void refuse_deferred_indexes(const Plan& plan) {
  const tuple::Table& table = plan.target.table;
  if (!plan.options.defer_indexes || table.kind == 'r') return;
  throw Failure(FailureKind::usage,
                table.full_name() +
                    " is not an ordinary table, so its indexes cannot be built later: load " +
                    (table.kind == 'p' ? "its partitions one by one, or load it " : "it ") +
                    "without --defer-indexes");
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

source::ChunkerOptions Plan::chunker_options() const {
  return {.dialect = options.dialect,
          .chunk_bytes = identity.chunk_bytes,
          .record_bytes_max = identity.record_bytes_max,
          .records_max = options.limit.value_or(std::numeric_limits<std::uint64_t>::max()),
          .form = options.scanner};
}

PlanSummary Plan::summary() const {
  PlanSummary s;
  s.source = source->name();
  s.table = target.table.full_name();
  s.writer = strategy.name(encoder.fast_lane);
  s.is_upsert = strategy.merge.on_conflict != writer::OnConflict::error;
  s.jobs = jobs;
  s.chunk_bytes = identity.chunk_bytes;
  // A tuple is about as long as its text, and its buffer keeps a quarter in reserve; a field of
  // eight bytes has four bytes in the index.
  s.memory_bytes_max = identity.chunk_bytes * (chunk_buffers() + batch_buffers()) +
                       identity.chunk_bytes / 4 * batch_buffers() +
                       identity.chunk_bytes / 2 * chunk_buffers();
  s.scanner = csv::Scanner(options.dialect, options.scanner).form();
  s.line_end = csv::name_of(preamble.line_end);
  for (std::size_t i = 0; i < mapping.targets.size(); ++i) {
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
  for (const writer::Index& index : deferred_indexes) s.deferred_indexes.push_back(index.name);
  s.ignored_columns = mapping.ignored;
  s.missing_columns = mapping.missing;
  return s;
}

Beginning read_beginning(source::Source& source, const LoadOptions& options) {
  Beginning beginning{source::read_preamble(source, preamble_options(options)), {}};
  beginning.fingerprint = source::fingerprint(source, beginning.preamble.beginning);
  return beginning;
}

Plan make_plan(LoadOptions options, source::Source& source, Beginning beginning,
               writer::Target target, std::vector<writer::UniqueKey> unique_keys,
               std::vector<writer::Index> deferred_indexes, std::size_t jobs) {
  Plan plan;
  plan.options = std::move(options);
  plan.source = &source;
  plan.target = std::move(target);
  plan.deferred_indexes = std::move(deferred_indexes);
  plan.preamble = std::move(beginning.preamble);
  const LoadOptions& o = plan.options;
  const tuple::Table& table = plan.target.table;
  refuse_what_takes_no_rows(table);
  refuse_deferred_indexes(plan);
  plan.mapping = map_columns(plan);
  plan.encoder = tuple::plan_encoder(table, plan.mapping, o.dialect, plan.preamble.line_end,
                                     plan.target.session, o.record_policy);
  plan.strategy = choose_strategy(o, table, plan.encoder.column_names(), unique_keys);
  fit_encoder(plan.encoder, plan.strategy, table, unique_keys);
  plan.jobs = o.check ? 1 : o.jobs > 0 ? o.jobs : jobs;
  plan.identity = {.target = table.full_name(),
                   .target_oid = table.id,
                   .source = plan.source->name(),
                   .source_path = plan.source->identity(),
                   .source_bytes = plan.source->size_bytes(),
                   .source_stamp = plan.source->stamp(),
                   .fingerprint = beginning.fingerprint,
                   .options = row_deciding_options(o),
                   .chunk_bytes = o.chunk_bytes,
                   .record_bytes_max = o.record_bytes_max,
                   .rejects_path = {},
                   .staged = plan.strategy.staged};
  return plan;
}

std::string truncate_statement(const Plan& plan) {
  return plan.target.settings_sql + "truncate " + plan.target.table.quoted_name + "; ";
}

std::string lock_name(const std::string& table, const std::string& fingerprint) {
  return "'load ' || " + quote_literal(table) + "::regclass::oid || " +
         quote_literal(" " + fingerprint);
}

std::string rejects_path_of(const Plan& plan) {
  namespace fs = std::filesystem;
  const LoadOptions& o = plan.options;
  fs::path path = o.rejects_path;
  if (path.empty() && plan.source->size_bytes()) {
    path = o.path;
    path.replace_extension(".rejects.csv");
  } else if (path.empty()) {
    std::string name = plan.target.table.name;
    std::ranges::replace(name, '/', '_');
    path = name + ".rejects.csv";
  }
  return fs::absolute(path).string();
}

void reread_preamble(Plan& plan) {
  plan.source->rewind();
  plan.preamble = source::read_preamble(*plan.source, preamble_options(plan.options));
}

}  // namespace sluice::load
