#include "source/archive_shelf.hpp"

namespace sluice::source {

void ArchiveShelf::keep(const std::string& stamp, const std::vector<ChosenMember>& members) {
  const std::lock_guard lock(mutex_);
  stamp_ = stamp;
  members_.clear();
  readings_.clear();
  for (const ChosenMember& each : members) members_.emplace(each.member.name, each);
}

std::optional<ChosenMember> ArchiveShelf::find(const std::string& stamp,
                                               const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (stamp.empty() || stamp != stamp_ || members_.count(name) != 1) return std::nullopt;
  return members_.find(name)->second;
}

std::unique_ptr<ArchiveShelf::Reading> ArchiveShelf::take(const std::string& stamp, Packing packing,
                                                          std::size_t place) {
  {
    const std::lock_guard lock(mutex_);
    if (stamp.empty() || stamp != stamp_) return nullptr;
    auto nearest = readings_.end();
    for (auto each = readings_.begin(); each != readings_.end(); ++each) {
      const bool may = (*each)->next <= place;
      if (may && (nearest == readings_.end() || (*nearest)->next < (*each)->next)) nearest = each;
    }
    if (nearest != readings_.end()) {
      std::unique_ptr<Reading> reading = std::move(*nearest);
      readings_.erase(nearest);
      return reading;
    }
  }
  auto reading = std::make_unique<Reading>();
  reading->archive = open_();
  if (!reading->archive || reading->archive->stamp() != stamp) return nullptr;
  reading->reader = std::make_unique<ArchiveReader>(*reading->archive, packing);
  return reading;
}

void ArchiveShelf::give(std::unique_ptr<Reading> reading) {
  const std::lock_guard lock(mutex_);
  readings_.push_back(std::move(reading));
}

}  // namespace sluice::source
