#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "serve/table_name.hpp"

namespace sluice::serve {

/// What somebody may do.
struct Permission {
  std::string name;  ///< whose token it is, for logs; empty: anybody's, where there are no tokens
  std::string role;  ///< that PostgreSQL decides by; empty: the connection's user
  std::vector<std::string> tables{"*"};
  std::set<std::string> flags;  ///< beyond those that everybody may give (serve/load_flags.hpp)

  /// A table without a schema is one of whatever schema the search_path finds: it is allowed to who
  /// may load into any.
  bool may_use(const TableName& table) const;
};

/// Who is known by which token. Tokens are not kept, only their digests.
class Tokens {
 public:
  /// Lines of a name, the SHA-256 of a token in hexadecimal digits, a role, patterns of tables and
  /// flags, with blanks between; # begins a comment. Lists have commas, - means none and * all
  /// tables. Throws Failure(usage) that names the line; `path` is for that.
  static Tokens read(std::string_view text, const std::string& path);

  /// Takes as long whichever of them it is.
  const Permission* find(std::string_view token) const;

  /// Whether they are of several names.
  bool are_several() const;
  bool is_empty() const { return known_.empty(); }

 private:
  struct Known {
    std::string digest;
    Permission permission;
  };
  std::vector<Known> known_;
};

}  // namespace sluice::serve
