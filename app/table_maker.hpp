#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/file_columns.hpp"
#include "app/load_flags.hpp"
#include "app/reader.hpp"
#include "app/runtime.hpp"
#include "app/table_facts.hpp"

namespace sluice::app {

/// What --create does in front of the loads of a command: it finds out what the table is to be, of
/// all its files, or that an earlier run of the command has made it. The first load that begins
/// makes it (load/make_table).
class TableMaker {
 public:
  /// All outlive it.
  TableMaker(Runtime& runtime, const LoadFlags& flags) : runtime_(runtime), flags_(flags) {}

  /// Of the files that these options are for. Reads them to their end, but where the table is there
  /// already. False where there is nothing to do for any of them: somebody else has made a table
  /// that is only loaded into (--create=if-not-exists). Throws Failure.
  bool prepare(std::vector<plan::LoadOptions> files);

  /// What of that file comes once, and was looked at.
  std::shared_ptr<source::Source> opened(std::size_t file) const {
    return file < found_.size() ? found_[file].options.opened : nullptr;
  }

  /// The same options with what was found out about their file, whose number it is. May read the
  /// beginning of a file, on this thread, and of what comes once.
  plan::LoadOptions options_for(std::size_t file, plan::LoadOptions options);

  /// Whether the table is there, so that the order of loads does not matter.
  bool has_table() const { return facts_.is_there || wish_->made_by; }

 private:
  /// What was found out about a file.
  struct Found {
    plan::LoadOptions options;
    std::vector<FileColumn> columns;
  };

  void refuse_table() const;
  void take_over(const std::string& mark);
  Found look_at(plan::LoadOptions options);
  void add(OpenedFile& file, const std::vector<FileColumn>& columns);
  void make_wish();
  void require_key() const;
  std::vector<sniff::ColumnType> choose_types();
  void note_types(const std::vector<sniff::ColumnType>& types);
  std::string mark() const;
  void add_values(Found& found) const;

  Runtime& runtime_;
  const LoadFlags& flags_;
  TableFacts facts_;
  std::shared_ptr<plan::TableToMake> wish_ = std::make_shared<plan::TableToMake>();
  KnownColumns known_{.names = {}, .of_files = {}, .are_taken = true};
  std::vector<sniff::ProposedColumn> columns_;  ///< of the table, in the order of `known_.names`
  std::vector<std::size_t> files_with_;         ///< of each column: how many files have it
  std::map<std::string, sniff::ColumnType> read_by_;  ///< columns that flags must say something of
  std::size_t files_read_ = 0;
  std::string long_stream_;   ///< its name; empty: all was read
  std::vector<Found> found_;  ///< by the file's number
  Reader reader_;
};

}  // namespace sluice::app
