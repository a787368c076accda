#include "resume/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "plan/meaning.hpp"
#include "plan/wishes.hpp"
#include "source/fingerprint.hpp"
#include "source/packing.hpp"

namespace sluice::resume {
namespace {

using Kind = Verdict::Kind;

/// Of a stream, and of what is packed, the content's length is not known before its end: its
/// fingerprint is that of the beginning.
bool has_no_length(const ledger::NewLoad& load) { return !load.source_bytes; }

/// A stream has no name; a file has its path, and those of its other links. "trips.csv.gz" is
/// "trips.csv", packed.
bool same_name(const ledger::NewLoad& a, const ledger::NewLoad& b) {
  if (!a.is_file() || !b.is_file()) return true;
  if (source::name_without_packing(a.source_path) == source::name_without_packing(b.source_path))
    return true;
  const std::string_view file = source::file_of_stamp(a.source_stamp);
  return !file.empty() && file == source::file_of_stamp(b.source_stamp);
}

/// What is known without reading: whether all of the content may be that of the load.
bool may_be_same(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  if (load.fingerprint == now.fingerprint) return true;
  return load.head == now.head && (has_no_length(load) || has_no_length(now));
}

/// Of what is known of its beginning: whether it is the load's, or begins with all of that.
bool begins_alike(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  return load.head == now.head ||
         std::ranges::find(now.short_heads, load.head) != now.short_heads.end();
}

/// ... or whether it may begin with the load's.
bool may_go_on(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  if (load.content_end == 0 || (now.source_bytes && *now.source_bytes <= load.content_end))
    return false;
  if (begins_alike(load, now)) return true;
  // An older version did not say of how many bytes the head is.
  return load.content_end < limits::fingerprint_bytes && same_name(load, now);
}

/// Whether an unfinished load is of this source by its name, or by its path whatever is there now.
bool is_of_this_file(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  const bool is_renamed = load.head == now.head && same_name(load, now);
  return now.is_file() && (load.source_path == now.source_path || is_renamed);
}

/// Empty for UTF-8.
std::string encoding_of(const std::string& options) {
  const auto json = nlohmann::json::parse(options, nullptr, false);
  const bool has_one =
      json.is_object() && json.contains("encoding") && json["encoding"].is_string();
  return has_one ? json["encoding"].get<std::string>() : std::string();
}

/// Under row-level security: as whom it was loaded. Empty where that decides nothing.
std::string role_of(const std::string& options) {
  const auto json = nlohmann::json::parse(options, nullptr, false);
  const bool has_role = json.is_object() && json.contains("role") && json["role"].is_string();
  return has_role ? json["role"].get<std::string>() : std::string();
}

class Judge {
 public:
  Judge(const History& history, const ledger::NewLoad& now)
      : h_(history), now_(now), role_(role_of(now.options)) {}

  Verdict run() {
    for (std::size_t i = 0; i < h_.loads.size(); ++i) {
      const Candidate& c = h_.loads[i];
      if (c.load.of_other_table || is_anothers(c.load)) continue;
      if (c.load.is_half_undone()) {
        if (is_half_there(c.load)) return with(Kind::refuse_half_undone, c.load);
        continue;
      }
      if (has_lost_a_part(c.load)) {
        if (!is_loaded_again()) return with(Kind::refuse_part_gone, c.load);
        continue;
      }
      if (is_over(c.load)) continue;
      if (c.load.finished()) {
        finished_.push_back(i);
      } else if (const auto kind = unfinished(c)) {
        Verdict verdict = with(*kind, c.load);
        if (*kind == Kind::compare) verdict.compare.push_back(i);
        return verdict;
      }
    }
    if (h_.again) return fresh_;
    const Verdict verdict = of_finished();
    const bool is_new = verdict.kind == Kind::fresh || verdict.kind == Kind::append;
    if (const Verdict begun = of_begun(verdict); is_new && begun.kind != verdict.kind) return begun;
    return verdict.kind == Kind::fresh ? of_other_tables(verdict) : verdict;
  }

 private:
  static Verdict with(Kind kind, const ledger::KnownLoad& load) {
    Verdict verdict;
    verdict.kind = kind;
    verdict.load = load;
    return verdict;
  }

  bool options_match(const ledger::KnownLoad& load) const {
    return same_options(load.options, now_.options, !load.behind_load);
  }

  /// Each role brings its own rows of a file. Where one of the two is not known, or the policies do
  /// not apply to it, the difference is named.
  bool is_anothers(const ledger::KnownLoad& load) const {
    if (role_.empty()) return false;
    const std::string role = role_of(load.options);
    return !role.empty() && role != role_;
  }

  /// What of the content may be this load's.
  bool is_about(const ledger::KnownLoad& load) const {
    return may_be_same(load, now_) || may_go_on(load, now_);
  }

  static bool has_rows(const ledger::KnownLoad& load) {
    const bool waits = load.staged && !load.finished();
    return !waits && load.totals.counts.rows_in_table() > 0;
  }

  /// Its rows wait as this one's would; or all of them are there already, or on their way.
  bool comes_alike(const ledger::KnownLoad& load) const {
    return load.staged == now_.staged || load.is_decided();
  }

  /// Some of the load's rows are gone, and nobody knows which.
  bool has_lost_a_part(const ledger::KnownLoad& load) const {
    if (h_.again || h_.truncate || h_.target_is_empty || !has_rows(load)) return false;
    const bool by_crash = h_.target_is_unlogged && h_.target_has_logged_part && load.is_emptied;
    return (by_crash || load.part_gone) && is_about(load);
  }

  /// Some of its rows are, and what is loaded beside them is there twice.
  bool is_half_there(const ledger::KnownLoad& load) const {
    if (h_.again || h_.truncate || h_.target_is_empty) return false;
    return is_about(load);
  }

  /// By a load that is newer than the one that is looked at.
  bool is_loaded_again() const {
    return std::ranges::any_of(
        finished_, [this](std::size_t i) { return may_be_same(h_.loads[i].load, now_); });
  }

  bool has_lost_all(const ledger::KnownLoad& load) const {
    const bool crashed = h_.target_is_unlogged && load.is_emptied;
    return has_rows(load) && (h_.target_is_empty || crashed);
  }

  /// The load's rows are gone, and its entry becomes void where a new load begins.
  bool is_over(const ledger::KnownLoad& load) {
    if (h_.again || !has_lost_all(load)) return false;
    if (load.finished() && !is_about(load)) return false;
    fresh_.void_loads.push_back(load.id);
    if (!fresh_.note.empty()) return true;
    const char* const why = h_.target_is_empty
                                ? "is empty now"
                                : "is unlogged, and the server has crashed and emptied it since";
    if (may_be_same(load, now_)) {
      fresh_.note =
          fmt::format("load {} brought {} rows of this file, but {} {}: loading it again",
                      load.id.value, load.totals.counts.rows_in_table(), now_.target, why);
    } else if (!load.finished()) {
      fresh_.note = fmt::format("load {} of {}, which was unfinished, is given up: {} {}",
                                load.id.value, load.source, now_.target, why);
    }
    return true;
  }

  bool may_resume(const ledger::KnownLoad& load) const {
    return may_go_on_with(load.options, now_.options, !load.behind_load);
  }

  void give_up(const ledger::KnownLoad& load) {
    fresh_.void_loads.push_back(load.id);
    if (!fresh_.note.empty()) return;
    fresh_.note = fmt::format("load {}, which was unfinished, is given up", load.id.value);
    if (has_rows(load) && !h_.truncate && !h_.target_is_empty) {
      fresh_.note += fmt::format("; it had stored {} rows in {}, which are not taken back",
                                 load.totals.counts.rows_in_table(), now_.target);
    }
  }

  /// What an unfinished load wants; nothing where it stands in nobody's way.
  std::optional<Kind> unfinished(const Candidate& c) {
    const ledger::KnownLoad& load = c.load;
    const bool is_this = may_be_same(load, now_);
    // Of the same path, but of other content: yesterday's file, or this one before it changed.
    if (!is_this && !is_of_this_file(load, now_)) return std::nullopt;
    if (h_.again || h_.truncate) {
      // Behind one that has emptied the table others have come since.
      const bool has_company = !load.staged && load.has_others;
      if (h_.again || !is_this || !may_resume(load) || has_company) {
        give_up(load);
        return std::nullopt;
      }
    }
    if (is_this && may_resume(load) && comes_alike(load)) return Kind::resume;
    if (load.totals.chunks > 0 && may_have_grown(load, now_)) return unfinished_of_less(c);
    // What waits in a staging table, or has stored nothing, stands in nobody's way.
    if (load.staged || load.totals.chunks == 0) {
      give_up(load);
      return std::nullopt;
    }
    return is_this ? Kind::refuse_options : Kind::refuse_changed;
  }

  /// ... of this file, which was shorter then.
  std::optional<Kind> unfinished_of_less(const Candidate& c) {
    const ledger::KnownLoad& load = c.load;
    if (c.match == Match::unread) return Kind::compare;
    const bool has_grown = c.match == Match::prefix && c.begins_with_file;
    if (has_grown && c.is_running) return Kind::refuse_running;
    // Where the chunks in front of the end of then end does not depend on what is behind them.
    const bool has_end = load.content_end >= *load.source_bytes;
    if (has_grown && !has_end && may_resume(load) && comes_alike(load)) return Kind::resume;
    if (load.staged) {
      give_up(load);
      return std::nullopt;
    }
    if (!has_grown) return Kind::refuse_changed;
    return may_resume(load) ? Kind::refuse_all_stored : Kind::refuse_options;
  }

  /// Writing through a mapping may leave all times as they are for a while: of an untouched file
  /// its beginning, its length and its end are looked at all the same.
  Match match_of(const Candidate& c) const {
    const bool untouched = !h_.reread && !now_.source_stamp.empty() &&
                           c.load.source_stamp == now_.source_stamp &&
                           c.load.fingerprint == now_.fingerprint;
    return untouched ? Match::same : c.match;
  }

  /// An unfinished load of another file or stream, which this one may be a longer copy of.
  bool is_in_the_way(const Candidate& c) const {
    if (h_.again || h_.truncate || h_.grown == plan::Grown::load) return false;
    const bool has_its_rows = has_rows(c.load) && !has_lost_all(c.load);
    return may_be_begun(c.load, now_) && !is_anothers(c.load) && (c.is_running || has_its_rows);
  }

  bool must_be_read(const Candidate& c) const {
    if (match_of(c) != Match::unread) return false;
    return is_in_the_way(c) || (may_be_copied(c.load) && is_about(c.load));
  }

  Verdict of_begun(const Verdict& otherwise) const {
    for (const Candidate& c : h_.loads) {
      const Match match = match_of(c);
      if (!is_in_the_way(c) || (match != Match::same && match != Match::prefix)) continue;
      return with(c.is_running ? Kind::refuse_running : Kind::refuse_begun, c.load);
    }
    return otherwise;
  }

  Verdict of_finished() {
    // An untouched file that was loaded so needs no look at its content, nor at other loads.
    for (const std::size_t i : finished_) {
      const Candidate& c = h_.loads[i];
      if (c.match == Match::unread && match_of(c) == Match::same && options_match(c.load) &&
          is_all_there_is(c.load))
        return known(c.load);
    }
    Verdict ask;
    ask.kind = Kind::compare;
    for (const std::size_t i : finished_) {
      const Candidate& c = h_.loads[i];
      if (match_of(c) == Match::unread && is_about(c.load)) ask.compare.push_back(i);
    }
    for (std::size_t i = 0; i < h_.loads.size(); ++i) {
      if (must_be_read(h_.loads[i])) ask.compare.push_back(i);
    }
    if (!ask.compare.empty()) return ask;

    const auto load_of_this = newest(Match::same, true, true);
    if (load_of_this && is_all_there_is(*load_of_this)) return known(*load_of_this);
    if (h_.truncate) return fresh_;
    if (const auto load = in_other_encoding()) return with(Kind::refuse_other_options, *load);
    if (const auto load = newest(Match::same, false, true)) return of_other_name(*load);
    if (const auto load = newest(Match::same, true, false)) {
      // Of one whose records were all rejected, or left out, nothing could come twice.
      return has_rows(*load) ? with(Kind::refuse_other_options, *load) : fresh_;
    }
    if (const auto load = newest(Match::same, false, false))
      return h_.same_content == plan::SameContent::load ? fresh_
                                                        : with(Kind::refuse_other_options, *load);
    return of_grown();
  }

  /// With --truncate the table is to have the rows of this load alone.
  bool is_all_there_is(const ledger::KnownLoad& load) const {
    return !h_.truncate || !load.has_others;
  }

  /// One that has read this very file, untouched, as text in another encoding: its bytes are the
  /// same, whatever they are as text.
  std::optional<ledger::KnownLoad> in_other_encoding() const {
    for (const std::size_t i : finished_) {
      const ledger::KnownLoad& load = h_.loads[i].load;
      const bool is_untouched =
          !now_.source_stamp.empty() && load.source_stamp == now_.source_stamp;
      if (is_untouched && encoding_of(load.options) != encoding_of(now_.options)) return load;
    }
    return std::nullopt;
  }

  /// The newest finished load with that match.
  std::optional<ledger::KnownLoad> newest(Match match, bool of_this_name, bool with_options) const {
    for (const std::size_t i : finished_) {
      const Candidate& c = h_.loads[i];
      if (match_of(c) == match && same_name(c.load, now_) == of_this_name &&
          options_match(c.load) == with_options)
        return c.load;
    }
    return std::nullopt;
  }

  Verdict known(const ledger::KnownLoad& load) {
    if (!(now_.updates || now_.deletes) || !load.changed_since)
      return with(Kind::nothing_to_do, load);
    fresh_.note = fmt::format(
        "load {} has brought this content already, but another load has written to {} since: "
        "applying it again",
        load.id.value, now_.target);
    return fresh_;
  }

  Verdict of_other_name(const ledger::KnownLoad& load) {
    if (load.totals.records_read == 0) return with(Kind::nothing_to_do, load);
    switch (h_.same_content) {
      case plan::SameContent::refuse: return with(Kind::refuse_same_content, load);
      case plan::SameContent::skip: return with(Kind::nothing_to_do, load);
      case plan::SameContent::load: break;
    }
    return fresh_;
  }

  /// Whether rows of a load into another table, which had the name, may be in this one: it may have
  /// been copied, or restored from a dump.
  bool may_be_copied(const ledger::KnownLoad& load) const {
    return load.of_other_table && !is_anothers(load) && has_rows(load) && !h_.again &&
           !h_.truncate && !h_.target_is_empty && h_.same_content != plan::SameContent::load;
  }

  Verdict of_other_tables(const Verdict& otherwise) const {
    for (const Candidate& c : h_.loads) {
      const Match match = match_of(c);
      if (!may_be_copied(c.load) || (match != Match::same && match != Match::prefix)) continue;
      const bool may_be = match == Match::same && c.load.finished() && options_match(c.load);
      if (may_be && h_.same_content == plan::SameContent::skip)
        return with(Kind::nothing_to_do, c.load);
      Verdict verdict = with(Kind::refuse_other_table, c.load);
      verdict.may_be_left_out = may_be;
      return verdict;
    }
    return otherwise;
  }

  /// The load that has read most of it counts.
  Verdict of_grown() {
    std::optional<ledger::KnownLoad> most;
    for (const std::size_t i : finished_) {
      const Candidate& c = h_.loads[i];
      const bool is_longer = !most || c.load.content_end > most->content_end;
      if (match_of(c) == Match::prefix && c.load.totals.records_read > 0 && is_longer)
        most = c.load;
    }
    if (!most || h_.grown == plan::Grown::load) return fresh_;
    if (h_.grown == plan::Grown::refuse) return with(Kind::refuse_grown, *most);
    return with(same_options(most->options, now_.options, false) ? Kind::append
                                                                 : Kind::refuse_other_options,
                *most);
  }

  const History& h_;
  const ledger::NewLoad& now_;
  std::string role_;
  Verdict fresh_;
  std::vector<std::size_t> finished_;
};

/// What earlier versions wrote instead of the columns that are fed, and where the data begin.
constexpr std::array<const char*, 5> former_keys{"header", "skip-lines", "columns", "map",
                                                 "ignore-extra"};
constexpr std::array<const char*, 2> meaning_keys{"fields", "begins"};

void erase_all(nlohmann::json& json, std::span<const char* const> keys) {
  for (const char* key : keys) json.erase(key);
}

/// Other versions say more of it, or less.
void leave_common(nlohmann::json& then, nlohmann::json& now) {
  if (!then.is_object() || !now.is_object()) return;
  const auto leave = [](nlohmann::json& json, const nlohmann::json& other) {
    for (auto at = json.begin(); at != json.end();)
      at = other.contains(at.key()) ? std::next(at) : json.erase(at);
  };
  leave(then, now);
  leave(now, then);
}

/// Both in the same form.
void make_comparable(nlohmann::json& then, nlohmann::json& now, bool to_go_on) {
  const bool both = then.contains("fields") && now.contains("fields");
  for (nlohmann::json* json : {&then, &now}) {
    if (!both) {
      erase_all(*json, former_keys);
      erase_all(*json, meaning_keys);
    }
    json->erase("atomic");            // decides when rows come, not which
    json->erase(plan::mark_key);      // of the table that it has made
    json->erase(plan::left_out_key);  // how columns are called that go nowhere
    json->erase(plan::wishes_key);    // how it was said
    json->erase("words");  // of the load that began, also where its file has another name by now
    if (to_go_on) json->erase("after-sql");  // of one that is not finished, nothing of it has run
  }
  // Where the table was emptied, or is not to be, there is nothing to make up for.
  if (!to_go_on || then.contains("truncate") || !now.contains("truncate")) {
    then.erase("truncate");
    now.erase("truncate");
  }
  const bool both_say = then.contains("reading") && now.contains("reading");
  if (!to_go_on || !both_say) {
    then.erase("reading");
    now.erase("reading");
  } else {
    leave_common(then["reading"], now["reading"]);
  }
}

std::string name_of(const std::string& key) {
  if (key == "fields") return "columns that the file feeds";
  if (key == "begins") return "where the data begin (--header, --skip-lines)";
  if (key == "reading")
    return "how texts are read: dates, names of tables and the like (--set, PGDATESTYLE, PGTZ, "
           "PGOPTIONS)";
  if (key == "role") return "who loads, under row-level security";
  if (key == "PGOPTIONS") return "PGOPTIONS, under row-level security";
  return "--" + key;
}

bool are_same(const std::string& then_text, const std::string& now_text, bool with_beginning,
              bool to_go_on) {
  auto then = nlohmann::json::parse(then_text);
  auto now = nlohmann::json::parse(now_text);
  make_comparable(then, now, to_go_on);
  if (!with_beginning) {
    then.erase("begins");
    now.erase("begins");
  }
  return then == now;
}

}  // namespace

Verdict judge(const History& history, const ledger::NewLoad& now) {
  return Judge(history, now).run();
}

bool may_be_begun(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  if (load.finished() || load.is_half_undone() || load.of_other_table || load.staged) return false;
  if (may_be_same(load, now) || is_of_this_file(load, now)) return false;
  // Of one without a chunk all of its file counts.
  const std::uint64_t least =
      load.content_end > 0 ? load.content_end : load.source_bytes.value_or(0);
  return least > 0 && (!now.source_bytes || *now.source_bytes >= least) && begins_alike(load, now);
}

bool may_have_grown(const ledger::KnownLoad& load, const ledger::NewLoad& now) {
  if (load.finished() || load.is_half_undone() || load.of_other_table) return false;
  return is_of_this_file(load, now) && load.source_bytes && now.source_bytes &&
         *now.source_bytes > *load.source_bytes && begins_alike(load, now);
}

bool same_options(const std::string& then, const std::string& now, bool with_beginning) {
  return are_same(then, now, with_beginning, false);
}

bool may_go_on_with(const std::string& then, const std::string& now, bool with_beginning) {
  return are_same(then, now, with_beginning, true);
}

std::string difference_of_options(const std::string& then_text, const std::string& now_text,
                                  bool to_go_on) {
  auto then = nlohmann::json::parse(then_text);
  auto now = nlohmann::json::parse(now_text);
  make_comparable(then, now, to_go_on);
  std::string result;
  const auto add = [&](const std::string& key) {
    const auto shown = [&](const nlohmann::json& in) {
      if (!in.contains(key)) return std::string("not given");
      return key == "after-sql" ? std::string("given") : in[key].dump();
    };
    if (then.contains(key) && now.contains(key) && then[key] == now[key]) return;
    if (!result.empty()) result += "; ";
    if (key == "after-sql" && then.contains(key) && now.contains(key)) {
      result += name_of(key) + ": another text then";
      return;
    }
    result += name_of(key) + ": " + shown(then) + " then, " + shown(now) + " now";
  };
  for (const auto& [key, value] : then.items()) add(key);
  for (const auto& [key, value] : now.items()) {
    if (!then.contains(key)) add(key);
  }
  return result;
}

}  // namespace sluice::resume
