#include "plan/selecting.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/failure.hpp"
#include "base/suggestion.hpp"
#include "plan/wrong_usage.hpp"

namespace sluice::plan {
namespace {

std::vector<std::string> names_of_columns(const tuple::Table& table) {
  std::vector<std::string> names;
  for (const tuple::Column& column : table.columns) names.push_back(column.name);
  return names;
}

/// pg_type.oid of what is not built in (FirstNormalObjectId). A cast from text to such a type may
/// be a function of its owner's, and who loads would run it: the user may, if he writes it.
constexpr std::uint32_t first_user_type = 16384;

/// Types that take a text as it is.
bool is_of_text(const tuple::Type& type) {
  return type.id == tuple::oid::text || type.id == tuple::oid::varchar ||
         type.id == tuple::oid::bpchar;
}

tuple::Column text_column(const std::string& name) {
  tuple::Column column;
  column.name = name;
  column.base_type = {.id = tuple::oid::text, .array_id = tuple::oid::array_of_text};
  column.declared = column.base_type;
  column.type_name = column.cast_name = "text";
  return column;
}

/// Words that are no column's name, unless they are in quotes.
bool is_constant(const std::string& word) {
  return word == "null" || word == "true" || word == "false" || word == "default";
}

/// Words that SQL takes for a value of the server's, whatever columns there are.
bool is_servers_value(std::string_view word) {
  static constexpr std::array<std::string_view, 12> words{
      "current_catalog", "current_date",      "current_role", "current_schema",
      "current_time",    "current_timestamp", "current_user", "localtime",
      "localtimestamp",  "session_user",      "system_user",  "user"};
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

script::UserSql::Fill fill_of(const script::UserSql& user_sql, SqlWordValues values) {
  return [flag = user_sql.flag(), values = std::move(values)](const std::string& word) {
    if (word == "file") return sql("{}::pg_catalog.text", literal(values.words.file));
    if (word == "path") return sql("{}::pg_catalog.text", literal(values.words.path));
    if (word == "now") return sql("{}::pg_catalog.timestamptz", literal(values.words.now));
    if (word == "load" && values.load)
      return sql("{}::pg_catalog.int8", literal(std::to_string(values.load->value)));
    if (word == "record" && !values.record.empty()) return values.record;
    throw wrong_usage(word == "load" ? flag +
                                           ": :load is the load's number in the ledger: leave out "
                                           "--no-ledger"
                                     : flag + ": there is no :" + word + " here");
  };
}

std::vector<std::string> names_for_list(const LoadOptions& o,
                                        const std::optional<std::vector<std::string>>& header) {
  if (!o.columns.empty()) return o.columns;
  if (o.header == HeaderMode::match && header) return *header;
  throw wrong_usage(
      "--select names columns of the file, and this one has no names: say them with --columns");
}

Selecting::Selecting(const LoadOptions& o, const std::vector<std::string>& names,
                     const tuple::Table& target)
    : list_("--select", o.select) {
  if (!o.where.empty()) condition_ = script::UserSql("--where", o.where);
  csv_.schema = "the file";
  csv_.name = "csv";
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second)
      throw wrong_usage(fmt::format("--select: two columns of the file are called \"{}\"", name),
                        "--columns with --header=skip gives them other names.");
    csv_.columns.push_back(text_column(name));
  }
  casts_.resize(csv_.columns.size());
  for (const script::UserSql::Part part : list_.parts()) add_items(part);
  std::vector<std::size_t> uses(csv_.columns.size());
  for (const Item& item : items_)
    if (!item.column) count_uses(list_, item.part, uses);
  count_uses(condition_, {0, condition_.tokens().size()}, uses);
  choose_types(std::move(uses), target);
}

std::optional<std::size_t> Selecting::find(const std::string& name) const {
  const auto at = std::ranges::find(csv_.columns, name, &tuple::Column::name);
  if (at == csv_.columns.end()) return std::nullopt;
  return static_cast<std::size_t>(at - csv_.columns.begin());
}

/// "*" or "csv.*"
bool Selecting::is_all(script::UserSql::Part part) const {
  if (part.end - part.first == 1) return list_.word(part.first) == "*";
  return part.end - part.first == 3 && list_.name(part.first) == csv_.name &&
         list_.word(part.first + 1) == "." && list_.word(part.first + 2) == "*";
}

/// "city", "csv.city", "city as town", "city town"
std::optional<std::size_t> Selecting::column_alone(script::UserSql::Part part,
                                                   std::string& output) const {
  std::size_t at = part.first;
  if (part.end - at > 2 && list_.name(at) == csv_.name && list_.word(at + 1) == ".") at += 2;
  if (at >= part.end) return std::nullopt;
  const std::optional<std::string> name = list_.name(at);
  if (!name || (is_constant(*name) && list_.word(at).front() != '"')) return std::nullopt;
  const std::optional<std::size_t> column = find(*name);
  output = *name;
  if (++at == part.end) return column;
  if (part.end - at == 2 && list_.name(at) == "as") ++at;
  const std::optional<std::string> alias = list_.name(at);
  if (part.end - at != 1 || !alias) return std::nullopt;
  output = *alias;
  return column;
}

void Selecting::add_items(script::UserSql::Part part) {
  if (part.first == part.end) throw wrong_usage("--select: a comma stands where a value should");
  if (is_all(part)) {
    for (std::size_t i = 0; i < csv_.columns.size(); ++i)
      items_.push_back({part, i, csv_.columns[i].name});
    return;
  }
  Item item{part, std::nullopt, {}};
  item.column = column_alone(part, item.output);
  if (!item.column) item.output.clear();
  items_.push_back(std::move(item));
}

/// How often a column is named: more often than it is used, where something else has its name.
void Selecting::count_uses(const script::UserSql& user_sql, script::UserSql::Part part,
                           std::vector<std::size_t>& uses) {
  for (std::size_t i = part.first; i < part.end; ++i) {
    if (const auto word = user_sql.colon_word(i)) {
      numbers_records_ = numbers_records_ || *word == "record";
      names_load_ = names_load_ || *word == "load";
      ++i;
      continue;
    }
    const std::optional<std::string> name = user_sql.name(i);
    if (!name) continue;
    const bool is_qualified = i > part.first && user_sql.word(i - 1) == ".";
    const bool is_bare = user_sql.word(i).front() != '"' && !is_qualified;
    if (is_bare && is_servers_value(*name) && find(*name)) {
      throw wrong_usage(fmt::format("{}: {} is a value of the server's, and a column of the file",
                                    user_sql.flag(), *name),
                        fmt::format("csv.{} is the column.", *name));
    }
    if (const auto column = find(*name)) ++uses[*column];
    if (*name != csv_.name) continue;
    // The file's row as a whole, and not a column of it.
    const bool is_whole =
        i + 2 >= part.end || user_sql.word(i + 1) != "." || user_sql.word(i + 2) == "*";
    if (!is_whole) continue;
    for (std::size_t& count : uses) ++count;
  }
}

/// Of each column what it is sent as, if it is.
void Selecting::choose_types(std::vector<std::size_t> uses, const tuple::Table& target) {
  std::vector<std::size_t> alone(uses.size());
  for (const Item& item : items_)
    if (item.column) ++alone[*item.column];
  for (const Item& item : items_) {
    if (!item.column) continue;
    const auto to = target.find(item.output);
    if (!to) continue;  // told by set_outputs()
    const tuple::Column& column = target.columns[*to];
    if (column.generated) continue;
    tuple::Column& from = csv_.columns[*item.column];
    if (alone[*item.column] == 1 && uses[*item.column] == 0) {
      const std::string name = from.name;
      from = column;
      from.name = name;
    } else if (!is_of_text(column.base_type) && column.base_type.id < first_user_type) {
      casts_[*item.column] = column;
    }
  }
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const bool is_sent = uses[i] > 0 || alone[i] > 0;
    mapping_.targets.push_back(is_sent ? std::optional(i) : std::nullopt);
    if (!is_sent) mapping_.ignored.push_back(csv_.columns[i].name);
  }
  // A tuple of no field is none.
  if (mapping_.ignored.size() == uses.size() && !uses.empty()) {
    mapping_.targets.front() = 0;
    mapping_.ignored.erase(mapping_.ignored.begin());
  }
}

void Selecting::set_outputs(const std::vector<std::string>& names, const tuple::Table& target) {
  outputs_.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const std::string item =
        i < items_.size() ? shown_item(items_[i]) : "value " + std::to_string(i + 1);
    const auto column = target.find(name);
    if (!column) {
      const auto meant = nearest(name, names_of_columns(target));
      throw wrong_usage(
          fmt::format("--select: {} is called \"{}\", which is no column of {}{}", item, name,
                      target.full_name(), meant ? "; did you mean " + *meant + "?" : ""),
          fmt::format("Write {} as COLUMN. The columns are {}.", item,
                      fmt::join(names_of_columns(target), ", ")));
    }
    const tuple::Column& to = target.columns[*column];
    if (to.generated)
      throw wrong_usage(
          fmt::format("--select: \"{}\" is a generated column, which takes no value", to.name));
    if (std::ranges::find(outputs_, to.name) != outputs_.end())
      throw wrong_usage(fmt::format("--select: \"{}\" is given two values", to.name));
    outputs_.push_back(to.name);
  }
}

std::string Selecting::shown_item(const Item& item) const {
  if (item.column && is_all(item.part)) return csv_.columns[*item.column].name;
  const auto& tokens = list_.tokens();
  return list_.text().substr(tokens[item.part.first].begin,
                             tokens[item.part.end - 1].end - tokens[item.part.first].begin);
}

Sql Selecting::text_of(const Item& item, const script::UserSql::Fill& fill) const {
  if (!item.column) return list_.filled(item.part, fill);
  const std::size_t column = *item.column;
  const Sql value = sql("{}.{}", writer::row_of_file, identifier(csv_.columns[column].name));
  if (!casts_[column]) return sql("{} as {}", value, identifier(item.output));
  // The server has quoted the type's name.
  return sql("{}::{} as {}", value, Sql::trusted(casts_[column]->cast_name),
             identifier(item.output));
}

Sql Selecting::filled_list(const script::UserSql::Fill& fill) const {
  std::vector<Sql> texts;
  for (const Item& item : items_) texts.push_back(text_of(item, fill));
  return joined(texts, ", ");
}

writer::Selection Selecting::filled(const SqlWordValues& values) const {
  return {.csv = csv_,
          .outputs = outputs_,
          .list = filled_list(fill_of(list_, values)),
          .condition = condition_.filled(fill_of(condition_, values))};
}

Sql Selecting::row_of_nulls() const {
  const auto null = [](const tuple::Column& column) {
    // The server has quoted the type's name.
    return sql("null::{} as {}", Sql::trusted(column.cast_name), identifier(column.name));
  };
  return sql("(select {}) as {}", sql_list(csv_.columns, null), writer::row_of_file);
}

Sql Selecting::judged(const Sql& nothing, const script::UserSql::Fill& fill) const {
  return sql("delete from {} using {} returning {}", nothing, row_of_nulls(), filled_list(fill));
}

Sql Selecting::judged_condition(const script::UserSql::Fill& fill) const {
  return sql("select from {}{}", row_of_nulls(), writer::where_clause(condition_.filled(fill)));
}

Sql Selecting::insert(const tuple::Table& target, const script::UserSql::Fill& fill) const {
  const bool has_identity = std::ranges::any_of(outputs_, [&target](const std::string& name) {
    return target.columns[*target.find(name)].identity;
  });
  return sql("insert into {} ({}) {}select {}\n from {}{}", target.sql_name(),
             sql_list(outputs_, identifier),
             has_identity ? SqlWords("overriding system value ") : SqlWords(""), filled_list(fill),
             row_of_nulls(), writer::where_clause(condition_.filled(fill)));
}

std::vector<std::string> Selecting::shown(const tuple::Table& target) const {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < outputs_.size() && i < items_.size(); ++i) {
    const tuple::Column& column = target.columns[*target.find(outputs_[i])];
    lines.push_back(
        fmt::format("{} -> {} {}", shown_item(items_[i]), column.name, column.type_name));
  }
  return lines;
}

}  // namespace sluice::plan
