#include "app/file_options.hpp"

#include "app/added_columns.hpp"
#include "app/sniffed.hpp"

namespace sluice::app {

void FileOptions::prepare(std::vector<plan::LoadOptions> files) {
  if (!flags_.create.is_given() || files.empty()) return;
  opened_.resize(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (maker_) opened_[i] = maker_->opened(i);
    files[i].opened = opened_[i];
  }
  maker_.emplace(runtime_, flags_);
  if (!maker_->prepare(std::move(files))) maker_.reset();
}

plan::LoadOptions FileOptions::of(std::size_t file, plan::LoadOptions options) {
  if (file < opened_.size()) options.opened = opened_[file];
  if (maker_) options = maker_->options_for(file, std::move(options));
  // A table that is made has the columns of all files.
  if (maker_ && !maker_->has_table()) return options;
  try {
    if (flags_.finds_dialect && !maker_) {
      if (!names_) names_ = ask_column_names(runtime_, options.table);
      reader_.run(runtime_, [&] {
        reader_.open(options);
        options = with_dialect_of(flags_, options, *names_);
      });
    }
    if (flags_.create.adds_columns)
      options = with_added_columns(runtime_, flags_, std::move(options));
  } catch (const boost::system::system_error&) {
    if (runtime_.signal() == 0) throw;
    throw Failure(FailureKind::interrupted, "interrupted; nothing was stored");
  }
  return options;
}

plan::LoadOptions FileOptions::beside(std::size_t file, plan::LoadOptions options) {
  return maker_ ? maker_->options_for(file, std::move(options)) : options;
}

bool FileOptions::may_go_side_by_side() const {
  return has_table() && !flags_.finds_dialect && !flags_.create.adds_columns;
}

}  // namespace sluice::app
