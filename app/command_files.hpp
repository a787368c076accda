#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/after_load.hpp"
#include "app/inputs.hpp"
#include "app/load_files.hpp"

namespace sluice::app {

/// The files of a command, by number: each is one load.
class CommandFiles {
 public:
  /// Names them in `several`, which outlives it. Throws Failure for files that are none, and for
  /// what cannot be done with these.
  CommandFiles(const LoadFlags& flags, const MoreFiles& more, const AfterLoad& after,
               plan::LoadOptions options, report::Several& several);

  std::size_t size() const { return inputs_.size(); }
  bool joins() const { return options_.joins(); }
  const Input& operator[](std::size_t file) const { return inputs_[file]; }
  /// As they are shown.
  const std::string& name(std::size_t file) const { return names_[file]; }

  /// What is asked for, whatever the file.
  const plan::LoadOptions& options() const { return options_; }
  /// Of one file. `others_stored`: earlier ones have brought rows.
  plan::LoadOptions options_of(std::size_t file, bool others_stored) const;

 private:
  plan::LoadOptions options_;
  std::vector<Input> inputs_;
  const std::vector<std::string>& names_;
};

}  // namespace sluice::app
