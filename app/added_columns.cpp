#include "app/added_columns.hpp"

#include <algorithm>

#include "app/file_columns.hpp"
#include "base/identifier.hpp"
#include "writer/catalog.hpp"

namespace sluice::app {
namespace {

asio::awaitable<void> describe(pg::Pool& pool, const plan::LoadOptions& options,
                               writer::Target& target) {
  pg::Lease connection = co_await pool.acquire();
  target = co_await writer::describe(*connection, options.table, options.settings,
                                     ledger::Use::read_loads);
}

Failure refusal(const pg::PgError& error, const std::string& statement) {
  const bool is_of_rights = error.state == sql_state::insufficient_privilege;
  return {FailureKind::failed, "--add-columns: " + error.full(),
          is_of_rights ? "Its owner runs: " + statement + ";" : ""};
}

/// In a transaction of its own, with the user's settings: --lock-timeout is one.
asio::awaitable<void> run_statement(pg::Pool& pool, const writer::Target& target,
                                    std::string statement) {
  pg::Lease connection = co_await pool.acquire();
  // Its names were quoted, and its types are ours.
  const Sql all = sql("begin; {}{}; commit", target.settings_sql, Sql::trusted(statement));
  std::optional<Failure> refused;
  try {
    co_await connection->query(all);
  } catch (const pg::PgError& error) {
    refused = refusal(error, statement);
  }
  if (refused) throw Failure(*refused);
}

/// Of a column whose values a load must be told something of, text: a later run would have to be
/// told the same.
std::string plain_type_of(const sniff::Column& column, const CreateFlags& flags) {
  const sniff::ColumnType type = column.type();
  const bool is_plain = type.nulls.empty() && !type.null_quoted && !type.decimal_comma &&
                        type.thousands.empty() && type.date_format.empty();
  const bool is_of_time = type.sql.starts_with("time") || type.sql == "date";
  return is_plain && !(is_of_time && flags.temp_types == TempTypes::text) ? type.sql : "text";
}

std::string list_of(const std::vector<tuple::NewColumn>& columns) {
  std::string list;
  for (const tuple::NewColumn& column : columns)
    list += (list.empty() ? "" : ", ") + name_in_sql(column.name) + " " + column.type;
  return list;
}

/// The file, its columns, and those of them that the table has not.
struct Extra {
  std::vector<FileColumn> columns;
  std::vector<tuple::NewColumn> added = {};
  plan::LoadOptions options = {};
};

Extra look_at(Reader& reader, plan::LoadOptions& options, const CreateFlags& flags,
              const tuple::Table& table) {
  const std::shared_ptr<source::Source> source = reader.open(options);
  OpenedFile file = read_file(options, source);
  if (file.adopted.header != plan::HeaderMode::match && options.columns.empty()) {
    throw Failure(FailureKind::usage,
                  "--add-columns: without a header the file's columns have no names; say them with "
                  "--columns");
  }
  KnownColumns known;
  for (const tuple::Column& column : table.columns) known.names.push_back(column.name);
  Extra extra{.columns = columns_of_file(file, flags.naming_or_keep(), known)};
  if (std::ranges::any_of(extra.columns, &FileColumn::is_new)) {
    const sniff::Seen seen = look_through(file, extra.columns, reader);
    for (std::size_t i = 0; i < extra.columns.size(); ++i)
      if (extra.columns[i].is_new)
        extra.added.push_back(
            {.name = extra.columns[i].name, .type = plain_type_of(seen.columns[i], flags)});
  }
  source->rewind();
  extra.options = file.options;
  name_columns(file, extra.columns, extra.options);
  return extra;
}

}  // namespace

plan::LoadOptions with_added_columns(Runtime& runtime, const LoadFlags& flags,
                                     plan::LoadOptions options) {
  writer::Target target;
  runtime.end_on_signal();
  runtime.run(describe(runtime.pool(), options, target));
  Reader reader;
  Extra extra;
  reader.run(runtime, [&] { extra = look_at(reader, options, flags.create, target.table); });
  if (extra.added.empty()) return extra.options;
  const std::string statement = add_statement(extra.added, target.table.quoted_name);
  const std::string list = list_of(extra.added);
  if (options.dry_run) {
    extra.options = options;
    extra.options.ignore_extra = true;
    extra.options.notes.push_back("would add to " + target.table.full_name() + ": " + list);
    return extra.options;
  }
  runtime.end_on_signal();
  runtime.run(run_statement(runtime.pool(), target, statement));
  runtime.on_signal({}, {});
  extra.options.notes.push_back("added to " + target.table.full_name() + ": " + list);
  return extra.options;
}

}  // namespace sluice::app
