#pragma once

#include <string>
#include <vector>

#include "base/sql.hpp"
#include "script/history.hpp"

/// A file that holds a schema and the history of its migrations, for a database that has nothing.
namespace sluice::script {

/// What of a dump is left out.
struct DumpTrim {
  std::string owner;  ///< quoted as SQL wants it: OWNER TO this one says nothing; empty: all stay
};

/// The statements of what pg_dump has written, each behind an empty line, with the rows behind its
/// COPYs, so that two dumps of one schema are alike whatever has made them: without comments, what
/// names versions, keys of \restrict, and settings that hold for the dump alone.
std::string trimmed_dump(const std::string& dump, const DumpTrim& trim = {});

/// The history as comments, one line each. Throws Failure{usage} for files that have not ended, and
/// for names that are not one line.
std::string history_lines(const std::vector<Entry>& entries);

/// What such lines at the end of a text say. Throws Failure{usage} with the line of one that says
/// nothing, and where there is none; `path` is what messages begin with.
std::vector<Entry> read_history_lines(const std::string& path, const std::string& text);

/// Stores these entries at once, as applied now.
Sql record_loaded(const Home& home, const std::vector<Entry>& entries);

}  // namespace sluice::script
