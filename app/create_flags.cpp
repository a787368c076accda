#include "app/create_flags.hpp"

#include <algorithm>

#include "app/load_end_flags.hpp"
#include "base/failure.hpp"

namespace sluice::app {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Failure(FailureKind::usage, why); }

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

void refuse_with_new_table(const CreateFlags& flags, const plan::LoadOptions& o) {
  if (flags.adds_columns && !flags.takes_any_table())
    refuse(
        "--create makes all columns; --add-columns is for a table that is there: leave one out, or "
        "write --create=if-not-exists");
  if (!o.use_ledger)
    refuse(
        "--create with --no-ledger: nobody would know whose table it is when the same command runs "
        "again; leave one out");
  // Of one that may be there already, what is in it may go.
  const bool may_empty = flags.takes_any_table() && !o.deletes();
  if ((o.truncate || o.deletes()) && !may_empty) {
    const std::string flag = o.truncate ? "--truncate" : deleting_flag(o);
    refuse(flag + " takes rows away, and a table of --create has none: leave one out");
  }
  if (o.on_conflict == writer::OnConflict::error) return;
  if (flags.primary_key.empty())
    refuse("--on-conflict needs a key, and a table of --create has none: say --primary-key too");
  if (!o.key.empty() && sorted(o.key) != sorted(flags.primary_key))
    refuse("--key must be what --primary-key is, where --create makes the table");
}

}  // namespace

void refuse_create(const CreateFlags& flags, const plan::LoadOptions& o) {
  if (flags.is_given() && flags.create != CreateFlags::new_table && !flags.takes_any_table())
    refuse("--create=" + flags.create + ": write --create, or --create=" +
           CreateFlags::if_not_exists + " to load into a table that is there");
  if (!flags.is_given() && !flags.primary_key.empty())
    refuse("--primary-key says more about --create: give that too");
  if (!flags.makes_columns() && flags.naming)
    refuse("--names says more about --create or --add-columns: give one of them too");
  if (!flags.makes_columns() && flags.temp_types)
    refuse("--temp-types says more about --create or --add-columns: give one of them too");
  if (!flags.makes_columns()) return;
  if (!o.select.empty()) {
    refuse(std::string(flags.is_given() ? "--create" : "--add-columns") +
           " with --select: columns are made by the file's own values, not by what SQL makes of "
           "them; make the table first");
  }
  if (flags.is_given()) refuse_with_new_table(flags, o);
}

void add_create_flags(CLI::App& c, CreateFlags& f) {
  const std::string group = "Table";
  c.add_flag(
       "--create", f.create,
       "make the table, with types that keep every value; a table that is there already is an "
       "error, unless this load has made it; =if-not-exists: it is loaded into")
      ->group(group);
  add_list_option(c, "--primary-key", f.primary_key, true,
                  "columns of the primary key of a table of --create")
      .option_text("A,B")
      ->group(group);
  const auto naming = [&f](const sniff::Naming& how) { f.naming = how; };
  add_choice_option<sniff::Naming>(
      c, "--names", naming,
      "columns that are made are called as in the file (default), or unit_price")
      .group(group);
  const auto temp_types = [&f](const TempTypes& which) { f.temp_types = which; };
  add_choice_option<TempTypes>(
      c, "--temp-types", temp_types,
      "of dates and times that are made columns: by their values (default), or all text")
      .group(group);
  c.add_flag("--add-columns", f.adds_columns,
             "add the columns to the table that the file has more; only its owner can")
      ->group(group);
}

}  // namespace sluice::app
