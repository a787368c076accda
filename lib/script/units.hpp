#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "script/checksum.hpp"
#include "script/script.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::script {

/// What a file without a transaction sends at once: a statement, or all from its BEGIN to its
/// COMMIT.
struct Unit {
  std::size_t begin = 0;  ///< byte offsets in the text
  std::size_t end = 0;
  Place place;
  std::vector<std::string> words;  ///< of its first statement
};

/// Units of a text, as far as they can be told; judge() throws what is wrong.
std::vector<Unit> units_of(const Lexed& lexed);

/// What a file is for, and so what it may say instead of what is refused.
enum class Purpose {
  migration,
  load_end,  ///< one transaction, which is not its own, without directives
};

/// Throws Failure{usage} with file, line and what to write instead for what no server understands
/// (commands of psql, COPY FROM STDIN, quotes without an end) and, in a file that is one
/// transaction, for BEGIN and COMMIT: for what comes first of it. `lexed` is of the script's text
/// with its placeholders' values, or of a part of it, outside of which no transaction is open.
void judge(const Script& script, const Lexed& lexed, Purpose purpose = Purpose::migration);

/// SHA-256 of units, whatever stands between them.
class UnitsHash {
 public:
  void add(std::string_view unit);
  std::string digest() const { return hash_.digest(); }

 private:
  Sha256 hash_;
};

/// Of no unit, of the first, of the first two and so on.
std::vector<std::string> checksums_of_units(std::string_view text);

}  // namespace sluice::script
