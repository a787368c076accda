#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/load_flags.hpp"
#include "app/reader.hpp"
#include "app/runtime.hpp"
#include "app/table_maker.hpp"

namespace sluice::app {

/// The options of each file of a command, with what is found out by looking at it: its dialect
/// (--dialect auto), its columns (--create, --add-columns).
class FileOptions {
 public:
  /// Both outlive it.
  FileOptions(Runtime& runtime, const LoadFlags& flags) : runtime_(runtime), flags_(flags) {}

  /// Before the first load: what all files decide together; and once more where somebody else has
  /// made the table meanwhile. Throws Failure.
  void prepare(std::vector<plan::LoadOptions> files);

  /// What is known of the file behind its beginning. Throws Failure; PgError where the table could
  /// not be asked about, which its load says better.
  plan::LoadOptions of(std::size_t file, plan::LoadOptions options);

  /// The same beside other loads. REQUIRES: may_go_side_by_side().
  plan::LoadOptions beside(std::size_t file, plan::LoadOptions options);

  bool may_go_side_by_side() const;

  /// Whether no load of this command has to make the table any more.
  bool has_table() const { return !maker_ || maker_->has_table(); }

 private:
  Runtime& runtime_;
  const LoadFlags& flags_;
  std::optional<TableMaker> maker_;  ///< --create
  /// What comes once, where it was looked at for a table that somebody else has made then.
  std::vector<std::shared_ptr<source::Source>> opened_;
  std::optional<std::vector<std::string>> names_;  ///< of the table's columns, once asked
  Reader reader_;
};

}  // namespace sluice::app
