#include "lint/scene.hpp"

#include "base/printable.hpp"
#include "script/excerpt.hpp"
#include "script/written_places.hpp"

namespace sluice::lint {
namespace {

constexpr std::size_t name_bytes_max = 63;
/// A statement in which more is found is not read by anybody.
constexpr std::size_t told_max = 200;

}  // namespace

bool Scene::may_be_before(int version) const {
  return options_.server_version.value_or(oldest_version) < version;
}

void Scene::begin_file(const script::Directives& directives) {
  made = {};
  transaction = {};
  has_told_timeout = false;
  const bool is_ours = options_.runner == Runner::pgsluice;
  is_transaction = is_ours && directives.in_transaction;
  has_lock_timeout = is_ours && options_.has_lock_timeout;
  if (is_ours && directives.lock_timeout) has_lock_timeout = directives.lock_timeout->count() > 0;
}

void Scene::begin_statement(const script::Statement& statement, std::string_view text,
                            std::size_t number) {
  statement_ = statement;
  text_ = text;
  number_ = number;
  told_ = 0;
  counted_ = 0;
  counted_place_ = statement.place;
}

script::Place Scene::place_of(std::size_t offset) const {
  if (offset < counted_) {
    counted_ = 0;
    counted_place_ = statement_.place;
  }
  counted_place_ = script::behind(counted_place_, text_.substr(counted_, offset - counted_));
  counted_ = offset;
  return counted_place_;
}

bool Scene::is_wanted(RuleId id) const {
  if (options_.excluded.contains(id)) return false;
  return rule(id).is_on || options_.included.contains(id);
}

void Scene::tell(RuleId id, std::size_t offset, Told told) {
  if (!is_wanted(id) || ++told_ > told_max) return;
  findings_.push_back({.id = id,
                       .level = told.level.value_or(rule(id).level),
                       .place = place_of(offset),
                       .statement = number_,
                       .statement_place = statement_.place,
                       .excerpt = std::string(text_.substr(0, text_.find('\n'))),
                       .message = std::move(told.message),
                       .safer = std::move(told.safer)});
}

void Scene::lock(const ObjectName& table, Blocks blocks, std::size_t offset) {
  if (blocks == Blocks::nothing || !is_old(table)) return;
  if (!has_lock_timeout && !has_told_timeout) {
    has_told_timeout = true;
    tell(RuleId::require_timeout_settings, offset,
         {"waits for a lock of " + shown(table) +
              " without a limit, and all who come behind it wait too",
          options_.runner == Runner::pgsluice ? "-- pgsluice: lock-timeout 3s"
                                              : "set lock_timeout = '3s';"});
  }
  if (blocks == Blocks::all && is_in_transaction() && !transaction.has_told_tables) {
    for (const Held& held : transaction.held) {
      if (held.blocks != Blocks::all || held.table == table.name || held.statement == number_)
        continue;
      transaction.has_told_tables = true;
      tell(RuleId::several_tables_locked, offset,
           {"locks " + shown(table) + " while " + held.table + " is locked (line " +
                std::to_string(held.line) + ")",
            "-- one file for each table"});
      break;
    }
  }
  const Held now{table.name, std::string(table.written), line_of(offset), number_, blocks};
  const auto is_held = [&](const Held& one) {
    return one.table == now.table && one.blocks >= now.blocks;
  };
  if (transaction.held.empty() || !is_held(transaction.held.back()))
    transaction.held.push_back(now);
}

const Held* Scene::held_before(const ObjectName& table) const {
  if (!is_in_transaction()) return nullptr;
  for (const Held& one : transaction.held)
    if (one.table == table.name && one.statement != number_) return &one;
  return nullptr;
}

void Scene::goes_over_rows(std::size_t offset) {
  if (!is_in_transaction()) return;
  for (const Held& held : transaction.held) {
    if (held.blocks != Blocks::all || held.statement == number_) continue;
    tell(RuleId::statements_behind_lock, offset,
         {"runs while nobody can read or write " + held.table + ", which is locked since line " +
              std::to_string(held.line),
          "-- a file of its own for this statement"});
    return;
  }
}

void Scene::check_length(std::string_view name, std::size_t offset) {
  if (name.size() <= name_bytes_max) return;
  tell(RuleId::identifier_too_long, offset,
       {"\"" + std::string(name) + "\" has " + std::to_string(name.size()) +
        " bytes: the server cuts it behind 63"});
}

void Scene::check_name(const ObjectName& name, std::size_t offset) {
  check_length(name.name, offset);
  if (!name.schema.empty()) return;
  tell(RuleId::require_table_schema, offset,
       {shown(name) + " is the first one of that name in the search_path",
        "public." + std::string(name.written)});
}

std::string shown(const ObjectName& name) {
  return name.schema.empty() ? name.name : name.schema + "." + name.name;
}

std::string made_name(const ObjectName& table, const std::string& column, const char* ending) {
  return table.name + "_" + (column.empty() ? "" : column + "_") + ending;
}

}  // namespace sluice::lint
