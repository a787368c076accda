#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/sql.hpp"
#include "ledger/loads.hpp"

/// Which rows of pgsluice.loads, as l, may be of a source: conditions and questions.
namespace sluice::ledger {

/// "host device:inode " of a stamp; empty where there is none.
std::string file_of(const std::string& stamp);

/// Digests, as an array in text form. They have hexadecimal digits alone.
Sql digests_of(const std::vector<std::string_view>& digests);
Sql digests_of(const std::vector<std::string>& digests);

/// Of the table, and of others that had its name: whether their rows are in it is asked then. The
/// columns may stand in expressions, so that no index is looked into for them.
Sql may_be_of_table(const NewLoad& like, SqlWords target_oid = "l.target_oid",
                    SqlWords target = "l.target");

/// Which rows find_loads() is about: a condition for each kind.
std::vector<Sql> are_like(const NewLoad& like);

/// Whether there is such a load, or one of a content that one of these begins with: an expression.
/// With lengths, also where there is one of a content of other lengths.
Sql has_alike(const std::vector<const NewLoad*>& likes, const Lengths* lengths);

/// A query of KnownLoads::short_lengths, as one text.
Sql short_lengths_query(const NewLoad& like);

}  // namespace sluice::ledger
