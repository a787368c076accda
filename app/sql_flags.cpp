#include "app/sql_flags.hpp"

#include "script/user_sql.hpp"

namespace sluice::app {

void add_sql_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "SQL";
  const auto where = [&f](const std::string& text) { f.where = text; };
  c.add_option_function<std::string>(
       "--where", where,
       "load only records for which this is true: a condition over the table's columns, or over "
       "the file's with --select")
      ->option_text("CONDITION")
      ->group(group);
  const auto select = [&f](const std::string& text) { f.select = text; };
  c.add_option_function<std::string>(
       "--select", select,
       "what becomes of a record: a list as behind SELECT, over the file's columns as texts, whose "
       "names are the table's columns; with :file, :path, :record, :load, :now")
      ->option_text("LIST")
      ->group(group);
}

void choose_sql(const LoadFlags& flags, plan::LoadOptions& o) {
  const auto whole = [](const char* flag, const std::optional<std::string>& text) {
    if (!text) return std::string();
    require_utf8(flag, *text);
    return script::UserSql(flag, *text).text();
  };
  o.where = whole("--where", flags.where);
  o.select = whole("--select", flags.select);
}

}  // namespace sluice::app
