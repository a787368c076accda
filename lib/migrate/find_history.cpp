#include "migrate/find_history.hpp"

#include <algorithm>

#include "migrate/own_schema.hpp"

namespace sluice::migrate {
namespace {

History read_all(Session& session) {
  History all;
  using own_schema::Use;
  if (own_schema::ask(session, Use::read_history) != own_schema::State::complete) return all;
  for (const Row& row : session.query(histories_query())) all.entries.push_back(read_entry(row));
  return all;
}

/// As the files find it: our own schema is taken out of their path (migrate/apply).
std::string search_path_here(Session& session) {
  return session
      .query_in_user_path(
          "select coalesce((select pg_catalog.string_agg(pg_catalog.quote_ident(s.s::"
          "pg_catalog.text), ', '::pg_catalog.text order by s.n) from pg_catalog.unnest("
          "pg_catalog.current_schemas(false)) with ordinality as s (s, n) where s.s "
          "operator(pg_catalog.<>) 'pgsluice'::pg_catalog.name), '')")
      .front()[0];
}

}  // namespace

Found find_history_anywhere(Session& session, const Folder& folder, const Options& options) {
  Found found{.choice = choose_project(options.project, folder, read_all(session)),
              .search_path = search_path_here(session)};
  const auto is_unknown = [](const Entry& entry) { return !entry.search_path; };
  found.is_to_be_adopted = std::ranges::any_of(found.history().entries, is_unknown);
  return found;
}

Found find_history(Session& session, const Folder& folder, const Options& options) {
  Found found = find_history_anywhere(session, folder, options);
  check_search_path(found.choice, found.search_path);
  return found;
}

Found find_history(const Folder& folder, const Options& options, const Stop& stop) {
  Session session(options.conninfo, stop, options.stall_max);
  return find_history(session, folder, options);
}

void adopt(Session& session, const Found& found) {
  if (!found.is_to_be_adopted) return;
  if (found.choice.takes_over) session.query(take_over(found.home()));
  session.query(record_search_path(found.home()) + " and search_path is null");
}

}  // namespace sluice::migrate
