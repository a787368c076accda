#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// From what a user writes to the files that it means.
namespace sluice::source {

/// Whether a text is a pattern: it has one of * ? [ that is not behind a backslash.
bool is_pattern(std::string_view text);

/// The files, and what else is not a folder, whose paths match: * ? [a-z] within a name, and ** as
/// a whole name for any number of folders, none included (links to folders are not followed there).
/// A name that begins with a dot is matched by a pattern that does. In the order of the names'
/// bytes.
/// What cannot be looked at is told to `unseen`, with an errno; without one it throws
/// Failure{usage}, as what is there would be left out.
using Unseen = std::function<void(const std::string& path, int error_number)>;
std::vector<std::string> matches(const std::string& pattern, const Unseen& unseen = {});

/// What a folder or a pattern does not mean, though one might think so.
struct LeftOut {
  std::string of;                  ///< as the user wrote it
  std::vector<std::string> names;  ///< of files, without their folder
};

/// What a folder has to load: *.csv, *.tsv and *.txt, and these packed (*.csv.gz, ...), in capitals
/// or not, in the order of their names. What lies in its folders is not looked at. Other files that
/// are not hidden, nor rejects of loads, are added to `left_out`.
std::vector<std::string> files_of_folder(const std::string& folder,
                                         std::vector<std::string>& left_out);

/// Which line of which list has named a path: "@LIST, line 3".
using NamedByLists = std::map<std::string, std::string>;

/// The paths that the arguments of a command mean, in their order, each once. An argument is a URL,
/// a file that is there, whatever its name; a folder; a pattern; "@LIST", a file with one of these
/// on each line (empty lines and what begins with # aside, and blanks around them); or "-". What is
/// none of these stays as it is, so that opening it says why. Throws Failure{usage} where a
/// pattern, a folder or a list has no file. What folders have beside that, and files that a pattern
/// would match but for capitals, are `left_out`; what lists have named, is in `of_lists`.
std::vector<std::string> locate(const std::vector<std::string>& arguments,
                                std::vector<LeftOut>& left_out, NamedByLists* of_lists = nullptr);

}  // namespace sluice::source
