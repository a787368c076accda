#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sniff/proposal.hpp"

namespace sluice::sniff {

/// One of several files, for people and for a command.
struct FileOfMany {
  std::string shown;
  std::string path;
  std::vector<std::string> more_flags = {};  ///< of `load`, beside those that are found out
};

/// A column of the table that several files go into.
struct ColumnOfMany {
  std::string name;
  Column seen = {};  ///< of all files that have it
  /// The numbers of these, by the type that the column would have for each alone.
  std::map<std::string, std::vector<std::size_t>> files_by_type = {};

  std::size_t files() const;
  bool is_of(std::size_t file) const;
};

/// What files are that go into one table. A file's columns are those of others by their names, as
/// `load` matches them.
class Together {
 public:
  explicit Together(Naming naming) : naming_(naming) {}

  /// How many columns the file has in common with those before it; nothing where that is less than
  /// half of either's: it is of another kind.
  std::optional<std::size_t> shared_with(const Proposal& proposal) const;

  /// One more, that was read to its end.
  void add(FileOfMany file, const Proposal& proposal);

  const std::vector<FileOfMany>& files() const { return files_; }
  const std::vector<ColumnOfMany>& columns() const { return columns_; }
  /// Files whose columns stand in another order than in the table.
  const std::vector<std::size_t>& in_other_order() const { return in_other_order_; }
  /// All have the same columns, of the same types, in one order.
  bool is_one_shape() const;

  /// The types that keep all values of all files, by column; and the table.
  std::vector<ColumnType> types() const;
  tuple::NewTable table() const;

  /// What loads them: files that are read by the same flags go in one command.
  struct Command {
    std::vector<std::string> paths;
    std::vector<std::string> flags;  ///< beside the paths and the table
  };
  std::vector<Command> commands() const;

 private:
  /// How one of them is read.
  struct Read {
    std::vector<std::string> flags;
    std::vector<std::size_t> columns;  ///< of the table, in the file's order
  };

  std::vector<std::optional<std::size_t>> places_of(const Proposal& proposal) const;
  std::vector<ProposedColumn> merged() const;
  std::vector<std::string> names() const;

  Naming naming_;
  std::vector<FileOfMany> files_;
  std::vector<Read> reads_;  ///< of each file
  std::vector<ColumnOfMany> columns_;
  std::vector<std::size_t> in_other_order_;
};

/// Files of different kinds: those of one go into one table.
std::vector<Together>::iterator kind_of(std::vector<Together>& all, const Proposal& proposal);

}  // namespace sluice::sniff
