#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lint/words.hpp"

namespace sluice::lint {

/// Whom a lock keeps waiting.
enum class Blocks { nothing, writes, all };

/// What a file has made so far: nobody else can be waiting for it.
class Made {
 public:
  void add(const ObjectName& name) { schemas_[name.name].push_back(name.schema); }
  void remove(const ObjectName& name) {
    const auto found = schemas_.find(name.name);
    if (found == schemas_.end()) return;
    std::erase_if(found->second,
                  [&](const std::string& schema) { return is_place(schema, name.schema); });
  }
  bool has(const ObjectName& name) const {
    const auto found = schemas_.find(name.name);
    return found != schemas_.end() &&
           std::ranges::any_of(found->second, [&](const std::string& schema) {
             return is_place(schema, name.schema);
           });
  }

 private:
  /// Without a search_path, a name without a schema may be any.
  static bool is_place(const std::string& one, const std::string& other) {
    return one.empty() || other.empty() || one == other;
  }
  std::map<std::string, std::vector<std::string>> schemas_;  ///< of a name
};

struct MadeByFile {
  Made tables;  ///< and views
  Made indexes;
  Made schemas;
};

/// A CHECK or NOT NULL constraint that was added with NOT VALID, or validated since.
struct SeenConstraint {
  std::string name;
  std::string not_null;  ///< the column of which it says that; empty: another condition
  bool is_validated = false;
};
/// By the name of its table.
using SeenConstraints = std::multimap<std::string, SeenConstraint>;

/// A lock that the transaction holds.
struct Held {
  std::string table;
  std::string written;  ///< with its schema, if it has one
  std::size_t line = 0;
  std::size_t statement = 0;
  Blocks blocks = Blocks::nothing;
};

/// What the statements of one transaction share.
struct Transaction {
  bool is_explicit = false;  ///< begun by a BEGIN
  std::vector<Held> held;
  std::string last_altered;  ///< the table of the ALTER TABLE that was the statement before
  bool has_told_tables = false;
};

}  // namespace sluice::lint
