#include "migrate/foresight.hpp"

namespace sluice::migrate {

void Foresight::look_at(const script::Script& script) {
  for (script::Doubt& doubt : script::doubts_of(script, placeholders_))
    doubts_.emplace_back(script::at(script, doubt.place), std::move(doubt));
  for (std::string& name : script::ending_procedures(script, placeholders_))
    ending_.insert(std::move(name));
}

std::vector<std::string> Foresight::notes(Session& session) {
  std::vector<std::string> names;
  for (const auto& [where, doubt] : doubts_)
    if (!doubt.procedure.empty()) names.push_back(doubt.procedure);
  if (!names.empty()) {
    for (const script::Row& row : session.query(
             sql("select pg_catalog.quote_ident(p.proname), p.proname from pg_catalog.pg_proc p "
                 "where p.prokind = 'p' and (p.proname = any ({}) or "
                 "pg_catalog.quote_ident(p.proname) = any ({})) and p.prosrc ~* "
                 "'\\m(commit|rollback)\\M'",
                 sql_array(names), sql_array(names)))) {
      ending_.insert(row[0]);
      ending_.insert(row[1]);
    }
  }
  std::vector<std::string> notes;
  for (const auto& [where, doubt] : doubts_) {
    if (doubt.procedure.empty() || ending_.contains(doubt.procedure))
      notes.push_back(where + ": " + doubt.message);
  }
  doubts_.clear();
  return notes;
}

}  // namespace sluice::migrate
