#include "app/load_end_flags.hpp"

#include <charconv>

#include "base/failure.hpp"
#include "script/units.hpp"
#include "script/user_sql.hpp"

namespace sluice::app {

const char* deleting_flag(const plan::LoadOptions& o) {
  return o.delete_missing ? "--delete-missing" : "--replace";
}

void refuse_deletes(const LoadFlags& flags, const plan::LoadOptions& o) {
  const auto refuse = [](const std::string& why) { throw Failure(FailureKind::usage, why); };
  if (!flags.max_deletes.empty() && !o.deletes())
    refuse("--max-deletes says more about --delete-missing and --replace: give one of them too");
  if (flags.replace) static_cast<void>(script::UserSql("--replace", *flags.replace));  // throws
  if (!o.deletes()) return;
  const std::string flag = deleting_flag(o);
  if (o.delete_missing && !o.replace.empty())
    refuse("--replace and --delete-missing exclude each other: each says which rows go");
  if (o.delete_missing && o.on_conflict != writer::OnConflict::update)
    refuse("--delete-missing makes the table what the file is: give --on-conflict update too");
  if (o.truncate) refuse("--truncate leaves no row that " + flag + " could delete: leave one out");
  if (o.grown == plan::Grown::append) {
    refuse(flag +
           " and --grown append exclude each other: what is behind an earlier load is not "
           "all of the file, and its rows would be deleted");
  }
  if (o.delete_missing && flags.where)
    refuse("--delete-missing with --where would delete the rows of the records that it leaves out");
  if (o.delete_missing && o.limit)
    refuse("--delete-missing with --limit would delete the rows of all records behind the limit");
  if (flags.files.size() > 1)
    refuse(flag +
           " with several files would delete the rows of the one before: load them one by "
           "one, or as one file");
}

void refuse_idle_end(const plan::LoadOptions& o) {
  if (o.is_all_or_nothing() && o.defer_indexes) {
    const std::string flag = o.atomic ? "--atomic" : deleting_flag(o);
    throw Failure(FailureKind::usage,
                  flag +
                      " and --defer-indexes exclude each other: an index that is dropped is seen "
                      "by all");
  }
  if (!o.use_ledger && (o.after_sql || o.set_sequences)) {
    throw Failure(FailureKind::usage,
                  std::string(o.after_sql ? "--after-sql" : "--set-sequences") +
                      " belongs to the transaction by which the ledger knows that a load is "
                      "finished: leave out --no-ledger");
  }
}

plan::DeletesLimit parse_max_deletes(const std::string& text) {
  plan::DeletesLimit limit;
  if (text.empty()) return limit;
  limit.is_given = true;
  const bool is_share = text.ends_with('%');
  const char* const end = text.data() + text.size() - (is_share ? 1 : 0);
  double percent = 0;
  std::uint64_t rows = 0;
  const auto [stop, error] = is_share ? std::from_chars(text.data(), end, percent)
                                      : std::from_chars(text.data(), end, rows);
  if (error != std::errc() || stop != end || !(percent >= 0 && percent <= 100)) {
    throw Failure(FailureKind::usage, "--max-deletes: \"" + text +
                                          "\" is no number of rows and no share of the table; "
                                          "write for example 500 or 5%");
  }
  if (is_share) {
    limit.share = percent / 100;
  } else {
    limit.rows = rows;
  }
  return limit;
}

std::shared_ptr<const script::Script> read_after_sql(const std::string& path) {
  if (path.empty()) return nullptr;
  const auto refuse = [&path](const std::string& why) {
    throw Failure(FailureKind::usage, "--after-sql " + path + ": " + why);
  };
  auto script = std::make_shared<script::Script>();
  try {
    *script = script::read_script(path);
    if (!script->is_kept) refuse("it is too long");
    const script::Lexed lexed = script::lex_sql(script->text);
    if (!lexed.directives.empty())
      refuse("line " + std::to_string(lexed.directives.front().place.line) +
             ": directives are for migrations");
    script::judge(*script, lexed, script::Purpose::load_end);
    if (lexed.statements.empty()) refuse("it has no statement");
  } catch (const Failure& failure) {
    const std::string what = failure.what();
    if (what.starts_with("--after-sql")) throw;
    throw Failure(FailureKind::usage, "--after-sql " + what);
  }
  return script;
}

void add_delete_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Rows";
  c.add_option("--replace", f.replace,
               "delete the rows for which this is true, and put the file's in their place, in one "
               "transaction (as --atomic)")
      ->option_text("'SQL CONDITION'")
      ->group(group);
  c.add_flag("--delete-missing", f.load.delete_missing,
             "with --on-conflict update: delete the rows whose key the file does not have, in one "
             "transaction (as --atomic)")
      ->group(group);
  c.add_option("--max-deletes", f.max_deletes,
               "publish nothing where more rows than this would be deleted (default: 20% of the "
               "table's as missing; by --replace any, if the file brings a row)")
      ->option_text("N|P%")
      ->group(group);
}

void add_end_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "When all rows are there";
  c.add_option("--after-sql", f.after_sql,
               "SQL that the transaction runs which finishes the load: once, however often it is "
               "resumed")
      ->option_text("FILE")
      ->group(group);
  c.add_flag("--set-sequences", f.load.set_sequences,
             "sequences of serial and identity columns go on behind what was loaded")
      ->group(group);
  c.add_flag("--analyze", f.load.analyze, "collect the table's statistics, behind the load")
      ->group(group);
}

}  // namespace sluice::app
