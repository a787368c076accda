#include "migrate/find_history.hpp"

#include <algorithm>

#include "migrate/make_schema.hpp"

namespace sluice::migrate {
namespace {

script::History read_all(Session& session) {
  script::History all;
  if (ask_schema(session, schema::Use::read_history) != schema::State::complete) return all;
  for (const script::Row& row : session.query(script::histories_query()))
    all.entries.push_back(script::read_entry(row));
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

Found find_history_anywhere(Session& session, const script::Folder& folder,
                            const Options& options) {
  Found found{.choice = script::choose_project(options.project, folder, read_all(session)),
              .search_path = search_path_here(session)};
  const auto is_unknown = [](const script::Entry& entry) { return !entry.search_path; };
  found.is_to_be_adopted = std::ranges::any_of(found.history().entries, is_unknown);
  return found;
}

Found find_history(Session& session, const script::Folder& folder, const Options& options) {
  Found found = find_history_anywhere(session, folder, options);
  script::check_search_path(found.choice, found.search_path);
  return found;
}

Found find_history(const script::Folder& folder, const Options& options, const Stop& stop) {
  Session session(options.conninfo, stop, options.stall_max);
  return find_history(session, folder, options);
}

void adopt(Session& session, const Found& found) {
  if (!found.is_to_be_adopted) return;
  if (found.choice.takes_over) session.query(script::take_over(found.home()));
  session.query(script::record_search_path(found.home()) + " and search_path is null");
}

}  // namespace sluice::migrate
