#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/reader.hpp"
#include "plan/plan.hpp"
#include "sniff/look_through.hpp"
#include "sniff/proposal.hpp"

namespace sluice::app {

/// A file whose columns are to be columns of a table, opened and read up to its first record.
struct OpenedFile {
  plan::LoadOptions options;
  plan::LoadOptions adopted;  ///< the same with what its beginning has said
  std::shared_ptr<source::Source> source;
  plan::Beginning beginning;
  /// It comes once, and goes on behind what can be looked at.
  bool is_long_stream = false;
};

/// Reads the beginning of a source. Blocking. Throws Failure.
OpenedFile read_file(plan::LoadOptions options, std::shared_ptr<source::Source> source);

/// The columns that a table has, and what files call them.
struct KnownColumns {
  std::vector<std::string> names;
  /// What the first, the second and so on of the columns of a name in a file goes to. By the name
  /// as it can be printed.
  std::map<std::string, std::vector<std::string>> of_files;
  /// A name that is made for a new column is none of these; else it is that column, which was made
  /// before.
  bool are_taken = false;
};

/// One column of a file.
struct FileColumn {
  std::string in_file;  ///< its name there
  std::string name;     ///< ... and in the table
  bool is_skipped = false;
  bool is_new = false;  ///< the table has no such column
};

/// The columns of a file, for a table that has those. Throws Failure.
std::vector<FileColumn> columns_of_file(const OpenedFile& file, sniff::Naming naming,
                                        const KnownColumns& known);

/// From here on the table has these columns too, under the names of the file.
void add_columns(const std::vector<FileColumn>& columns, KnownColumns& known);

/// Makes the options say that: where its header alone does not.
void name_columns(const OpenedFile& file, const std::vector<FileColumn>& columns,
                  plan::LoadOptions& options);

/// What its columns hold, one for each; nothing is known of a long stream. Blocking, until the
/// reader is stopped.
sniff::Seen look_through(OpenedFile& file, const std::vector<FileColumn>& columns,
                         const Reader& reader);

}  // namespace sluice::app
