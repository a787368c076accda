#include "rejects/choice.hpp"

#include <filesystem>
#include <utility>

#include "base/failure.hpp"

namespace sluice::rejects {
namespace {

namespace fs = std::filesystem;

/// The earlier path as this command would write it; empty where it would not choose that.
std::string own_path(const RejectWish& wish) {
  const fs::path earlier = wish.earlier_path;
  for (const std::string& wanted : {wish.path, wish.usual_path}) {
    if (wanted.empty()) continue;
    // The folder may have several names.
    const fs::path folder = fs::path(wanted).parent_path();
    const std::string path = (folder / earlier.filename()).string();
    std::error_code error;
    const bool is_there =
        earlier.parent_path() == folder || fs::equivalent(earlier.parent_path(), folder, error);
    if (is_there && RejectPlace::is_like(path, wanted)) return path;
  }
  return {};
}

/// Takes up what earlier runs have left, and says in the choice's note why it cannot.
std::unique_ptr<RejectFile> take_up(const RejectWish& wish, RejectChoice& choice) {
  if (wish.earlier_path.empty()) return nullptr;
  return RejectFile::reopen(wish.earlier_path, wish.about, choice.note);
}

std::unique_ptr<RejectFile> reserve(const std::string& path, const RejectWish& wish) {
  try {
    return RejectFile::reserve(path, wish.about);
  } catch (const Failure& failure) {
    if (wish.is_named) throw;
    return std::make_unique<RejectFile>(path, wish.about, failure);
  }
}

}  // namespace

RejectChoice choose_reject_file(RejectWish wish) {
  RejectChoice choice;
  const std::string said = std::exchange(wish.earlier_path, own_path(wish));
  if (wish.earlier_path.empty() && !said.empty()) {
    choice.note = "the ledger says that the rejects of earlier runs are in " + said +
                  ", which this command does not name (--rejects): they stay there";
    if (!wish.are_allowed) {
      choice.path = said;
      return choice;
    }
  }
  std::unique_ptr<RejectFile> earlier = take_up(wish, choice);
  const bool has_earlier = !wish.earlier_path.empty();
  const bool moves = wish.are_allowed && wish.is_named && has_earlier &&
                     !RejectPlace::is_like(wish.earlier_path, wish.path);
  if (!wish.are_allowed || (earlier && !moves)) {
    choice.path = wish.earlier_path;
    choice.file = std::move(earlier);
    return choice;
  }
  const std::string& wanted = has_earlier && !moves ? wish.earlier_path : wish.path;
  choice.file = reserve(wanted, wish);
  if (choice.file->has_place()) choice.path = choice.file->path();
  if (earlier && earlier->has_any()) {
    choice.note = "the rejects of earlier runs are moved from " + wish.earlier_path + " to " +
                  choice.file->path();
  } else if (!choice.note.empty()) {
    choice.note += ": the rejects of this load go to " + choice.file->path() + " from here on";
  }
  if (earlier) choice.file->carry_over(std::move(earlier));
  return choice;
}

}  // namespace sluice::rejects
