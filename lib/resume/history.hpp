#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/loads.hpp"
#include "plan/options.hpp"

namespace sluice::resume {

/// What reading the source has told of a load whose chunks were compared with it.
enum class Match {
  unread,  ///< not compared
  same,    ///< the load has read these bytes, all of them
  prefix,  ///< the source begins with all that the load has read, and goes on
  other,
};

struct Candidate {
  ledger::KnownLoad load;
  Match match = Match::unread;
  bool begins_with_file =
      false;  ///< the source, with all of the file that an unfinished load is of
  bool is_running =
      false;  ///< a run is at work on it; asked for where it may_be_begun() or _have_grown()
};

/// What to do about a source that the ledger may know. A pure decision; its inputs are all here.
struct History {
  std::vector<Candidate> loads;         ///< newest first, as find_loads gives them
  bool target_is_empty = false;         ///< and it is known: whoever asks sees all rows
  bool target_is_unlogged = false;      ///< it, or a part of it: empty after a crash of the server
  bool target_has_logged_part = false;  ///< which is not
  bool again = false;
  bool truncate = false;  ///< the table is emptied before: no earlier load counts
  bool reread = false;    ///< no stamp says that a source is what it was
  plan::SameContent same_content = plan::SameContent::refuse;
  plan::Grown grown = plan::Grown::refuse;
};

struct Verdict {
  enum class Kind {
    fresh,                 ///< load all of it
    resume,                ///< go on with `load`
    append,                ///< load what is behind the content of `load`
    compare,               ///< read the source and compare it with the candidates `compare`
    nothing_to_do,         ///< `load` has brought all of it
    refuse_changed,        ///< `load` is unfinished, and the file is not what it was
    refuse_all_stored,     ///< ... and has grown, but `load` has stored the end of then
    refuse_options,        ///< `load` is unfinished, and was begun with other options
    refuse_other_options,  ///< `load` is finished, and brought the same bytes with other options
    refuse_same_content,   ///< `load` is finished, and brought the same bytes under another name
    refuse_part_gone,      ///< a part of the rows of `load` was taken away, nobody knows which
    refuse_other_table,    ///< `load` brought them into another table, which had this one's name
    refuse_grown,          ///< `load` is finished; the source begins with its content and goes on
    refuse_begun,          ///< `load` is unfinished; the source begins with what it has stored
    refuse_running,        ///< ... and a run is at work on it
    refuse_half_undone,    ///< `load` brought it, and is being taken out again
  };

  Kind kind = Kind::fresh;
  std::optional<ledger::KnownLoad> load;
  std::vector<std::size_t> compare;  ///< places in History::loads
  std::vector<LoadId> void_loads;    ///< to be declared void when a new load begins
  std::string note;
  bool may_be_left_out = false;  ///< refuse_other_table: --same-content skip would do so
};

Verdict judge(const History& history, const ledger::NewLoad& now);

/// Whether the source may be what an unfinished load of another file or stream has begun with.
bool may_be_begun(const ledger::KnownLoad& load, const ledger::NewLoad& now);

/// Whether an unfinished load may be of what this file was before it grew, or before all of it was
/// there.
bool may_have_grown(const ledger::KnownLoad& load, const ledger::NewLoad& now);

/// Whether two sets of row-deciding options (JSON) make the same rows of the same bytes. Where a
/// load goes on behind another one, where its data begin does not count.
bool same_options(const std::string& then, const std::string& now, bool with_beginning = true);

/// ... and whether a load that was begun with the one may go on with the other: then DateStyle and
/// the like count too.
bool may_go_on_with(const std::string& then, const std::string& now, bool with_beginning);

/// Names what differs between them: `null: "" then, "NA" now`.
/// `to_go_on`: as may_go_on_with() sees it.
std::string difference_of_options(const std::string& then, const std::string& now,
                                  bool to_go_on = false);

}  // namespace sluice::resume
