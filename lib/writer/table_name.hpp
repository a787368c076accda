#pragma once

#include <string>

namespace sluice::writer {

/// Throws Failure{usage} where a text cannot be the name of a table, with what to write instead.
/// PostgreSQL's regclass takes more than names: a number is an object's number, and "-" is none.
void require_table_name(const std::string& name);

}  // namespace sluice::writer
