#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rejects/reject_file.hpp"

namespace sluice::rejects {

/// What decides where the rejects of a run go.
struct RejectWish {
  std::string path;           ///< absolute; where that is taken, a path like it will do
  std::string usual_path;     ///< what it is where --rejects names none
  bool is_named = false;      ///< --rejects says so: it counts more than what earlier runs had
  bool are_allowed = false;   ///< there is a budget for them
  std::string earlier_path;   ///< of earlier runs of the load; empty: they had none
  RejectFile::Options about;  ///< REQUIRES: of a load with an earlier path, its number
};

struct RejectChoice {
  std::unique_ptr<RejectFile> file;  ///< nullptr: no reject is written
  std::string path;                  ///< for the ledger; empty where nothing is made there
  std::string note;                  ///< what a person should know; empty: nothing
};

/// Reserves the files, or takes up those of earlier runs. If these are not the load's own they are
/// left alone, and others are made. If others are named now, what is in the earlier ones is carried
/// over.
///
/// An earlier path is what the ledger says, which others may write, and the user of this process
/// may be able to write anywhere. So nothing is opened or made there unless this command might have
/// chosen that path by itself. Blocks. Throws Failure where named files cannot be made; where they
/// are not named, only the first reject finds that out.
RejectChoice choose_reject_file(RejectWish wish);

}  // namespace sluice::rejects
