#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "migrate/schema_objects.hpp"

namespace sluice::migrate {
namespace {

using Key = std::pair<std::string, std::string>;  // the kind and the name
using Known = std::map<Key, const SchemaObject*>;

Known known(const std::vector<SchemaObject>& objects) {
  Known all;
  for (const SchemaObject& object : objects) all.emplace(Key(object.kind, object.name), &object);
  return all;
}

std::set<std::string> names_of_objects(const std::vector<SchemaObject>& objects) {
  std::set<std::string> names;
  for (const SchemaObject& object : objects)
    if (object.kind != order_of_columns) names.insert(object.name);
  return names;
}

/// The same columns in another order; otherwise the columns themselves tell.
bool is_another_order(const std::string& one, const std::string& other) {
  std::string left = one;
  std::string right = other;
  std::ranges::sort(left);
  std::ranges::sort(right);
  return left == right;
}

}  // namespace

std::vector<SchemaDifference> differences(const std::vector<SchemaObject>& one,
                                          const std::vector<SchemaObject>& other) {
  const Known here = known(one);
  const Known there = known(other);
  const std::set<std::string> names_here = names_of_objects(one);
  const std::set<std::string> names_there = names_of_objects(other);
  std::vector<SchemaDifference> found;
  const auto tell_alone = [&](const SchemaObject& object, bool is_here) {
    const std::set<std::string>& others = is_here ? names_there : names_here;
    if (!object.parent.empty() && !others.contains(object.parent)) return;
    SchemaDifference difference{.kind = object.kind, .name = object.name, .one = {}, .other = {}};
    (is_here ? difference.one : difference.other) = object.definition;
    found.push_back(std::move(difference));
  };
  for (const auto& [key, object] : here) {
    const auto match = there.find(key);
    if (match == there.end()) {
      tell_alone(*object, true);
      continue;
    }
    const std::string& definition = match->second->definition;
    if (object->definition == definition) continue;
    if (object->kind == order_of_columns && !is_another_order(object->definition, definition))
      continue;
    found.push_back({.kind = object->kind,
                     .name = object->name,
                     .one = object->definition,
                     .other = definition});
  }
  for (const auto& [key, object] : there)
    if (!here.contains(key)) tell_alone(*object, false);
  std::ranges::sort(found, {},
                    [](const SchemaDifference& one_) { return std::pair(one_.name, one_.kind); });
  return found;
}

}  // namespace sluice::migrate
