#include "migrate/tenants.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/columns.hpp"
#include "base/sql.hpp"
#include "migrate/migrate.hpp"
#include "migrate/session.hpp"

namespace sluice::migrate {
namespace {

constexpr std::string_view place_of_name = "{schema}";

constexpr auto schema_columns = columns_of({
    {"name", "n.nspname"},
    {"others",
     "coalesce((select pg_catalog.string_agg(o.who, ', ' order by o.who) from others o where "
     "o.schema = n.oid), '')"},
});

/// Who could put something into a schema that would run as whoever migrates, or has done so, and by
/// what: by the schema itself, by an object in it, or by a function that an object in it calls.
/// Whoever has the privileges of this user could do all that anyway. It is one pass over each
/// catalog: of thousands of schemas none is looked through by itself.
constexpr SqlWords others_of_schemas =
    "called (schema, class, object) as ("
    "select c.relnamespace, 'pg_catalog.pg_trigger'::regclass, t.oid from pg_catalog.pg_trigger t "
    "join pg_catalog.pg_class c on c.oid = t.tgrelid where not t.tgisinternal union all "
    "select c.relnamespace, 'pg_catalog.pg_rewrite'::regclass, r.oid from pg_catalog.pg_rewrite r "
    "join pg_catalog.pg_class c on c.oid = r.ev_class union all "
    "select c.relnamespace, 'pg_catalog.pg_policy'::regclass, p.oid from pg_catalog.pg_policy p "
    "join pg_catalog.pg_class c on c.oid = p.polrelid union all "
    "select c.relnamespace, 'pg_catalog.pg_attrdef'::regclass, a.oid from pg_catalog.pg_attrdef a "
    "join pg_catalog.pg_class c on c.oid = a.adrelid union all "
    "select c.relnamespace, 'pg_catalog.pg_class'::regclass, c.oid from pg_catalog.pg_class c "
    "where c.relkind = 'i' union all "
    "select c.connamespace, 'pg_catalog.pg_constraint'::regclass, c.oid from "
    "pg_catalog.pg_constraint c where c.contype = 'c'), "
    "owners (schema, role, why) as ("
    "select n.oid, n.nspowner, '' from pg_catalog.pg_namespace n union all "
    "select n.oid, a.grantee, '' from pg_catalog.pg_namespace n cross join "
    "pg_catalog.aclexplode(n.nspacl) a where a.privilege_type = 'CREATE' union all "
    "select c.relnamespace, c.relowner, pg_catalog.format(' (owner of %I)', c.relname) from "
    "pg_catalog.pg_class c union all "
    "select c.relnamespace, a.grantee, pg_catalog.format(' (TRIGGER on %I)', c.relname) from "
    "pg_catalog.pg_class c cross join pg_catalog.aclexplode(c.relacl) a where a.privilege_type = "
    "'TRIGGER' union all "
    "select p.pronamespace, p.proowner, pg_catalog.format(' (owner of %I)', p.proname) from "
    "pg_catalog.pg_proc p union all "
    "select t.typnamespace, t.typowner, pg_catalog.format(' (owner of %I)', t.typname) from "
    "pg_catalog.pg_type t where t.typrelid = 0 and t.typcategory <> 'A' union all "
    "select o.oprnamespace, o.oprowner, pg_catalog.format(' (owner of operator %s)', o.oprname) "
    "from pg_catalog.pg_operator o union all "
    "select c.schema, p.proowner, pg_catalog.format(' (owner of %I.%I, which is called)', "
    "n.nspname, p.proname) from called c join pg_catalog.pg_depend d on d.classid = c.class and "
    "d.objid = c.object and d.refclassid = 'pg_catalog.pg_proc'::regclass join pg_catalog.pg_proc "
    "p on p.oid = d.refobjid join pg_catalog.pg_namespace n on n.oid = p.pronamespace), "
    "others (schema, who) as ("
    "select w.schema, case w.role when 0 then 'everybody' else w.role::regrole::text end || "
    "pg_catalog.min(w.why) from owners w where not exists (select from pg_catalog.pg_roles o "
    "where o.oid = w.role and (pg_catalog.pg_has_role(o.oid, current_user, 'usage') or o.rolname "
    "= 'pg_database_owner' or o.oid = (select d.datdba from pg_catalog.pg_database d where "
    "d.datname = pg_catalog.current_database()))) group by w.schema, w.role)";

struct Schema {
  std::string name;
  std::string others;
};

/// A part of what `options` says: a blank ends it, and a backslash stands in front of one that does
/// not (pg_split_opts).
std::string as_option(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == ' ' || (c >= '\t' && c <= '\r')) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

/// A value of a conninfo string.
std::string as_conninfo(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

std::string project_of(const std::string& project, const std::string& schema) {
  const std::size_t place = project.find(place_of_name);
  if (place == std::string::npos) return project + ":" + schema;
  return project.substr(0, place) + schema + project.substr(place + place_of_name.size());
}

class Tenants {
 public:
  Tenants(const script::Folder& folder, const Options& options, const TenantsWish& wish,
          const Stop& stop)
      : folder_(folder), options_(options), wish_(wish), stop_(stop) {}

  std::vector<Tenant> run() {
    require_no_schemas_named();
    find();
    tenants_.resize(schemas_.size());
    for (std::size_t i = 0; i < schemas_.size(); ++i) {
      tenants_[i].schema = schemas_[i].name;
      tenants_[i].project = project_of(options_.project.name, schemas_[i].name);
    }
    std::vector<std::jthread> threads;
    const std::size_t count = std::min(wish_.jobs, schemas_.size());
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { work_off(); });
    threads.clear();
    return std::move(tenants_);
  }

 private:
  /// A dump names them: each tenant would make the same tables.
  void require_no_schemas_named() const {
    for (const script::Script& script : folder_.versioned) {
      if (script.directives.replaces.empty()) continue;
      throw Failure(FailureKind::usage,
                    script.path +
                        ": was squashed, and so names its schemas: it would make the "
                        "same tables for each schema of --schemas, and not in it");
    }
  }

  void find() {
    Session session(options_.conninfo, stop_, options_.stall_max);
    for (const script::Row& row : session.query(
             sql("with {} select {} from pg_catalog.pg_namespace n where n.nspname::text like {} "
                 "and n.nspname !~ '^pg_' and n.nspname <> all (array['information_schema', "
                 "'pgsluice']) order by n.nspname",
                 others_of_schemas, schema_columns.list(), literal(wish_.like))))
      schemas_.push_back({row[schema_columns["name"]], row[schema_columns["others"]]});
    if (schemas_.empty()) {
      throw Failure(FailureKind::usage,
                    "--schemas " + wish_.like +
                        ": no schema has such a name (% stands for any text, _ for one character; "
                        "the system's and pgsluice's own are never meant)");
    }
    // Behind its own schema a tenant finds what the connection does, but no other tenant.
    for (const script::Row& row : session.query_in_user_path(
             sql("select s.s from pg_catalog.unnest(pg_catalog.current_schemas(false)) with "
                 "ordinality as s (s, n) order by s.n"))) {
      const std::string& name = row[0];
      if (name != "pgsluice" && std::ranges::find(schemas_, name, &Schema::name) == schemas_.end())
        behind_ += sql(", {}", identifier(name)).text();
    }
  }

  void work_off() {
    for (std::size_t i = 0; (i = next_++) < schemas_.size() && !stop_.asked();) {
      const auto began = std::chrono::steady_clock::now();
      migrate(schemas_[i], tenants_[i]);
      tenants_[i].duration = std::chrono::steady_clock::now() - began;
    }
  }

  void migrate(const Schema& schema, Tenant& tenant) {
    Listener listener = wish_.listener(schema.name);
    const auto tell = listener.applied;
    listener.applied = [&](const script::Script& script, std::chrono::duration<double> duration) {
      ++tenant.applied;
      tell(script, duration);
    };
    const auto fail = [&tenant](FailureKind kind, const std::string& error) {
      tenant.state = Tenant::State::failed;
      tenant.kind = kind;
      tenant.error = error;
    };
    try {
      require_ours(schema);
      const Report report = up(folder_, options_for(tenant), listener, stop_);
      tenant.state = report.applied > 0 ? Tenant::State::applied : Tenant::State::nothing;
    } catch (const Failure& failure) {
      fail(failure.kind(), failure.what());
    } catch (const SqlError& error) {
      fail(stop_.asked() ? FailureKind::interrupted : FailureKind::failed, error.primary());
    }
  }

  void require_ours(const Schema& schema) const {
    if (schema.others.empty() || wish_.trusts_owners) return;
    throw Failure(FailureKind::usage,
                  schema.others +
                      " may put functions and triggers into this schema, which the files would run "
                      "as you; --trust-schema-owners says that this is fine");
  }

  Options options_for(const Tenant& tenant) const {
    Options options = options_;
    options.project = given_project(tenant.project, "the project of schema " + tenant.schema);
    options.schema = tenant.schema;
    const std::string path = sql("{}", identifier(tenant.schema)).text() + behind_;
    options.conninfo +=
        " options=" + as_conninfo(wish_.settings + (wish_.settings.empty() ? "" : " ") +
                                  "-csearch_path=" + as_option(path));
    return options;
  }

  const script::Folder& folder_;
  const Options& options_;
  const TenantsWish& wish_;
  const Stop& stop_;
  std::vector<Schema> schemas_;
  std::string behind_;  ///< of the search_path
  std::vector<Tenant> tenants_;
  std::atomic<std::size_t> next_ = 0;
};

}  // namespace

std::vector<Tenant> up_tenants(const script::Folder& folder, const Options& options,
                               const TenantsWish& wish, const Stop& stop) {
  return Tenants(folder, options, wish, stop).run();
}

}  // namespace sluice::migrate
