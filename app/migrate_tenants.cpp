#include "app/migrate_tenants.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "app/output.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "migrate/tenants.hpp"
#include "pg/conninfo.hpp"

/// `migrate up --schemas`.
namespace sluice::app {
namespace {

using nlohmann::ordered_json;
using State = migrate::Tenant::State;

std::string_view word_of(State state) {
  switch (state) {
    case State::applied: return "applied";
    case State::nothing: return "nothing to do";
    case State::failed: return "failed";
    case State::not_begun: break;
  }
  return "not begun";
}

/// What the connection itself says in `options`, by a flag or the environment.
std::string settings_of(const MigrateFlags& flags) {
  for (const auto& [keyword, value] : pg::given_values(connection_of(flags)))
    if (keyword == "options") return value;
  const char* const usual = std::getenv("PGOPTIONS");
  return usual == nullptr ? "" : usual;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string table_of(const std::vector<migrate::Tenant>& tenants, bool is_dry) {
  std::size_t width = std::string_view("schema").size();
  for (const migrate::Tenant& one : tenants) width = std::max(width, cell(one.schema).size());
  const auto line = [width](std::string schema, std::string state, const std::string& files,
                            const std::string& more) {
    schema.resize(std::max(schema.size(), width), ' ');
    state.resize(std::max<std::size_t>(state.size(), 13), ' ');
    std::string text = schema + "  " + state + "  " + files + "  " + more;
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::string text = line("schema", "state", "files", "");
  for (const migrate::Tenant& one : tenants) {
    std::string files = std::to_string(one.applied);
    files.insert(0, 5 - std::min<std::size_t>(5, files.size()), ' ');
    const std::string state =
        is_dry && one.state == State::applied ? "would apply" : std::string(word_of(one.state));
    const std::string more = one.state == State::not_begun ? ""
                             : one.error.empty()           ? format_duration(one.duration)
                                                           : cell(first_line(one.error));
    text += line(cell(one.schema), state, files, more);
  }
  return text;
}

std::string counts_of(const std::vector<migrate::Tenant>& tenants) {
  std::string text;
  for (const State state : {State::applied, State::nothing, State::failed, State::not_begun}) {
    const auto count = std::ranges::count(tenants, state, &migrate::Tenant::state);
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(word_of(state));
  }
  return std::to_string(tenants.size()) + (tenants.size() == 1 ? " schema: " : " schemas: ") + text;
}

/// The whole words of the first ones that failed.
std::string errors_of(const std::vector<migrate::Tenant>& tenants) {
  constexpr std::size_t shown_max = 10;
  std::string text;
  std::size_t count = 0;
  for (const migrate::Tenant& one : tenants) {
    if (one.state != State::failed || ++count > shown_max) continue;
    text += "\nschema " + cell(one.schema) + ": " + one.error;
  }
  if (count > shown_max) text += "\nand " + std::to_string(count - shown_max) + " more";
  return text;
}

ordered_json json_of(const migrate::Tenant& tenant) {
  ordered_json json{{"schema", tenant.schema},
                    {"project", tenant.project},
                    {"state", word_of(tenant.state)},
                    {"files", tenant.applied},
                    {"seconds", tenant.duration.count()}};
  if (!tenant.error.empty()) json["error"] = tenant.error;
  return json;
}

/// What several threads tell.
class Told {
 public:
  Told(const migrate::Listener& listener) : listener_(listener) {}

  migrate::Listener of(const std::string& schema) {
    migrate::Listener one;
    one.note = [this, schema](const std::string& note) {
      const std::lock_guard lock(mutex_);
      listener_.note("schema " + schema + ": " + note);
    };
    one.applied = [this, schema](const script::Script& script,
                                 std::chrono::duration<double> duration) {
      const std::lock_guard lock(mutex_);
      applied.push_back({{"schema", schema}, {"file", script.path}, {"seconds", duration.count()}});
    };
    one.begins = [this](const std::string& path) {
      const std::lock_guard lock(mutex_);
      if (listener_.begins) listener_.begins(path);
    };
    return one;
  }

  ordered_json applied = ordered_json::array();

 private:
  const migrate::Listener& listener_;
  std::mutex mutex_;
};

int exit_code_for(const std::vector<migrate::Tenant>& tenants, const migrate::Stop& stop) {
  int exit_code = exit_ok;
  for (const migrate::Tenant& one : tenants) {
    if (one.state == State::failed && one.kind != FailureKind::interrupted)
      exit_code = worse(exit_code, exit_code_of(one.kind, 0));
  }
  if (stop.asked()) throw Failure(FailureKind::interrupted, "interrupted");
  return exit_code;
}

}  // namespace

void add_tenants(CLI::App& up, const std::shared_ptr<TenantFlags>& tenants) {
  const auto take_like = [tenants](const std::string& like) { tenants->like = like; };
  not_empty(*up.add_option_function<std::string>(
                   "--schemas", take_like,
                   "apply them in each schema with such a name (% stands for any text), each with "
                   "a history of its own")
                 ->option_text("PATTERN"));
  const auto take_jobs = [tenants](const std::uint64_t& jobs) { tenants->jobs = jobs; };
  add_number_option(up, "--jobs", {.min = 1, .max = tenant_jobs_max}, take_jobs,
                    "with --schemas: how many schemas at a time (default: 4)");
  up.add_flag("--trust-schema-owners", tenants->trusts_owners,
              "with --schemas: also schemas into which other roles may put something");
}

MigrateOutcome up_in_schemas(const MigrateFlags& flags, const TenantFlags& given,
                             const script::Folder& folder, const migrate::Options& options,
                             const migrate::Listener& listener, const migrate::Stop& stop) {
  Told told(listener);
  const migrate::TenantsWish wish{
      .like = *given.like,
      .jobs = given.jobs.value_or(tenant_jobs),
      .trusts_owners = given.trusts_owners,
      .settings = settings_of(flags),
      .listener = [&told](const std::string& schema) { return told.of(schema); }};
  const std::vector<migrate::Tenant> tenants = migrate::up_tenants(folder, options, wish, stop);
  MigrateOutcome outcome;
  outcome.json["applied"] = told.applied;
  outcome.json["schemas"] = ordered_json::array();
  for (const migrate::Tenant& one : tenants) outcome.json["schemas"].push_back(json_of(one));
  if (prints_text(flags)) {
    print_result(table_of(tenants, options.dry_run));
    print_result(counts_of(tenants) + "\n");
  }
  const bool has_failed = std::ranges::count(tenants, State::failed, &migrate::Tenant::state) > 0;
  if (has_failed) outcome.message = counts_of(tenants) + errors_of(tenants);
  outcome.exit_code = exit_code_for(tenants, stop);
  return outcome;
}

}  // namespace sluice::app
