#include "app/dump_program.hpp"

#include <array>

#include "pg/conninfo.hpp"

namespace sluice::app {
namespace {

/// How another program of PostgreSQL's is told the same connection: by the environment, which
/// nobody else reads.
/// https://www.postgresql.org/docs/current/libpq-envars.html
std::vector<std::string> environment_of(const pg::ConnectOptions& connect) {
  struct Variable {
    std::string_view keyword;
    std::string_view name;
  };
  static constexpr std::array variables{Variable{"host", "PGHOST"},
                                        Variable{"hostaddr", "PGHOSTADDR"},
                                        Variable{"port", "PGPORT"},
                                        Variable{"dbname", "PGDATABASE"},
                                        Variable{"user", "PGUSER"},
                                        Variable{"password", "PGPASSWORD"},
                                        Variable{"passfile", "PGPASSFILE"},
                                        Variable{"service", "PGSERVICE"},
                                        Variable{"options", "PGOPTIONS"},
                                        Variable{"sslmode", "PGSSLMODE"},
                                        Variable{"sslrootcert", "PGSSLROOTCERT"},
                                        Variable{"sslcert", "PGSSLCERT"},
                                        Variable{"sslkey", "PGSSLKEY"},
                                        Variable{"sslcrl", "PGSSLCRL"},
                                        Variable{"requirepeer", "PGREQUIREPEER"},
                                        Variable{"channel_binding", "PGCHANNELBINDING"},
                                        Variable{"gssencmode", "PGGSSENCMODE"},
                                        Variable{"krbsrvname", "PGKRBSRVNAME"},
                                        Variable{"target_session_attrs", "PGTARGETSESSIONATTRS"},
                                        Variable{"connect_timeout", "PGCONNECT_TIMEOUT"}};
  const pg::Keywords keywords = pg::given_values(connect);
  std::vector<std::string> environment{"PGAPPNAME=pgsluice"};
  for (const Variable& variable : variables) {
    std::string value;
    for (const auto& [keyword, given] : keywords)
      if (keyword == variable.keyword) value = given;
    if (!value.empty()) environment.push_back(std::string(variable.name) + "=" + value);
  }
  return environment;
}

}  // namespace

migrate::DumpProgram dump_program_of(const MigrateFlags& flags, const std::string& program) {
  return {.program = program, .environment = environment_of(connection_of(flags))};
}

void add_pg_dump(CLI::App& c, std::string& program, const std::string& when) {
  not_empty(*c.add_option("--pg-dump", program,
                          when + "the program that reads the schema (default: pg_dump)")
                 ->option_text("PROGRAM"));
}

}  // namespace sluice::app
