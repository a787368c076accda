#include "support/pooler.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <stdexcept>

#include "support/database.hpp"
#include "support/patience.hpp"
#include "support/server.hpp"

namespace sluice::test {

Pooler::Pooler(const std::string& database_url, const std::string& mode, const std::string& more) {
  const Session session(database_url);
  const std::string password = PQpass(session.raw());
  const std::string user = PQuser(session.raw());
  const std::string port = std::to_string(port_.number());
  // auth_type any takes the user of the database's line or the one who comes.
  folder_.write("pgbouncer.ini",
                "[databases]\n* = host=" + std::string(PQhost(session.raw())) +
                    " port=" + PQport(session.raw()) + " user=" + user +
                    (password.empty() ? "" : " password=" + password) +
                    "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " + port +
                    "\nunix_socket_dir =\nauth_type = any\npool_mode = " + mode +
                    "\ndefault_pool_size = 5\nserver_reset_query =\n" + more);
  output_of("chmod -R a+rX " + folder_.path());
  // It does not run as root.
  std::vector<std::string> arguments{folder_ / "pgbouncer.ini"};
  if (::geteuid() == 0) arguments.insert(arguments.begin(), {"-u", "nobody"});
  process_ =
      std::make_unique<Process>(arguments, Process::Options{.program = "/usr/sbin/pgbouncer"});
  url_ = "postgresql://" + user + "@127.0.0.1:" + port + "/" + PQdb(session.raw());
  const auto answers = [this] {
    const std::unique_ptr<PGconn, void (*)(PGconn*)> attempt(PQconnectdb(url_.c_str()), &PQfinish);
    return PQstatus(attempt.get()) == CONNECTION_OK;
  };
  if (!is_seen([&] { return answers() || !process_->running(); }) || !process_->running())
    throw std::runtime_error("PgBouncer does not answer: " + process_->err_so_far());
}

}  // namespace sluice::test
